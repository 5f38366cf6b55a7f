from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import orjson
import pytest
import requests

from connector.core.errors import Unauthorised
from connector.core.model import Applied, Delay, Refusal, Unknown
from connector.salesforce.rows import call_groups, row_of
from connector.salesforce.writes import Writer
from tests.support.salesforce import (
    Bench,
    Script,
    answer,
    client_of,
    refusal,
    shipped_pack,
    update_of,
    upsert_of,
)

if TYPE_CHECKING:
    from connector.sandbox.http import Response

PAYMENT = "blng__Payment__c"
ALLOCATION = "blng__PaymentAllocationInvoice__c"
INVOICE = "blng__Invoice__c"
ID = "0015500001QdRaYAAV"
OTHER_ID = "0019H00000H1RMDQA3"


@pytest.fixture(scope="module")
def pack():
    return shipped_pack()


@pytest.fixture
def bench(pack):
    return Bench(pack=pack)


class Faults:
    """Plays a fault for the n-th writing call, before or after the org did it."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.before: list[Response | Exception | None] = []
        self.after: list[Response | Exception | None] = []
        self.bodies: list[dict] = []
        bench.org.faults = self

    def __call__(self, request):
        if request.method != "PATCH":
            return None
        self.bodies.append(orjson.loads(request.body))
        fault = self.before.pop(0) if self.before else None
        if fault is not None:
            return self._play(fault)
        fault = self.after.pop(0) if self.after else None
        if fault is None:
            return None
        self.bench.org.faults = None
        self.bench.org.handle(request)
        self.bench.org.faults = self
        return self._play(fault)

    @staticmethod
    def _play(fault):
        if isinstance(fault, Exception):
            raise fault
        return fault


def payment_fields(bench, account, **fields):
    return {"blng__Account__c": account, "blng__Amount__c": Decimal("50.10"), **bench.currency(), **fields}


def row(success=True, record_id=ID, code=None, message="no", **more):
    errors = [] if code is None else [{"statusCode": code, "message": message, "fields": []}]
    return {"id": record_id if success else None, "success": success, "errors": errors, **more}


def outcomes_of(client, *operations):
    found = {}
    Writer(client=client).apply(
        operations, lambda operation, outcome: found.setdefault(operation.idempotency_key, outcome)
    )
    return found


# -- forms


def test_a_record_that_exists_is_updated_by_id(bench):
    invoice = bench.invoice(bench.account())
    fields = {"Stripe_Id__c": "in_1", "Stripe_Amount_Remaining__c": Decimal("119.12"), "Stripe_Status__c": None}
    assert bench.apply(update_of(INVOICE, invoice, fields)) == {invoice: Applied(target_id=invoice)}
    stored = bench.org.get(INVOICE, invoice)
    assert stored["Stripe_Id__c"] == "in_1"
    assert stored["Stripe_Amount_Remaining__c"] == Decimal("119.12")


def test_null_clears_a_field(bench):
    invoice = bench.invoice(bench.account())
    bench.apply(update_of(INVOICE, invoice, {"Stripe_Status__c": "open"}))
    bench.apply(update_of(INVOICE, invoice, {"Stripe_Status__c": None}))
    assert bench.org.get(INVOICE, invoice)["Stripe_Status__c"] is None


def test_a_record_born_at_stripe_is_upserted_by_its_mark(bench):
    account = bench.account()
    first = bench.apply(upsert_of(PAYMENT, "pi_1", payment_fields(bench, account)))["pi_1"]
    assert isinstance(first, Applied)
    assert first.created is True
    again = bench.apply(upsert_of(PAYMENT, "pi_1", payment_fields(bench, account)))["pi_1"]
    assert again == Applied(target_id=first.target_id, created=False)
    assert len(bench.org.ids(PAYMENT)) == 1
    assert bench.org.get(PAYMENT, first.target_id)["blng__Amount__c"] == Decimal("50.10")


def test_a_target_id_wins_over_an_external_id():
    operation = replace(upsert_of(PAYMENT, "pi_1", {}), target_id=ID)
    assert row_of(operation).path == "composite/sobjects"


def test_money_is_sent_digit_by_digit():
    script = Script(answer([row()]))
    outcomes_of(client_of(script), update_of("Account", ID, {"a": Decimal("0.10"), "b": Decimal("90071992547409.93")}))
    assert b'"a":0.10' in script.requests[0].body
    assert b'"b":90071992547409.93' in script.requests[0].body


def test_a_thousand_rows_are_five_calls(bench):
    account = bench.account()
    operations = [upsert_of(PAYMENT, f"pi_{place}", payment_fields(bench, account)) for place in range(1000)]
    bench.system.identify()
    before = bench.org.counters["requests"]
    outcomes = bench.apply(*operations)
    assert bench.org.counters["requests"] - before == 5
    assert len(outcomes) == 1000
    assert all(isinstance(outcome, Applied) for outcome in outcomes.values())


def test_updates_of_several_objects_share_a_call_and_upserts_of_several_do_not(bench):
    account = bench.account()
    invoice = bench.invoice(account)
    bench.system.identify()
    before = bench.org.counters["requests"]
    bench.apply(
        update_of(INVOICE, invoice, {"Stripe_Status__c": "open"}),
        update_of("Account", account, {"Stripe_Id__c": "cus_1"}),
    )
    assert bench.org.counters["requests"] - before == 1


def test_one_record_is_never_twice_in_a_call():
    rows = [row_of(update_of("Account", ID, {"Name": name}, key=name)) for name in ("a", "b")]
    assert [[one.fields["Name"] for one in group] for group in call_groups(rows, 200)] == [["a"], ["b"]]


# -- neighbours


def test_one_bad_row_fails_alone_and_names_its_fields(bench):
    account = bench.account()
    good = upsert_of(PAYMENT, "pi_good", payment_fields(bench, account))
    bad = upsert_of(PAYMENT, "pi_bad", {"blng__Account__c": account})
    outcomes = bench.apply(good, bad)
    assert isinstance(outcomes["pi_good"], Applied)
    refused = outcomes["pi_bad"]
    assert isinstance(refused, Refusal)
    assert refused.code == "REQUIRED_FIELD_MISSING"
    assert refused.fields == ("blng__Amount__c",)
    assert not refused.gone


def test_a_call_refused_as_a_whole_fails_only_the_row_it_is_about(bench):
    account = bench.account()
    operations = [upsert_of(PAYMENT, f"pi_{place}", payment_fields(bench, account)) for place in range(20)]

    def refuse_poisoned(request):
        if request.method == "PATCH" and b'"pi_7"' in request.body:
            return refusal("JSON_PARSER_ERROR", message="cannot deserialize")
        return None

    bench.org.faults = refuse_poisoned
    outcomes = bench.apply(*operations)
    assert [key for key, outcome in outcomes.items() if isinstance(outcome, Refusal)] == ["pi_7"]
    assert sum(isinstance(outcome, Applied) for outcome in outcomes.values()) == 19


def test_a_field_that_does_not_exist_refuses_its_shape_and_not_the_others(bench):
    accounts = [bench.account(), bench.account(), bench.account()]

    def refuse_unknown(request):
        if request.method == "PATCH" and b"Nope__c" in request.body:
            return refusal("INVALID_FIELD", message="No such column 'Nope__c' on sobject of type Account")
        return None

    bench.org.faults = refuse_unknown
    outcomes = bench.apply(
        update_of("Account", accounts[0], {"Nope__c": 1}),
        update_of("Account", accounts[1], {"Nope__c": 2}),
        update_of("Account", accounts[2], {"Name": "kept"}),
    )
    assert isinstance(outcomes[accounts[0]], Refusal)
    assert isinstance(outcomes[accounts[1]], Refusal)
    assert isinstance(outcomes[accounts[2]], Applied)
    assert bench.org.get("Account", accounts[2])["Name"] == "kept"


# -- gone, locked, duplicate


def test_a_deleted_record_is_gone_and_an_unknown_one_too(bench):
    account = bench.account()
    bench.org.delete("Account", account)
    outcomes = bench.apply(update_of("Account", account, {"Name": "x"}), update_of("Account", ID, {"Name": "x"}))
    for key in (account, ID):
        outcome = outcomes[key]
        assert isinstance(outcome, Refusal)
        assert outcome.gone, key


def test_a_bad_reference_does_not_make_the_record_gone():
    script = Script(
        answer([row(False, code="INVALID_CROSS_REFERENCE_KEY", message="invalid cross reference id")]),
        answer(
            {
                "compositeResponse": [
                    {
                        "body": {"totalSize": 1, "done": True, "records": [{"Id": ID, "IsDeleted": False}]},
                        "httpStatusCode": 200,
                        "httpHeaders": {},
                        "referenceId": "r0",
                    }
                ]
            }
        ),
    )
    outcome = outcomes_of(client_of(script), update_of("Account", ID, {"ParentId": OTHER_ID}))[ID]
    assert isinstance(outcome, Refusal)
    assert not outcome.gone


def test_an_approval_lock_delays_one_row_and_not_its_neighbour():
    script = Script(answer([row(False, code="ENTITY_IS_LOCKED"), row(record_id=OTHER_ID)]))
    outcomes = outcomes_of(
        client_of(script), update_of("Account", ID, {"Name": "a"}), update_of("Account", OTHER_ID, {"Name": "b"})
    )
    assert isinstance(outcomes[ID], Delay)
    assert outcomes[ID].retry_after_s
    assert isinstance(outcomes[OTHER_ID], Applied)
    assert script.is_done


def test_two_upserts_of_one_mark_end_in_one_record(bench):
    account = bench.account()
    existing = bench.apply(upsert_of(PAYMENT, "pi_1", payment_fields(bench, account)))["pi_1"]
    faults = Faults(bench)
    faults.before = [answer([row(False, code="DUPLICATE_VALUE", message="duplicate value found")])]
    outcome = bench.apply(upsert_of(PAYMENT, "pi_1", payment_fields(bench, account)))["pi_1"]
    assert outcome == Applied(target_id=existing.target_id, created=False)


def test_a_duplicate_of_something_else_is_a_refusal(bench):
    faults = Faults(bench)
    faults.before = [answer([row(False, code="DUPLICATE_VALUE", message="duplicate value found")])]
    outcome = bench.apply(upsert_of(PAYMENT, "pi_1", payment_fields(bench, bench.account())))["pi_1"]
    assert isinstance(outcome, Refusal)
    assert outcome.code == "DUPLICATE_VALUE"


def test_a_mark_another_record_carries_is_a_refusal(bench):
    first, second = bench.account(), bench.account()
    bench.apply(update_of("Account", first, {"Stripe_Id__c": "cus_1"}))
    outcome = bench.apply(update_of("Account", second, {"Stripe_Id__c": "cus_1"}))[second]
    assert isinstance(outcome, Refusal)
    assert outcome.code == "DUPLICATE_VALUE"


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


def test_a_spent_quota_delays_without_sending_again(bench):
    faults = Faults(bench)
    faults.before = [refusal("REQUEST_LIMIT_EXCEEDED", 403, "TotalRequests Limit exceeded.")]
    account = bench.account()
    outcome = bench.apply(update_of("Account", account, {"Name": "x"}))[account]
    assert isinstance(outcome, Delay)
    assert outcome.retry_after_s == timedelta(hours=1).total_seconds()
    assert len(faults.bodies) == 1


def test_an_expired_session_in_the_middle_is_renewed(bench):
    account = bench.account()
    bench.system.identify()
    bench.org.expire_tokens()
    assert isinstance(bench.apply(update_of("Account", account, {"Name": "x"}))[account], Applied)
