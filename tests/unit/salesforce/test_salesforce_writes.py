from dataclasses import replace
from decimal import Decimal

import pytest

from connector.core.model import Applied, Delay, Refusal
from connector.salesforce.rows import call_groups, row_of
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
