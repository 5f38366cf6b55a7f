"""The machine we run on, judged: database, disk, clock, encryption."""

from datetime import timedelta

import pytest

from connector.core.verify.account import StripeAccount
from connector.core.verify.checks import Verdict
from connector.core.verify.machine import Address, Addresses, ClockReading, Clocks, DatabaseState, Disk
from connector.core.verify.org_needs import OrgNeeds
from tests.support.verify import NOT_READABLE, NOW, judged

ORG = OrgNeeds(org_id="00D000000000001AAA", org_name="Acme", multi_currency=True, objects=10)
ACCOUNT = StripeAccount(
    id="acct_1",
    name="Acme",
    country="US",
    charges_enabled=True,
    payouts_enabled=True,
    capabilities={},
    payout_interval="daily",
)
HEAD = {"place": "sqlite:///state.sqlite", "revision": "0003"}


# -- database ---------------------------------------------------------------------------------------------------------


def owned(state, **more):
    return judged("DB", **{"own_database": state, "org_needs": ORG, "stripe_account": ACCOUNT, **more})


def test_a_database_of_this_org_passes_and_a_new_one_as_well():
    mine = DatabaseState(**HEAD, org_id=ORG.org_id, account_id="acct_1")
    assert owned(mine).verdict is Verdict.PASS
    assert owned(DatabaseState(**HEAD)).observed.endswith("belongs to nobody yet")


def test_a_database_of_another_org_fails_with_both_names():
    result = owned(DatabaseState(**HEAD, org_id="00D000000000002AAA", account_id="acct_1"))
    assert result.verdict is Verdict.FAIL
    assert "org 00D000000000002AAA, this is org 00D000000000001AAA" in result.observed


def test_a_database_of_another_account_fails_with_both_names():
    result = owned(DatabaseState(**HEAD, org_id=ORG.org_id, account_id="acct_2"))
    assert result.verdict is Verdict.FAIL
    assert "account acct_2, this is account acct_1" in result.observed


def test_a_database_that_cannot_be_used_fails_with_its_trouble():
    state = DatabaseState(place="the database", trouble="state.sqlite: was written by a newer connector")
    assert (owned(state).verdict, owned(state).observed) == (Verdict.FAIL, state.trouble)


def test_an_org_that_does_not_say_who_it_is_is_said_not_to_be_compared():
    result = owned(DatabaseState(**HEAD, org_id=ORG.org_id, account_id="acct_1"), org_needs=NOT_READABLE)
    assert (result.verdict, result.degraded) == (Verdict.PASS, True)
    assert "not compared" in result.observed


def test_a_database_nobody_looked_at_is_unknown():
    assert owned(NOT_READABLE).verdict is Verdict.UNKNOWN


# -- disk -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("free_mb", "verdict"), [(5000, Verdict.PASS), (1000, Verdict.PASS), (999, Verdict.WARN), (199, Verdict.FAIL)]
)
def test_room_is_counted_in_megabytes(free_mb, verdict):
    result = judged("DISK", own_disk=Disk(folder=".connector", free_bytes=free_mb * 1_000_000))
    assert result.verdict is verdict
    assert f"{free_mb:,} MB" in result.observed


def test_a_folder_that_cannot_be_written_fails_however_much_room_it_has():
    result = judged("DISK", own_disk=Disk(folder=".connector", free_bytes=10**12, trouble="Permission denied"))
    assert (result.verdict, result.observed) == (Verdict.FAIL, ".connector cannot be written: Permission denied")


def test_a_disk_nobody_looked_at_is_unknown():
    assert judged("DISK", own_disk=NOT_READABLE).verdict is Verdict.UNKNOWN


# -- clock ------------------------------------------------------------------------------------------------------------


def reading(ahead_s: int, *, took_s: float = 0.2) -> ClockReading:
    before = NOW + timedelta(seconds=ahead_s)
    return ClockReading(server=NOW, before=before, after=before + timedelta(seconds=took_s))


@pytest.mark.parametrize(
    ("ahead_s", "verdict"),
    [
        (0, Verdict.PASS),
        (8, Verdict.PASS),
        (-8, Verdict.PASS),
        (30, Verdict.WARN),
        (-30, Verdict.WARN),
        (300, Verdict.FAIL),
        (-300, Verdict.FAIL),
    ],
)
def test_skew_counts_in_both_directions(ahead_s, verdict):
    assert judged("CLOCK", own_clock=Clocks(read={"Stripe": reading(ahead_s)}, unread={})).verdict is verdict


def test_the_worst_of_both_counts_and_each_is_told():
    clocks = Clocks(read={"Salesforce": reading(0), "Stripe": reading(-301)}, unread={})
    result = judged("CLOCK", own_clock=clocks)
    assert result.verdict is Verdict.FAIL
    assert result.observed == "Salesforce: both clocks agree, Stripe: this machine is 300 s behind"


def test_a_slow_answer_is_no_skew():
    slow = ClockReading(server=NOW + timedelta(seconds=20), before=NOW, after=NOW + timedelta(seconds=25))
    assert slow.skew_s == 0


def test_a_whole_second_the_header_cannot_show_is_no_skew():
    assert ClockReading(server=NOW, before=NOW + timedelta(seconds=0.9), after=NOW + timedelta(seconds=1)).skew_s == 0


def test_one_silent_server_is_said_and_two_are_unknown():
    one = judged("CLOCK", own_clock=Clocks(read={"Stripe": reading(0)}, unread={"Salesforce": "no answer"}))
    assert (one.verdict, one.degraded) == (Verdict.PASS, True)
    both = judged("CLOCK", own_clock=Clocks(read={}, unread={"Salesforce": "no answer", "Stripe": "no answer"}))
    assert both.verdict is Verdict.UNKNOWN


# -- encryption -------------------------------------------------------------------------------------------------------


def reached(url: str, *, loopback: bool = False, days: int | None = None):
    until = None if days is None else NOW + timedelta(days=days, hours=1)
    row = Address(system="Stripe", url=url, is_loopback=loopback, certificate_until=until)
    return judged("TLS", own_addresses=Addresses(rows=(row,)))


def test_https_passes_and_says_how_long_the_certificate_lasts():
    result = reached("https://api.stripe.com", days=60)
    assert (result.verdict, result.degraded) == (Verdict.PASS, False)
    assert "certificate for 60 more days" in result.observed


def test_a_certificate_that_could_not_be_read_is_said():
    result = reached("https://api.stripe.com")
    assert (result.verdict, result.degraded) == (Verdict.PASS, True)
    assert "could not be read" in result.observed


def test_a_certificate_that_ends_soon_warns():
    assert reached("https://api.stripe.com", days=13).verdict is Verdict.WARN


def test_plain_http_fails_except_to_this_machine():
    assert reached("http://stripe.example").verdict is Verdict.FAIL
    assert reached("http://127.0.0.1:7102", loopback=True).verdict is Verdict.PASS


def test_addresses_nobody_looked_at_are_unknown():
    assert judged("TLS", own_addresses=NOT_READABLE).verdict is Verdict.UNKNOWN
