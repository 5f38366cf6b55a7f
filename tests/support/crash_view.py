"""What both systems and our store hold, in a form in which two runs of one story can be compared.

Written from the systems' contents, not from our code: ids that depend on the order of requests are
replaced by the record they stand for, times are left out.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, make_url, text

from tests.support import builders as b

if TYPE_CHECKING:
    from decimal import Decimal

    from tests.support.crash import Ground
    from tests.support.world import World

#: Stripe list -> what has to be the same of each object
AT_STRIPE = {
    "customers": ("name", "email", "address", "metadata"),
    "products": ("name", "active", "metadata"),
    "quotes": ("status", "amount_total", "currency", "customer", "metadata"),
    "invoices": (
        "status",
        "currency",
        "total",
        "amount_paid",
        "amount_remaining",
        "due_date",
        "number",
        "customer",
        "metadata",
    ),
    "invoiceitems": ("amount", "currency", "customer"),
    "payment_intents": ("status", "amount", "currency", "customer"),
    "payment_records": ("amount_guaranteed", "metadata"),
}
#: Salesforce object -> as above; `Stripe_Id__c` becomes the name of what it points at
IN_SALESFORCE = {
    "Account": ("Id", "Name", "Stripe_Id__c"),
    "Product2": ("Id", "Name", "Stripe_Id__c"),
    "SBQQ__Quote__c": ("Id", "SBQQ__Status__c", "Stripe_Id__c"),
    "blng__Invoice__c": (
        "Id",
        "blng__InvoiceStatus__c",
        "blng__TotalAmount__c",
        "blng__Balance__c",
        "Stripe_Id__c",
        "Stripe_Status__c",
        "Stripe_Number__c",
        "Stripe_Amount_Remaining__c",
    ),
    "blng__Payment__c": (
        "blng__Account__c",
        "blng__Amount__c",
        "blng__Balance__c",
        "blng__Status__c",
        "blng__PaymentType__c",
        "Stripe_Id__c",
    ),
    "blng__PaymentAllocationInvoice__c": ("blng__Invoice__c", "blng__Amount__c", "blng__Type__c", "Stripe_Id__c"),
}
MARKED = ("customers", "products", "quotes", "invoices", "payment_records")
PAIRS = {
    "Account": "customers",
    "Product2": "products",
    "SBQQ__Quote__c": "quotes",
    "blng__Invoice__c": "invoices",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """Every record of both systems, read once."""

    stripe: dict[str, list[dict[str, Any]]]
    lines: dict[str, list[dict[str, Any]]]
    salesforce: dict[str, list[dict[str, Any]]]

    @classmethod
    def of(cls, world: World) -> Holdings:
        stripe = {path: world.stripe_list(f"/v1/{path}") for path in AT_STRIPE}
        return cls(
            stripe=stripe,
            lines={row["id"]: b.lines_of(world, row["id"]) for row in stripe["invoices"]},
            salesforce={name: b.rows(world, name) for name in IN_SALESFORCE},
        )

    def told(self) -> dict[str, list[str]]:
        """One line for each object."""
        names = {
            row["id"]: f"{path} of {row['metadata']['salesforce_id']}"
            for path in MARKED
            for row in self.stripe[path]
            if row["metadata"].get("salesforce_id")
        }

        def line(row: dict[str, Any], fields: tuple[str, ...]) -> str:
            return str({name: names.get(str(row[name]), row[name]) for name in fields})

        told = {f"stripe {path}": [line(row, AT_STRIPE[path]) for row in rows] for path, rows in self.stripe.items()}
        told["stripe invoice lines"] = [
            str((names.get(invoice), item["amount"], item["description"], item["metadata"]))
            for invoice, items in self.lines.items()
            for item in items
        ]
        return told | {
            f"salesforce {name}": [line(row, IN_SALESFORCE[name]) for row in rows]
            for name, rows in self.salesforce.items()
        }


def differences(wanted: dict[str, list[str]], seen: dict[str, list[str]]) -> list[str]:
    """What is missing and what is too much, by name; empty for two equal worlds."""
    found = []
    for name, rows in wanted.items():
        before, after = Counter(rows), Counter(seen[name])
        found += [f"{name}: lost {row}" for row in (before - after).elements()]
        found += [f"{name}: too much {row}" for row in (after - before).elements()]
    return found


def assert_one_to_one(held: Holdings) -> None:
    """Each thing once, each pair known to both sides, nothing half done."""
    for path in MARKED:
        rows = held.stripe[path]
        marks = Counter(row["metadata"].get("salesforce_id") for row in rows)
        assert max(marks.values(), default=1) == 1, f"{path}: doubled {marks.most_common(1)}"
        assert None not in marks, f"{path}: a record without our mark"
    assert not any(row["status"] == "draft" for row in held.stripe["invoices"]), "a draft was left behind"
    for sobject, path in PAIRS.items():
        here = {row["Id"]: row["Stripe_Id__c"] for row in held.salesforce[sobject] if row["Stripe_Id__c"]}
        there = {row["metadata"]["salesforce_id"]: row["id"] for row in held.stripe[path]}
        assert here == there, f"{sobject} and {path} do not say the same"


def assert_money_is_conserved(held: Holdings) -> None:
    """Per invoice, and per customer and currency: what was paid at Stripe is what is allocated in Salesforce."""
    paid: Counter[tuple[str, str]] = Counter()
    allocated: Counter[tuple[str, str]] = Counter()
    invoices = {row["Id"]: row for row in held.salesforce["blng__Invoice__c"]}
    for row in held.stripe["invoices"]:
        if row["status"] == "void":
            continue
        mirrored = invoices[row["metadata"]["salesforce_id"]]
        assert minor(mirrored["blng__TotalAmount__c"]) == row["total"]
        assert minor(mirrored["blng__Balance__c"]) == row["amount_remaining"]
        paid[mirrored["blng__Account__c"], row["currency"]] += row["amount_paid"]
    for row in held.salesforce["blng__PaymentAllocationInvoice__c"]:
        account = invoices[row["blng__Invoice__c"]]["blng__Account__c"]
        allocated[account, row["CurrencyIsoCode"].lower()] += minor(row["blng__Amount__c"])
    assert +paid == +allocated, f"paid at Stripe {dict(paid)}, allocated in Salesforce {dict(allocated)}"


def minor(amount: Decimal) -> int:
    """All stories are told in currencies of two decimals."""
    return int(amount * 100)


def assert_nothing_is_open(ground: Ground) -> dict[str, str]:
    """Our own memory at rest: every operation ended and audited, no signal left. The links' states by name."""
    engine = create_engine(make_url(ground.database.url).set(drivername=ground.database.driver))
    with engine.connect() as connection:

        def all_of(query: str) -> list[Any]:
            return list(connection.execute(text(query)))

        operations = all_of("SELECT id, kind, born_id, action, state FROM operation")
        audited = Counter(
            (json.loads(row.detail_json).get("operation"), json.loads(row.detail_json).get("state"))
            for row in all_of("SELECT detail_json FROM audit")
        )
        signals = all_of("SELECT kind, record_id FROM signal")
        links = all_of("SELECT kind, born_id, state FROM link")
        damaged = all_of("PRAGMA integrity_check") if engine.dialect.name == "sqlite" else [("ok",)]
    engine.dispose()
    assert [tuple(row) for row in damaged] == [("ok",)]
    assert signals == []
    for row in operations:
        assert row.state in ("settled", "abandoned"), f"left behind: {row}"
        assert audited[row.id, row.state] == 1, f"{audited[row.id, row.state]} audit rows say how it ended: {row}"
    return {f"{row.kind} {row.born_id}": row.state for row in links}
