from decimal import Decimal

import orjson
import pytest
import requests

from connector.core.errors import QuotaSpent, Unauthorised
from connector.core.model import Applied, Delay, Refusal, Unknown
from tests.support.salesforce import (
    ACCOUNT_ID as ID,
)
from tests.support.salesforce import (
    Bench,
    Faults,
    Script,
    answer,
    client_of,
    outcomes_of,
    payment_fields,
    refusal,
    shipped_pack,
    update_of,
    upsert_of,
)
from tests.support.salesforce import (
    result_row as row,
)

PAYMENT = "blng__Payment__c"
ALLOCATION = "blng__PaymentAllocationInvoice__c"
INVOICE = "blng__Invoice__c"
OTHER_ID = "0019H00000H1RMDQA3"


@pytest.fixture(scope="module")
def pack():
    return shipped_pack()


@pytest.fixture
def bench(pack):
    return Bench(pack=pack)


# -- retries


def test_rows_that_lock_each_other_are_sent_again_in_smaller_groups(bench):
    accounts = [bench.account() for _ in range(100)]
    sizes = []

    def lock_large_calls(request):
        if request.method != "PATCH":
            return None
        records = orjson.loads(request.body)["records"]
        sizes.append(len(records))
        if len(records) > 12:
            return answer([row(False, code="UNABLE_TO_LOCK_ROW") for _ in records])
        return None

    bench.org.faults = lock_large_calls
    outcomes = bench.apply(*[update_of("Account", account, {"Name": "x"}) for account in accounts])
    assert all(isinstance(outcome, Applied) for outcome in outcomes.values())
    assert sizes[0] == 100
    assert max(sizes[-5:]) <= 12


def test_only_the_rows_that_failed_are_sent_again():
    script = Script(
        answer([row(False, code="UNABLE_TO_LOCK_ROW"), row(record_id=OTHER_ID)]), answer([row(record_id=ID)])
    )
    outcomes = outcomes_of(
        client_of(script), update_of("Account", ID, {"Name": "a"}), update_of("Account", OTHER_ID, {"Name": "b"})
    )
    assert all(isinstance(outcome, Applied) for outcome in outcomes.values())
    assert [record["Id"] for record in orjson.loads(script.requests[1].body)["records"]] == [ID]


def test_a_row_that_must_wait_long_does_not_keep_its_neighbour_from_trying_again():
    script = Script(
        answer([row(False, code="ENTITY_IS_LOCKED"), row(False, code="UNABLE_TO_LOCK_ROW")]),
        answer([row(record_id=OTHER_ID)]),
    )
    outcomes = outcomes_of(
        client_of(script), update_of("Account", ID, {"Name": "a"}), update_of("Account", OTHER_ID, {"Name": "b"})
    )
    assert isinstance(outcomes[ID], Delay)
    assert isinstance(outcomes[OTHER_ID], Applied)


def test_a_row_that_stays_locked_is_delayed():
    script = Script(*[answer([row(False, code="UNABLE_TO_LOCK_ROW")])] * 3)
    outcome = outcomes_of(client_of(script, attempts=3), update_of("Account", ID, {"Name": "a"}))[ID]
    assert isinstance(outcome, Delay)
    assert outcome.code == "UNABLE_TO_LOCK_ROW"
    assert script.is_done


@pytest.mark.parametrize("fault", [requests.ReadTimeout("x"), answer(b"<html>502</html>", 502), answer(b"{cut", 200)])
def test_a_write_without_a_trustworthy_reply_is_unknown(fault):
    script = Script(fault, fault)
    outcome = outcomes_of(client_of(script, attempts=2), update_of("Account", ID, {"Name": "a"}))[ID]
    assert isinstance(outcome, Unknown)


def test_doubt_is_kept_when_a_later_attempt_only_says_not_now():
    script = Script(requests.ReadTimeout("x"), answer([row(False, code="UNABLE_TO_LOCK_ROW")]))
    outcome = outcomes_of(client_of(script, attempts=2), update_of("Account", ID, {"Name": "a"}))[ID]
    assert isinstance(outcome, Unknown)


def test_a_reply_of_the_wrong_length_is_trusted_for_no_row():
    script = Script(answer([row()]), answer([row()]))
    outcomes = outcomes_of(
        client_of(script, attempts=2),
        update_of("Account", ID, {"Name": "a"}),
        update_of("Account", OTHER_ID, {"Name": "b"}),
    )
    assert {type(outcome) for outcome in outcomes.values()} == {Unknown}


def test_an_upsert_whose_reply_was_lost_is_looked_up_and_not_sent_twice(bench):
    account = bench.account()
    faults = Faults(bench)
    faults.after = [requests.ReadTimeout("lost")]
    outcome = bench.apply(upsert_of(PAYMENT, "pi_1", payment_fields(bench, account)))["pi_1"]
    assert isinstance(outcome, Applied)
    assert outcome.created is False
    assert len(faults.bodies) == 1
    assert bench.org.ids(PAYMENT) == [outcome.target_id]


def test_an_upsert_that_never_arrived_is_sent_again(bench):
    faults = Faults(bench)
    faults.before = [requests.ReadTimeout("lost")]
    outcome = bench.apply(upsert_of(PAYMENT, "pi_1", payment_fields(bench, bench.account())))["pi_1"]
    assert isinstance(outcome, Applied)
    assert outcome.created is True
    assert len(faults.bodies) == 2


def test_a_recovered_allocation_is_found_although_its_masters_cannot_be_sent_again(bench):
    account = bench.account()
    invoice = bench.invoice(account, lines=1)
    payment = bench.apply(upsert_of(PAYMENT, "pi_1", payment_fields(bench, account)))["pi_1"].target_id
    fields = {
        "blng__Payment__c": payment,
        "blng__Invoice__c": invoice,
        "blng__Amount__c": Decimal("50.10"),
        "blng__Type__c": "Allocation",
        **bench.currency(),
    }
    first = bench.apply(upsert_of(ALLOCATION, "inpay_1", fields))["inpay_1"]
    assert isinstance(bench.apply(upsert_of(ALLOCATION, "inpay_1", fields))["inpay_1"], Refusal), (
        "the org must refuse the masters on an update, or this test shows nothing"
    )
    recovered = bench.apply(upsert_of(ALLOCATION, "inpay_1", fields, attempts=2))["inpay_1"]
    assert recovered == Applied(target_id=first.target_id, created=False)
    assert bench.org.ids(ALLOCATION) == [first.target_id]


def test_a_recovered_create_that_never_happened_happens_now(bench):
    fields = payment_fields(bench, bench.account())
    outcome = bench.apply(upsert_of(PAYMENT, "pi_1", fields, attempts=2))["pi_1"]
    assert isinstance(outcome, Applied)
    assert outcome.created is True


# -- what stops the side


def test_refused_credentials_leave_every_operation_delayed_and_stop_the_side(bench):
    accounts = [bench.account() for _ in range(3)]
    operations = [update_of("Account", account, {"Name": "x"}) for account in accounts]
    operations.append(upsert_of(PAYMENT, "pi_1", payment_fields(bench, accounts[0])))
    bench.org.faults = lambda request: refusal("API_DISABLED_FOR_ORG", 403) if request.method == "PATCH" else None
    outcomes = {}
    with pytest.raises(Unauthorised):
        bench.system.apply(
            operations, lambda operation, outcome: outcomes.setdefault(operation.idempotency_key, outcome)
        )
    assert set(outcomes) == {*accounts, "pi_1"}
    assert {type(outcome) for outcome in outcomes.values()} == {Delay}


def test_a_spent_quota_ends_the_writing_and_blames_no_row(bench):
    faults = Faults(bench)
    faults.before = [refusal("REQUEST_LIMIT_EXCEEDED", 403, "TotalRequests Limit exceeded.")]
    account, product = bench.account(), bench.org.create("Product2", {"Name": "p"})
    outcomes = {}
    operations = [update_of("Account", account, {"Name": "x"}), update_of("Product2", product, {"Name": "y"})]
    with pytest.raises(QuotaSpent):
        bench.system.apply(operations, lambda operation, outcome: outcomes.update({operation.born.id: outcome}))
    assert {record_id: (type(each), each.failure) for record_id, each in outcomes.items()} == {
        account: (Delay, None),
        product: (Delay, None),
    }
    assert len(faults.bodies) == 1


def test_an_expired_session_in_the_middle_is_renewed(bench):
    account = bench.account()
    bench.system.identify()
    bench.org.expire_tokens()
    assert isinstance(bench.apply(update_of("Account", account, {"Name": "x"}))[account], Applied)
