"""Fields of seeded invoices and their lines, and prices in each currency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

    from connector.sandbox.salesforce.org import Org
    from connector.sandbox.salesforce.seed_catalogue import Product

#: decimals of prices; Salesforce keeps two even for the dinar, whose minor unit is a thousandth
_DECIMALS = {"JPY": 0}
#: units of a currency that replace one dollar of list price
_PRICE_FACTOR = {"JPY": 150}


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The invoice a line is for."""

    id: str
    currency: str
    dated: date
    tax_percent: Decimal
    status: str = "Posted"
    #: what every amount is multiplied by
    factor: int = 1


def invoice_head(org: Org, *, account: str, currency: str, status: str, dated: date, due: date) -> dict[str, Any]:
    fields = {
        "blng__Account__c": account,
        "blng__InvoiceStatus__c": status,
        "blng__InvoiceDate__c": dated.isoformat(),
        "blng__TargetDate__c": dated.isoformat(),
        "blng__DueDate__c": due.isoformat(),
    }
    return with_currency(org, fields, currency)


def invoice_line(org: Org, rng: random.Random, document: Document, product_id: str, product: Product) -> dict[str, Any]:
    """A line whose subtotal is quantity x unit price, rounded once, and whose tax is rounded once."""
    # A price finer than a cent is asked for by the thousand.
    quantity = rng.randint(2_000, 40_000) if product.charge_type == "Usage" else rng.choice([1, 1, 1, 2, 3, 12])
    price = product.price * _PRICE_FACTOR.get(document.currency, 1) * document.factor
    subtotal = rounded(price * quantity, document.currency)
    tax_amount = rounded(subtotal * document.tax_percent / 100, document.currency)
    fields: dict[str, Any] = {
        "blng__Invoice__c": document.id,
        "Name": product.name,
        "blng__Product__c": product_id,
        "blng__Quantity__c": quantity,
        "blng__UnitPrice__c": price,
        "blng__Subtotal__c": subtotal,
        "blng__TaxAmount__c": tax_amount,
        "blng__TaxPercentageApplied__c": document.tax_percent,
        "blng__TotalAmount__c": subtotal + tax_amount,
        "blng__InvoiceLineStatus__c": document.status,
        "blng__ChargeType__c": product.charge_type,
    }
    if product.charge_type != "One-Time":
        fields["blng__StartDate__c"] = document.dated.isoformat()
        fields["blng__EndDate__c"] = (document.dated + timedelta(days=30)).isoformat()
    return with_currency(org, fields, document.currency)


def with_currency(org: Org, fields: dict[str, Any], currency: str) -> dict[str, Any]:
    """The fields with their currency, where the org has such a field."""
    return {**fields, "CurrencyIsoCode": currency} if org.multi_currency else fields


def price_in(dollars: Decimal, currency: str) -> Decimal:
    return rounded(dollars * _PRICE_FACTOR.get(currency, 1), currency)


def rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-_DECIMALS.get(currency, 2)), ROUND_HALF_UP)
