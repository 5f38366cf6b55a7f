"""Accounts and customers, judged from the marks of the org and the memory of our database."""

from connector.core.verify.checks import Verdict
from connector.core.verify.machine import KnownCustomers
from connector.core.verify.org_counts import AccountMarks, MarkedAccount, OpenRecords
from connector.core.verify.org_needs import OrgNeeds
from connector.core.verify.private import shown
from tests.support.verify import NOT_READABLE, judged

ORG = OrgNeeds(org_id="00D000000000001AAA", org_name="Acme", multi_currency=True, objects=10)
NOTHING = OpenRecords(statuses={}, outside={}, rows=(), total=0)


def marks(*rows: tuple[str, str], **repeated: int) -> AccountMarks:
    found = tuple(MarkedAccount(id=f"001{name}", name=name, mark=mark) for name, mark in rows)
    return AccountMarks(rows=found, total=len(found), repeated=repeated)


def linked(found, memory=None):
    known = memory if memory is not None else KnownCustomers(mates={row.id: row.mark for row in found.rows})
    return judged(
        "DATA-MAP", account_marks=found, own_customers=known, org_needs=ORG, open_invoices=NOTHING, open_quotes=NOTHING
    )


def test_accounts_that_our_database_knows_pass():
    result = linked(marks(("Acme", "cus_1"), ("Borg", "cus_2")))
    assert (result.verdict, result.observed) == (Verdict.PASS, "2 Accounts are linked to a customer")


def test_a_mark_on_two_accounts_fails():
    result = linked(marks(("Acme", "cus_1"), ("Acme 2", "cus_1"), cus_1=2))
    assert result.verdict is Verdict.FAIL
    assert result.observed == "2 Accounts carry cus_1"
    assert len(result.evidence) == 2


def test_a_mark_that_is_no_customer_fails_by_name():
    result = linked(marks(("Acme", "acct_1")))
    assert result.verdict is Verdict.FAIL
    assert "Acme (acct_1)" in shown(result.observed)


def test_a_mark_our_database_does_not_know_warns():
    for memory in (KnownCustomers(mates={}), KnownCustomers(mates={"001Acme": "cus_other"})):
        result = linked(marks(("Acme", "cus_1")), memory)
        assert result.verdict is Verdict.WARN
        assert "Acme" in shown(result.observed)


def test_what_was_not_compared_is_said():
    for memory in (KnownCustomers(mates={}, is_complete=False), NOT_READABLE):
        result = linked(marks(("Acme", "cus_1")), memory)
        assert (result.verdict, result.degraded) == (Verdict.PASS, True)
    assert "not compared with our database: no access" in result.observed


def test_without_a_mark_there_is_nothing_to_compare():
    assert not linked(marks(), NOT_READABLE).degraded


def test_marks_that_cannot_be_read_are_unknown():
    assert linked(NOT_READABLE, KnownCustomers(mates={})).verdict is Verdict.UNKNOWN
