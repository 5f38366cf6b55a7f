"""Two systems that both held records before they were joined: what is the same is linked, and nothing is made twice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from connector.core.adoption import Adoption, Choice, Entry, Found
from connector.core.brake import TrippedBrake
from connector.core.errors import Braked, Unadopted, UsageError
from connector.core.model import Side
from connector.flows.adopt import adoption_of, compare
from connector.flows.adopt_apply import Adopted, apply_adoption
from connector.flows.plan import make_plan
from connector.flows.sweep.run import certify, look
from tests.support import builders as b
from tests.support.recovering import lose_store, recover, recover_if_refused

if TYPE_CHECKING:
    from tests.support.world import World


def customer(world: World, name: str = "Acme GmbH", email: str | None = "ap@acme.example", **params: Any) -> str:
    """A customer a stranger's program made."""
    params = {"name": name, **({} if email is None else {"email": email}), **params}
    return str(world.stripe_api("POST", "/v1/customers", params)["id"])


def bill(world: World, stripe_customer: str, number: str, amount_minor: int = 10_000, code: str = "usd") -> str:
    """An invoice a stranger's program finalised."""
    params = {"customer": stripe_customer, "number": number, "currency": code, "auto_advance": "false"}
    params |= {"collection_method": "send_invoice", "days_until_due": "30"}
    found = world.stripe_api("POST", "/v1/invoices", params)["id"]
    line = {"lines[0][amount]": amount_minor, "lines[0][description]": "Platform seat"}
    world.stripe_api("POST", f"/v1/invoices/{found}/add_lines", line)
    world.stripe_api("POST", f"/v1/invoices/{found}/finalize")
    return str(found)


def planned(world: World, **choices: Choice) -> Adoption:
    """The plan; `choices` by kind, for what is not certain."""
    workspace = world.workspace or world.open()
    adoption = adoption_of(workspace, compare(workspace))
    entries = tuple(
        replace(entry, choice=choices[entry.kind])
        if entry.kind in choices and entry.found is not Found.MATCH
        else entry
        for entry in adoption.entries
    )
    return replace(adoption, entries=entries)


def applied(world: World, adoption: Adoption) -> Adopted:
    assert world.workspace is not None
    return apply_adoption(world.workspace, adoption)


def pairs(adoption: Adoption, found: Found = Found.MATCH) -> set[tuple[str, str, str]]:
    return {entry.pair for entry in adoption.entries if entry.found is found}


def objects(world: World) -> dict[str, int]:
    """How many records each system holds of what could be doubled."""
    stripe = {name: len(world.stripe_list(f"/v1/{name}")) for name in ("customers", "products", "invoices", "quotes")}
    return {**stripe, "payments": len(world.org.ids("blng__Payment__c"))}


def number_of(world: World, invoice: str) -> str:
    return str(world.org.get("blng__Invoice__c", invoice)["Name"])


def test_a_first_pass_does_not_write_while_it_might_double_something(world: World) -> None:
    account = b.account(world)
    invoice = b.invoice(world, account_id=account)
    bill(world, customer(world), number_of(world, invoice))
    before = objects(world)
    with pytest.raises(Unadopted) as refused:
        world.sync()
    assert "1 customer" in str(refused.value)
    assert objects(world) == before
    assert world.org.counters["writes"] == 0
    assert [finding.code for found in b.findings(world).values() for finding in found] == ["adopt.needed"]


def test_the_plan_of_a_first_pass_says_what_it_might_double(world: World) -> None:
    b.invoice(world)
    customer(world)
    plan = make_plan(world.open())
    assert [finding["code"] for finding in plan.findings if finding["code"].startswith("adopt")] == ["adopt.needed"]


def test_what_cannot_be_the_same_keeps_nobody_waiting(world: World) -> None:
    b.invoice(world)
    customer(world, "Somebody Else", "else@else.example")
    assert world.sync().of("invoice").created == 1
    # asked once: a stranger who comes later is told of, and stops nothing
    customer(world)
    assert world.sync().writes == 0


@pytest.mark.parametrize("paid", [False, True])
def test_what_is_the_same_is_linked_and_a_pass_makes_nothing_again(world: World, paid: bool) -> None:
    account = b.account(world)
    product = b.product(world)
    invoice = b.invoice(world, b.Item(product=product), account_id=account)
    there = customer(world)
    metadata = {"name": "Platform seat", "metadata[product_code]": "SEAT-1"}
    seat = str(world.stripe_api("POST", "/v1/products", metadata)["id"])
    billed = bill(world, there, number_of(world, invoice))
    if paid:
        charge = b.pay(world, billed)
        booked = b.offline_payment(
            world,
            {invoice: "100.00"},
            account_id=account,
            mode="Electronic",
            blng__GatewayID__c=_reference(world, billed),
        )
        assert charge["status"] == "paid"
    before = objects(world)
    first = planned(world, customer=Choice.LINK)
    done = applied(world, first)
    wanted = {("product", product, seat), ("customer", account, there), ("invoice", invoice, billed)}
    assert pairs(first) >= wanted
    assert (done.refused, done.held) == ({}, 0)
    assert world.stripe_api("GET", f"/v1/customers/{there}")["metadata"]["salesforce_id"] == account
    assert world.stripe_api("GET", f"/v1/invoices/{billed}")["metadata"]["salesforce_id"] == invoice
    assert world.org.get("blng__Invoice__c", invoice)["Stripe_Id__c"] == billed
    world.sync()
    assert objects(world) == before
    if paid:
        assert world.org.get("blng__Payment__c", booked)["Stripe_Id__c"].startswith("pi_")
        assert len(world.org.ids("blng__PaymentAllocationInvoice__c")) == 1
    assert b.parked(world, "invoice") == {}
    assert world.org.get("blng__Invoice__c", invoice)["Stripe_Status__c"] == ("paid" if paid else "open")
    b.assert_still(world)
    # the bill's line was made by people and carries no mark: it is not compared
    assert certify(world.workspace, look(world.workspace))[1].detail["differences"] == []


def _reference(world: World, stripe_invoice: str) -> str:
    [payment] = world.stripe_list("/v1/invoice_payments", invoice=stripe_invoice)
    intent = world.stripe_api("GET", f"/v1/payment_intents/{payment['payment']['payment_intent']}")
    return str(intent["latest_charge"])


def test_an_adopted_payment_is_not_allocated_again_by_a_store_that_was_lost(world: World) -> None:
    account = b.account(world)
    invoice = b.invoice(world, account_id=account)
    billed = bill(world, customer(world), number_of(world, invoice))
    b.pay(world, billed)
    booked = {"mode": "Electronic", "blng__GatewayID__c": _reference(world, billed)}
    b.offline_payment(world, {invoice: "100.00"}, account_id=account, **booked)
    applied(world, planned(world))
    world.sync()
    lose_store(world)
    assert recover_if_refused(world)
    world.sync()
    assert len(world.org.ids("blng__PaymentAllocationInvoice__c")) == 1
    assert [code for code, _ in b.parked(world, "payment").values()] == ["payment.allocated_already"]


def test_a_new_record_beside_adopted_ones_is_made_once(world: World) -> None:
    account = b.account(world)
    there = customer(world)
    applied(world, planned(world))
    invoice = b.invoice(world, account_id=account)
    assert world.sync().of("invoice").created == 1
    assert b.the_one(world, "invoices", invoice)["customer"] == there
    assert len(world.stripe_list("/v1/customers")) == 1


DOUBTFUL = [
    # (why, what stands at Stripe)
    ("another e-mail address", lambda world: [customer(world, email="other@acme.example")]),
    ("the name is spelt otherwise", lambda world: [customer(world, "ACME GmbH")]),
    ("two who could be meant", lambda world: [customer(world), customer(world)]),
]


@pytest.mark.parametrize(("why", "make"), DOUBTFUL, ids=[why for why, _ in DOUBTFUL])
def test_what_is_doubtful_is_kept_until_somebody_decides(world: World, why: str, make: Any) -> None:
    account = b.account(world)
    invoice = b.invoice(world, account_id=account)
    candidates = make(world)
    adoption = planned(world)
    assert pairs(adoption) == set(), why
    done = applied(world, adoption)
    assert (done.linked, done.held) == (0, 1)
    report = world.sync()
    assert report.of("customer").created == 0
    assert b.parked(world, "customer")[account][0] == "customer.adopt_undecided"
    assert len(world.stripe_list("/v1/customers")) == len(candidates)
    # decided: the first of them it is
    again = planned(world)
    entries = [replace(e, choice=Choice.LINK) if e.stripe == candidates[0] else e for e in again.entries]
    assert applied(world, replace(again, entries=tuple(entries))).linked == 1
    world.sync()
    assert b.the_one(world, "invoices", invoice)["customer"] == candidates[0]
    assert len(world.stripe_list("/v1/customers")) == len(candidates)


def test_what_is_declared_different_gets_a_mate_of_its_own(world: World) -> None:
    account = b.account(world)
    invoice = b.invoice(world, account_id=account)
    other = customer(world, email="other@acme.example")
    applied(world, planned(world))
    world.sync()
    applied(world, planned(world, customer=Choice.SEPARATE))
    world.sync()
    assert b.the_one(world, "invoices", invoice)["customer"] != other
    assert b.parked(world, "customer") == {}


@pytest.mark.parametrize("difference", ["amount", "currency", "customer"])
def test_an_invoice_with_the_same_number_and_another_difference_is_not_linked(world: World, difference: str) -> None:
    account = b.account(world)
    invoice = b.invoice(world, account_id=account)
    there = customer(world)
    if difference == "customer":
        # the matched customer is another one than the one who was billed
        elsewhere = customer(world, "Somebody Else", "else@else.example")
        bill(world, elsewhere, number_of(world, invoice))
    else:
        amount = 10_001 if difference == "amount" else 10_000
        bill(world, there, number_of(world, invoice), amount, "eur" if difference == "currency" else "usd")
    adoption = planned(world)
    assert {pair[0] for pair in pairs(adoption)} == {"customer"}
    doubtful = [entry for entry in adoption.entries if entry.kind == "invoice"]
    assert [entry.found for entry in doubtful] == ([] if difference == "currency" else [Found.SUGGESTION])


def test_drafts_and_void_invoices_are_nobodys_mate(world: World) -> None:
    account = b.account(world)
    invoice = b.invoice(world, account_id=account)
    there = customer(world)
    void = bill(world, there, number_of(world, invoice))
    world.stripe_api("POST", f"/v1/invoices/{void}/void")
    adoption = planned(world)
    assert {entry.kind for entry in adoption.entries} == {"customer"}
    assert adoption.left_out["invoice"] == {"stripe: status void": 1}


CHANGES = {
    "changed": lambda world, there: world.stripe_api("POST", f"/v1/customers/{there}", {"email": "new@acme.example"}),
    "deleted": lambda world, there: world.stripe_api("DELETE", f"/v1/customers/{there}"),
    "a rival": lambda world, there: customer(world),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_pair_that_is_not_what_was_planned_is_refused_and_kept(world: World, change: str) -> None:
    account = b.account(world)
    b.invoice(world, account_id=account)
    there = customer(world)
    adoption = planned(world)
    CHANGES[change](world, there)
    done = applied(world, adoption)
    assert list(done.refused) == [("customer", account, there)]
    assert done.linked == 0
    count = len(world.stripe_list("/v1/customers"))
    world.sync()
    # who is gone is nobody's mate; who is there may still be
    assert len(world.stripe_list("/v1/customers")) == (count + 1 if change == "deleted" else count)


def test_an_edit_that_cannot_be_meant_is_refused_before_anything_is_written(world: World) -> None:
    b.account(world)
    customer(world)
    customer(world)
    adoption = planned(world, customer=Choice.LINK)
    writes = world.account.counters["writes"]
    with pytest.raises(UsageError, match="is linked by customer"):
        applied(world, adoption)
    assert world.account.counters["writes"] == writes
    assert world.workspace is not None
    assert world.workspace.store.load_note("adoption") is None


@pytest.mark.parametrize("part", ["org_id", "account_id", "pack_digest"])
def test_a_plan_of_other_systems_or_another_mapping_is_refused(world: World, part: str) -> None:
    b.account(world)
    customer(world)
    with pytest.raises(UsageError, match="plan again here"):
        applied(world, replace(planned(world), **{part: "another"}))


def test_a_suggestion_that_calls_itself_certain_is_refused(world: World) -> None:
    b.account(world)
    customer(world, email="other@acme.example")
    adoption = planned(world)
    forged = tuple(replace(entry, found=Found.MATCH, choice=Choice.LINK) for entry in adoption.entries)
    done = applied(world, replace(adoption, entries=forged))
    assert ["not certain any more" in reason for reason in done.refused.values()] == [True]


def test_applying_again_writes_nothing(world: World) -> None:
    b.account(world)
    customer(world)
    adoption = planned(world)
    applied(world, adoption)
    writes = (world.org.counters["writes"], world.account.counters["writes"])
    done = applied(world, adoption)
    assert (done.linked, done.already) == (0, 1)
    assert (world.org.counters["writes"], world.account.counters["writes"]) == writes


def test_a_mark_of_ours_is_recovered_before_anything_is_adopted(world: World) -> None:
    account = b.account(world)
    b.invoice(world, account_id=account)
    org = world.open().identity.org_id
    marks = {"metadata[salesforce_id]": account, "metadata[salesforce_org]": org}
    there = customer(world, "Renamed", "renamed@acme.example", **marks)
    adoption = planned(world)
    assert pairs(adoption) == {("customer", account, there)}
    with pytest.raises(Braked):
        applied(world, adoption)
    recover(world)
    assert applied(world, adoption).already == 1
    world.sync()
    assert len(world.stripe_list("/v1/customers")) == 1


def test_an_open_brake_is_not_passed_by(world: World) -> None:
    b.account(world)
    customer(world)
    adoption = planned(world)
    assert world.workspace is not None
    brake = TrippedBrake(
        name="mass_void", subject="", tripped_at=world.clock.now(), observed="many", allowed="few", plan={}
    )
    world.workspace.store.brakes.trip([brake])
    writes = world.account.counters["writes"]
    with pytest.raises(Braked):
        applied(world, adoption)
    assert world.account.counters["writes"] == writes


def test_an_unmatched_payment_of_an_adopted_invoice_is_booked_once(world: World) -> None:
    account = b.account(world)
    invoice = b.invoice(world, account_id=account)
    b.pay(world, bill(world, customer(world), number_of(world, invoice)))
    applied(world, planned(world))
    world.sync()
    world.sync()
    assert len(world.org.ids("blng__Payment__c")) == 1


def test_a_payment_that_may_be_booked_already_is_not_booked_again(world: World) -> None:
    account = b.account(world)
    invoice = b.invoice(world, account_id=account)
    b.pay(world, bill(world, customer(world), number_of(world, invoice)))
    # booked by hand, without the charge's name
    b.offline_payment(world, {invoice: "100.00"}, account_id=account, mode="Electronic")
    adoption = planned(world)
    assert [entry.kind for entry in adoption.entries if entry.found is Found.SUGGESTION] == ["payment"]
    assert applied(world, adoption).held == 1
    world.sync()
    assert len(world.org.ids("blng__Payment__c")) == 1
    [(code, reason)] = b.parked(world, "payment").values()
    assert code == "payment.adopt_undecided"
    assert "connector adopt" in reason


def test_money_and_counts_are_per_currency_and_side(world: World) -> None:
    account = b.account(world)
    there = customer(world)
    for code, total in (("USD", "100.00"), ("EUR", "7.00")):
        invoice = b.invoice(world, b.Item(subtotal=total), account_id=account, code=code)
        bill(world, there, number_of(world, invoice), int(float(total) * 100), code.lower())
    b.invoice(world, b.Item(subtotal="3.00"), account_id=account)
    bill(world, there, "THEIRS-1", 500)
    adoption = planned(world)
    assert adoption.counts()["invoice"] == {
        "linked": 0,
        "match": 2,
        "suggestion": 0,
        "ambiguous": 0,
        "salesforce": 1,
        "stripe": 1,
    }
    assert adoption.money() == {
        "invoice match": {"eur": 700, "usd": 10_000},
        "invoice salesforce": {"usd": 300},
        "invoice stripe": {"usd": 500},
    }


def test_a_plan_survives_its_file(world: World) -> None:
    b.invoice(world)
    customer(world)
    customer(world, "Else", "x@y.example")
    adoption = planned(world)
    assert Adoption.from_dict(adoption.as_dict()) == adoption
    assert {each.side for each in adoption.alone} == {side.value for side in Side}
    assert isinstance(adoption.entries[0], Entry)
