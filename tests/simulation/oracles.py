"""What must hold: after every step, and once everything has come to rest.

Written from both systems' contents. Where people contradicted themselves (`contested`) the two may differ, but
then somebody must have been told: silence about a difference is a violation too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.contents import marked, salesforce_rows, stripe_objects
from tests.simulation.people import INVOICE, PAYMENT, QUOTE, People

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.world import World

ALLOCATION: Final = "blng__PaymentAllocationInvoice__c"
#: invoices.md: which status may follow which; anything else is a step back
FOLLOWS: Final = {
    "draft": {"draft", "open", "paid"},
    "open": {"open", "paid", "void", "uncollectible"},
    "uncollectible": {"uncollectible", "paid", "void"},
    "paid": {"paid"},
    "void": {"void"},
}


def minor(amount: Any, code: str) -> int:
    return int(Decimal(amount or 0) * (1 if code.upper() == "JPY" else 100))


@dataclass
class Always:
    """Looked at after every step; remembers what was seen the step before."""

    people: People
    statuses: dict[str, str] = field(default_factory=dict)
    finals: dict[str, tuple[int, str]] = field(default_factory=dict)

    def broken(self) -> Iterator[str]:
        world = self.people.world
        yield from _doubled_at_stripe(world)
        yield from _doubled_in_salesforce(world)
        yield from self._steps_back(world)
        yield from self._totals(world)
        yield from _money_out_of_nothing(self.people)

    def _steps_back(self, world: World) -> Iterator[str]:
        """I20: a document's status only moves along the allowed graph."""
        now = {row["id"]: row["status"] for row in stripe_objects(world, "invoice")}
        for invoice_id, status in now.items():
            before = self.statuses.get(invoice_id, status)
            if status not in FOLLOWS[before]:
                yield f"I20 {invoice_id} went from {before} to {status}"
        for invoice_id, before in self.statuses.items():
            if invoice_id not in now and before != "draft":
                yield f"I20 {invoice_id} was {before} and is gone"
        self.statuses = now

    def _totals(self, world: World) -> Iterator[str]:
        """I19: what was finalised is what Salesforce said, to the minor unit; and it never changes afterwards."""
        for row in stripe_objects(world, "invoice"):
            born = marked(row)
            if born is None or row["status"] == "draft":
                continue
            final = (row["total"], row["number"])
            if self.finals.setdefault(row["id"], final) != final:
                yield f"I19 {row['id']} was final with {self.finals[row['id']]} and says {final}"
            if born in self.people.contested or born not in world.org.ids(INVOICE):
                continue
            wanted = world.org.get(INVOICE, born)
            if row["total"] != minor(wanted["blng__TotalAmount__c"], row["currency"]):
                yield f"I19 {row['id']} is over {row['total']}, {born} over {wanted['blng__TotalAmount__c']}"


def _doubled_at_stripe(world: World) -> Iterator[str]:
    """I1: one object per intent; drafts of an invoice that is being rebuilt included."""
    for kind in ("customer", "product", "invoice", "payment_record", "quote"):
        marks = Counter(
            marked(row)
            for row in stripe_objects(world, kind)
            if marked(row) is not None and row.get("status") not in ("canceled", "void")
        )
        yield from (f"I1 {kind}: {number} for {born}" for born, number in marks.items() if number > 1)
    lines = Counter(
        (row["invoice"], marked(row)) for row in stripe_objects(world, "line_item") if marked(row) is not None
    )
    yield from (
        f"I1 line {line} stands {number} times on {invoice}" for (invoice, line), number in lines.items() if number > 1
    )


def _doubled_in_salesforce(world: World) -> Iterator[str]:
    """I1, I6: one payment per payment, one allocation per InvoicePayment."""
    for sobject in (PAYMENT, ALLOCATION):
        marks = Counter(row["Stripe_Id__c"] for row in salesforce_rows(world, sobject) if row["Stripe_Id__c"])
        yield from (f"I1 {sobject}: {number} for {mark}" for mark, number in marks.items() if number > 1)


def _money_out_of_nothing(people: People) -> Iterator[str]:
    """I16: neither side ever shows more money than the other side got, per currency and customer."""
    world = people.world
    received, booked = _received(people), _booked(world)
    for who, amount in booked.items():
        if amount > received[who]:
            yield f"I16 {who}: {amount} booked in Salesforce, {received[who]} received at Stripe"
    cheques, reported = _cheques(world), _reported(world)
    for who, amount in reported.items():
        if amount > cheques[who]:
            yield f"I16 {who}: {amount} reported to Stripe, {cheques[who]} booked by people"
    for row in salesforce_rows(world, PAYMENT):
        allocated = sum(
            (each["blng__Amount__c"] if each["blng__Type__c"] == "Allocation" else -each["blng__Amount__c"])
            for each in salesforce_rows(world, ALLOCATION)
            if each["blng__Payment__c"] == row["Id"]
        )
        if allocated > row["blng__Amount__c"]:
            yield f"I16 {row['Id']} over {row['blng__Amount__c']} is allocated with {allocated}"


def _received(people: People) -> Counter[tuple[str, str]]:
    """(account, currency) -> what customers paid at Stripe on invoices that carry our mark, or did."""
    world = people.world
    accounts = {row["Id"]: row["blng__Account__c"] for row in salesforce_rows(world, INVOICE)}
    born = {row["id"]: marked(row) or people.tidied.get(row["id"]) for row in stripe_objects(world, "invoice")}
    found: Counter[tuple[str, str]] = Counter()
    seen: set[str] = set()
    for row in stripe_objects(world, "invoice_payment"):
        intent = row["payment"].get("payment_intent")
        account = accounts.get(born.get(row["invoice"]) or "")
        if row["status"] != "paid" or intent is None or account is None or intent in seen:
            continue
        seen.add(intent)
        paid = next(each for each in stripe_objects(world, "payment_intent") if each["id"] == intent)
        found[account, row["currency"]] += paid["amount_received"]
    return found


def _booked(world: World) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for row in salesforce_rows(world, PAYMENT):
        if row["blng__PaymentMode__c"] != "External":
            code = row["CurrencyIsoCode"].lower()
            found[row["blng__Account__c"], code] += minor(row["blng__Amount__c"], code)
    return found


def _cheques(world: World) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for row in salesforce_rows(world, PAYMENT):
        if row["blng__PaymentMode__c"] == "External":
            code = row["CurrencyIsoCode"].lower()
            found[row["blng__Account__c"], code] += minor(row["blng__Amount__c"], code)
    return found


def _reported(world: World) -> Counter[tuple[str, str]]:
    accounts = {row["Id"]: row["blng__Account__c"] for row in salesforce_rows(world, PAYMENT)}
    found: Counter[tuple[str, str]] = Counter()
    for row in stripe_objects(world, "payment_record"):
        account = accounts.get(marked(row) or "")
        if account is not None:
            found[account, row["amount_guaranteed"]["currency"]] += row["amount_guaranteed"]["value"]
    return found


# -- at rest ------------------------------------------------------------------------------------------------------


@dataclass
class AtRest:
    people: People
    #: birthplace ids of which somebody was told: an open finding or a parked link names them
    told: set[str]
    #: birthplace ids of which somebody was told that a copy was edited
    drifted: set[str]

    def broken(self) -> Iterator[str]:
        for born in sorted(self.drifted - self.people.contested):
            yield f"I12 somebody was told of an edit of {born} that nobody made"
        to_blame = self.people.contested | self._paid_by_credit()
        for line, *ids in self._differences():
            told = any(each in self.told for each in ids)
            contested = any(each in to_blame for each in ids)
            if not (told and contested):
                yield f"{line} ({'told' if told else 'not told'}, {'contested' if contested else 'nobody to blame'})"

    def _paid_by_credit(self) -> set[str]:
        """Invoices that Stripe took a credit off, of customers who had paid one twice."""
        rows = stripe_objects(self.people.world, "invoice")
        less = [row for row in rows if row["starting_balance"] < 0 and row["customer"] in self.people.credited]
        return {str(marked(row)) for row in less}

    def _differences(self) -> Iterator[tuple[str, ...]]:
        world = self.people.world
        yield from self._invoices(world)
        yield from self._payments(world)
        yield from self._cheques(world)
        yield from self._customers(world)
        yield from self._quotes(world)

    def _invoices(self, world: World) -> Iterator[tuple[str, ...]]:
        mates: dict[str, list[dict[str, Any]]] = {}
        for row in stripe_objects(world, "invoice"):
            if marked(row) is not None:
                mates.setdefault(str(marked(row)), []).append(row)
        for row in salesforce_rows(world, INVOICE):
            born, status, found = row["Id"], row["blng__InvoiceStatus__c"], mates.get(row["Id"], [])
            if status == "Posted" and not found:
                if row["blng__TotalAmount__c"] > 0:
                    yield f"I11 {born} is posted and not at Stripe", born
                continue
            if not found:
                continue
            [mate] = found
            wanted = {"Posted": ("open", "paid")}.get(status, ("void",))
            if mate["status"] not in wanted:
                yield f"I11 {born} is {status}, {mate['id']} is {mate['status']}", born
            copied = (
                row["Stripe_Id__c"],
                row["Stripe_Status__c"],
                minor(row["Stripe_Amount_Remaining__c"], mate["currency"]),
            )
            there = (mate["id"], mate["status"], mate["amount_remaining"])
            if copied != there:
                yield f"I11 {born} says {copied}, Stripe {there}", born
            balance = minor(row["blng__Balance__c"], mate["currency"])
            # allocated beyond its total, and nobody can pay it any more: Salesforce's own matter
            over = mate["status"] == "paid" and balance < 0
            if mate["status"] in ("open", "paid") and balance != mate["amount_remaining"] and not over:
                # who was told of a payment that does not fit was told of this
                shares = [each for each in salesforce_rows(world, ALLOCATION) if each["blng__Invoice__c"] == born]
                payments = [each["blng__Payment__c"] for each in shares]
                yield f"I16 {born} has {balance} open, {mate['id']} {mate['amount_remaining']}", born, *payments

    def _payments(self, world: World) -> Iterator[tuple[str, ...]]:
        """Every payment at Stripe is booked with its amount, and allocated as it was applied."""
        booked = {row["Stripe_Id__c"]: row for row in salesforce_rows(world, PAYMENT) if row["Stripe_Id__c"]}
        allocated = {row["Stripe_Id__c"]: row for row in salesforce_rows(world, ALLOCATION) if row["Stripe_Id__c"]}
        born = {row["id"]: marked(row) for row in stripe_objects(world, "invoice")}
        intents = {row["id"]: row for row in stripe_objects(world, "payment_intent")}
        for row in stripe_objects(world, "invoice_payment"):
            intent, invoice = row["payment"].get("payment_intent"), born.get(row["invoice"])
            if row["status"] != "paid" or intent is None or invoice is None:
                continue
            payment = booked.get(intent) or booked.get(intents[intent]["latest_charge"])
            code = row["currency"]
            if payment is None or minor(payment["blng__Amount__c"], code) != intents[intent]["amount_received"]:
                yield f"I11 {intent} over {intents[intent]['amount_received']} {code} is not booked", intent, invoice
                continue
            if payment["blng__Status__c"] != "Posted":
                yield f"I11 {payment['Id']} is {payment['blng__Status__c']}", intent, invoice
            share = allocated.get(row["id"])
            if share is None or minor(share["blng__Amount__c"], code) != row["amount_paid"]:
                yield f"I16 {row['id']} over {row['amount_paid']} {code} is not allocated", intent, invoice

    def _cheques(self, world: World) -> Iterator[tuple[str, ...]]:
        reported = {marked(row): row for row in stripe_objects(world, "payment_record") if marked(row)}
        attached = {
            row["payment"].get("payment_record"): row
            for row in stripe_objects(world, "invoice_payment")
            if row["status"] == "paid"
        }
        for row in salesforce_rows(world, PAYMENT):
            if row["blng__PaymentMode__c"] != "External" or row["blng__Status__c"] != "Posted":
                continue
            shares = [each for each in salesforce_rows(world, ALLOCATION) if each["blng__Payment__c"] == row["Id"]]
            invoices = [each["blng__Invoice__c"] for each in shares]
            record, code = reported.get(row["Id"]), row["CurrencyIsoCode"].lower()
            amount = sum(minor(each["blng__Amount__c"], code) for each in shares)
            if record is None or record["amount_guaranteed"]["value"] != amount:
                yield f"I11 {row['Id']} over {amount} {code} is not reported", row["Id"], *invoices
            elif record["id"] not in attached:
                yield f"I11 {record['id']} of {row['Id']} is not attached", row["Id"], *invoices
            elif row["Stripe_Id__c"] != record["id"]:
                yield f"I11 {row['Id']} does not name {record['id']}", row["Id"]

    def _customers(self, world: World) -> Iterator[tuple[str, ...]]:
        for row in stripe_objects(world, "customer"):
            born = marked(row)
            if born is None:
                continue
            account = world.org.get("Account", born)
            if account["Stripe_Id__c"] != row["id"]:
                yield f"I11 {born} names {account['Stripe_Id__c']}, not {row['id']}", born
            ours = (account["Name"].strip(), account["Phone"] or None)
            if ours != (row["name"].strip(), row["phone"]):
                yield f"I11 {born} is {ours}, {row['id']} is {(row['name'], row['phone'])}", born
        for row in stripe_objects(world, "product"):
            born = marked(row)
            if born is not None and world.org.get("Product2", born)["Name"] != row["name"]:
                yield f"I11 product {born} is not named {row['name']!r}", born

    def _quotes(self, world: World) -> Iterator[tuple[str, ...]]:
        living = {marked(row): row for row in stripe_objects(world, "quote") if row["status"] in ("draft", "open")}
        named = {row["id"]: row for row in stripe_objects(world, "quote")}
        for row in salesforce_rows(world, QUOTE):
            status, mate = row["SBQQ__Status__c"], living.get(row["Id"])
            if mate is not None and status != "Presented":
                yield f"I11 quote {row['Id']} is {status}, {mate['id']} can still be accepted", row["Id"]
            copied = named.get(row["Stripe_Id__c"])
            if copied is not None and row["Stripe_Status__c"] != copied["status"]:
                yield f"I11 quote {row['Id']} says {row['Stripe_Status__c']}, Stripe {copied['status']}", row["Id"]
