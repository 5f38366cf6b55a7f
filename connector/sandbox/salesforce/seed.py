"""Believable data for demos and tests: companies, products, quotes and invoices in every state a mirror must handle.

Repeats itself for the same seed and clock. Amounts of documents come from their lines through the org's own roll-ups.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector.sandbox.salesforce.seed_catalogue import COMPANIES, PEOPLE, PLACES, PRODUCTS, Place, Product
from connector.sandbox.salesforce.seed_documents import (
    Document,
    invoice_head,
    invoice_line,
    price_in,
    rounded,
    with_currency,
)

if TYPE_CHECKING:
    from connector.sandbox.salesforce.org import Org

#: enough of them to tell a habit from a chance
ORDERS_PER_QUOTE = 3
Record = tuple[str, Mapping[str, Any]]
_BULK_RECORDS = 800

#: (status, days from today to the expiry or None)
QUOTES: tuple[tuple[str, int | None], ...] = (
    ("Draft", 30),
    ("In Review", 30),
    ("Approved", 45),
    ("Presented", 30),
    ("Presented", 45),
    ("Presented", 14),
    ("Presented", -5),
    ("Denied", 20),
    ("Rejected", 10),
    ("Accepted", 25),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One invoice to seed."""

    status: str = "Posted"
    #: days from the invoice date to the due date; negative is measured from today
    due_in_days: int = 30
    #: None for a day between go-live and today
    days_before_go_live: int | None = None
    #: share of the total paid by an external payment
    paid: Decimal = Decimal(0)
    payment_type: str = "Check"
    #: what every amount is multiplied by
    factor: int = 1
    currency: str | None = None


INVOICES: tuple[Case, ...] = (
    *(Case(due_in_days=days) for days in (30, 30, 30, 45, 45, 60, 60, 90)),
    Case(currency="EUR"),
    Case(currency="EUR", due_in_days=45),
    Case(currency="JPY", due_in_days=60),
    Case(currency="KWD", due_in_days=60),
    Case(due_in_days=-3),
    Case(due_in_days=-12),
    Case(due_in_days=-1, currency="EUR"),
    Case(status="Draft"),
    Case(status="Draft", currency="EUR"),
    Case(status="Draft", due_in_days=60),
    Case(paid=Decimal(1)),
    Case(paid=Decimal("0.4"), payment_type="Bank Transfer"),
    Case(factor=0),
    Case(factor=-1),
    Case(days_before_go_live=20, due_in_days=90),
    Case(status="Cancelled"),
)


def go_live(today: date) -> date:
    """The demo's go-live: the first day of the month before this one."""
    return (today.replace(day=1) - timedelta(days=1)).replace(day=1)


def seed(org: Org, *, scale: int = 1) -> None:
    """Adds `scale` units of 12 accounts, 8 products, 10 quotes and 24 invoices."""
    rng = random.Random(f"{org.org_id}:{len(org.ids('Account'))}")  # noqa: S311 - a simulation must repeat itself
    for unit in range(scale):
        _Unit(org, rng, unit).build()
    if _has(org, "SBQQ__Quote__c"):
        seed_orders(org)


def seed_invoices(
    org: Org, count: int, lines_per_invoice: int = 3, accounts: Sequence[str] | None = None, currency: str | None = None
) -> list[str]:
    """`count` posted, unpaid invoices of equal shape, for benchmarks; returns their ids.

    Without a currency each invoice is in its account's. Raises ValueError when `seed` was not run before.
    """
    rng = random.Random(f"{org.org_id}:bulk:{count}")  # noqa: S311 - a simulation must repeat itself
    owners = accounts or org.ids("Account")
    products = _known_products(org)
    if not owners or not products:
        raise ValueError("seed_invoices needs accounts and products: run seed() first")
    created: list[str] = []
    per_batch = max(1, _BULK_RECORDS // lines_per_invoice)
    while len(created) < count:
        size = min(per_batch, count - len(created))
        batch = [owners[(len(created) + offset) % len(owners)] for offset in range(size)]
        documents = _bulk_documents(org, batch, currency)
        org.create_many(
            [
                ("blng__InvoiceLine__c", invoice_line(org, rng, document, *products[number % len(products)]))
                for document in documents
                for number in range(lines_per_invoice)
            ]
        )
        created += [document.id for document in documents]
    return created


def seed_orders(org: Org) -> None:
    """Some orders each for two quotes: what the Order tab's recommended settings lead to.

    Each starts with its quote, as "Default Order Start Date = Quote Start Date" has it.
    """
    quotes = org.database.tables["SBQQ__Quote__c"].rows
    ready = [quote for quote in quotes.values() if quote.get("SBQQ__Status__c") in {"Approved", "Accepted"}][:2]
    for quote in [one for one in ready for _ in range(ORDERS_PER_QUOTE)]:
        fields = {
            "AccountId": quote["SBQQ__Account__c"],
            "SBQQ__Quote__c": quote["Id"],
            "EffectiveDate": quote["SBQQ__StartDate__c"],
            "Status": "Draft",
        }
        org.create("Order", with_currency(org, fields, quote.get("CurrencyIsoCode", org.default_currency)))


def _has(org: Org, sobject: str) -> bool:
    """Whether the package that brings the object is installed."""
    return sobject in org.database.objects


def _known_products(org: Org) -> list[tuple[str, Product]]:
    by_name = {product.name: product for product in PRODUCTS}
    named = [(record_id, str(org.get("Product2", record_id)["Name"])) for record_id in org.ids("Product2")]
    return [(record_id, by_name[name]) for record_id, name in named if name in by_name]


def _bulk_documents(org: Org, owners: Sequence[str], currency: str | None) -> list[Document]:
    today = org.now().date()
    due = today + timedelta(days=30)
    accounts = org.database.tables["Account"].rows
    codes = [currency or accounts[owner].get("CurrencyIsoCode", org.default_currency) for owner in owners]
    heads = [
        invoice_head(org, account=owner, currency=code, status="Posted", dated=today, due=due)
        for owner, code in zip(owners, codes, strict=True)
    ]
    ids = org.create_many([("blng__Invoice__c", head) for head in heads])
    return [
        Document(id=invoice, currency=code, dated=today, tax_percent=Decimal(10))
        for invoice, code in zip(ids, codes, strict=True)
    ]


class _Unit:
    """One unit of data."""

    def __init__(self, org: Org, rng: random.Random, number: int) -> None:
        self._org = org
        self._rng = rng
        self._number = number
        self._today = org.now().date()
        self._go_live = go_live(self._today)
        self._accounts: list[tuple[str, Place]] = []
        self._products: list[tuple[str, Product]] = []

    def build(self) -> None:
        for position in range(12):
            self._account(position)
        for product in PRODUCTS:
            self._products.append((self._org.create("Product2", self._product(product)), product))
        if _has(self._org, "SBQQ__Quote__c"):
            for status, expires_in_days in QUOTES:
                self._quote(status, expires_in_days)
        if _has(self._org, "blng__Invoice__c"):
            for case in INVOICES:
                self._invoice(case)

    def _account(self, position: int) -> None:
        name = COMPANIES[position % len(COMPANIES)]
        if self._number:
            name = f"{name} {self._number + 1}"
        place = PLACES[position % len(PLACES)]
        account = self._org.create("Account", self._account_fields(name, place, position))
        # Two in twelve have no bill-to contact, one more has one without an e-mail address.
        if position not in {5, 9}:
            first, last = PEOPLE[(position + self._number) % len(PEOPLE)]
            domain = "".join(char for char in name.lower() if char.isascii() and char.isalnum())
            contact = {"AccountId": account, "FirstName": first, "LastName": last, "Phone": place.phone}
            if position != 7:
                contact["Email"] = f"accounts.payable@{domain}.example"
            bill_to = self._org.create("Contact", self._with_currency(contact, place.currency))
            if _has(self._org, "blng__Invoice__c"):
                self._org.update("Account", account, {"blng__BillToContact__c": bill_to})
        self._accounts.append((account, place))

    def _account_fields(self, name: str, place: Place, position: int) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "Name": name,
            "Type": "Customer",
            "Phone": place.phone,
            "BillingStreet": place.street,
            "BillingCity": place.city,
            "BillingState": place.state,
            "BillingPostalCode": place.postal_code,
            "BillingCountry": place.country,
        }
        if position % 3 == 0:
            fields |= {
                "ShippingStreet": place.street,
                "ShippingCity": place.city,
                "ShippingState": place.state,
                "ShippingPostalCode": place.postal_code,
                "ShippingCountry": place.country,
            }
        return self._with_currency(fields, place.currency)

    def _product(self, product: Product) -> dict[str, Any]:
        code = product.code if not self._number else f"{product.code}-{self._number + 1}"
        fields = {
            "Name": product.name,
            "ProductCode": code,
            "Description": product.description,
            "Family": product.family,
            "IsActive": product.active,
        }
        return self._with_currency(fields, self._org.default_currency)

    def _quote(self, status: str, expires_in_days: int | None) -> None:
        account, place = self._rng.choice(self._accounts)
        currency = self._currency(place.currency)
        fields: dict[str, Any] = {
            "SBQQ__Account__c": account,
            "SBQQ__Status__c": status,
            "SBQQ__Type__c": "Quote",
            "SBQQ__Primary__c": True,
            "SBQQ__PaymentTerms__c": "Net 30",
            "SBQQ__StartDate__c": self._today.isoformat(),
            "SBQQ__SubscriptionTerm__c": 12,
        }
        if expires_in_days is not None:
            fields["SBQQ__ExpirationDate__c"] = (self._today + timedelta(days=expires_in_days)).isoformat()
        quote = self._org.create("SBQQ__Quote__c", self._with_currency(fields, currency))
        lines: list[Record] = [
            ("SBQQ__QuoteLine__c", self._quote_line(quote, number, currency))
            for number in range(1, self._rng.randint(1, 5) + 1)
        ]
        self._org.create_many(lines)

    def _quote_line(self, quote: str, number: int, currency: str) -> dict[str, Any]:
        product_id, product = self._rng.choice([known for known in self._products if known[1].charge_type != "Usage"])
        listed = price_in(product.price, currency)
        discount = self._rng.choice([0, 0, 5, 10, 15])
        net = rounded(listed * (100 - discount) / 100, currency)
        fields = {
            "SBQQ__Quote__c": quote,
            "SBQQ__Number__c": number,
            "SBQQ__Product__c": product_id,
            "SBQQ__Description__c": product.description,
            "SBQQ__Quantity__c": self._rng.choice([1, 1, 2, 3, 5, 10]),
            "SBQQ__Discount__c": discount,
            "SBQQ__ListPrice__c": listed,
            "SBQQ__ProratedListPrice__c": listed,
            "SBQQ__RegularPrice__c": listed,
            "SBQQ__CustomerPrice__c": net,
            "SBQQ__PartnerPrice__c": net,
            "SBQQ__NetPrice__c": net,
            # An optional line is offered, not sold: it counts in no total.
            "SBQQ__Optional__c": number == 4,
        }
        return self._with_currency(fields, currency)

    def _invoice(self, case: Case) -> None:
        wanted = case.currency or "USD"
        account, place = self._rng.choice([known for known in self._accounts if known[1].currency == wanted])
        currency = self._currency(place.currency)
        dated = self._invoice_date(case)
        due = self._due_date(case, dated)
        head = invoice_head(self._org, account=account, currency=currency, status=case.status, dated=dated, due=due)
        document = Document(
            id=self._org.create("blng__Invoice__c", head),
            currency=currency,
            dated=dated,
            tax_percent=place.tax_percent,
            status=case.status,
            factor=case.factor,
        )
        products = self._rng.sample(self._products, self._rng.randint(1, 4))
        self._org.create_many(
            [("blng__InvoiceLine__c", invoice_line(self._org, self._rng, document, *chosen)) for chosen in products]
        )
        if case.paid:
            self._pay(case, account, document)

    def _invoice_date(self, case: Case) -> date:
        if case.days_before_go_live is not None:
            return self._go_live - timedelta(days=case.days_before_go_live)
        if case.due_in_days < 0:
            return max(self._go_live, self._today - timedelta(days=30))
        return self._go_live + timedelta(days=self._rng.randint(0, (self._today - self._go_live).days))

    def _due_date(self, case: Case, dated: date) -> date:
        if case.due_in_days < 0:
            return max(dated, self._today + timedelta(days=case.due_in_days))
        # Terms run from the invoice date, but never so far back that the demo has nothing left to pay.
        return max(dated, self._today - timedelta(days=25)) + timedelta(days=case.due_in_days)

    def _pay(self, case: Case, account: str, document: Document) -> None:
        """An external payment booked by a person: posted, then allocated."""
        total: Decimal = self._org.get("blng__Invoice__c", document.id)["blng__TotalAmount__c"]
        amount = rounded(total * case.paid, document.currency)
        payment: dict[str, Any] = {
            "blng__Account__c": account,
            "blng__Amount__c": amount,
            "blng__PaymentDate__c": min(document.dated + timedelta(days=2), self._today).isoformat(),
            "blng__PaymentMode__c": "External",
            "blng__PaymentType__c": case.payment_type,
        }
        if case.payment_type == "Check":
            payment["blng__CheckNumber__c"] = str(self._rng.randint(1000, 9999))
        payment_id = self._org.create("blng__Payment__c", self._with_currency(payment, document.currency))
        statuses = self._org.database.objects["blng__Payment__c"].fields["blng__Status__c"].picklist
        posted = next(value for value in statuses if value in {"Posted", "Processed"})
        self._org.update("blng__Payment__c", payment_id, {"blng__Status__c": posted})
        allocation = {
            "blng__Payment__c": payment_id,
            "blng__Invoice__c": document.id,
            "blng__Amount__c": amount,
            "blng__Type__c": "Allocation",
        }
        self._org.create("blng__PaymentAllocationInvoice__c", self._with_currency(allocation, document.currency))

    def _currency(self, wanted: str) -> str:
        return wanted if self._org.multi_currency else self._org.default_currency

    def _with_currency(self, fields: dict[str, Any], currency: str) -> dict[str, Any]:
        return with_currency(self._org, fields, currency)
