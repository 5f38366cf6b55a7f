"""The formula fields the org evaluates, restated from billing-facts.md "Derived amounts" and the formulas' references.

Formulas are computed when read and never stored, so they cannot move SystemModstamp. A packaged formula whose
definition no public source restates (signs of "impact amounts", flags rendered as images) is not listed and therefore
does not exist in this org.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

#: reads a field of the record, or a path through its lookups
Get = Callable[[str], Any]
Formula = Callable[[Get], Any]

_ZERO = Decimal(0)
_CENT = Decimal("0.01")


def _number(get: Get, name: str) -> Decimal:
    value = get(name)
    return _ZERO if value is None else Decimal(value)


def _sum(*terms: str) -> Formula:
    """`_sum("A", "-B")` is A - B; an empty field counts as zero."""
    signed = [(term[1:], -1) if term.startswith("-") else (term, 1) for term in terms]

    def formula(get: Get) -> Decimal:
        total = _ZERO
        for name, sign in signed:
            value = get(name)
            if value is not None:
                total = total + value if sign > 0 else total - value
        return total

    return formula


def _copy(*paths: str) -> Formula:
    """The first path that is not empty."""

    def formula(get: Get) -> Any:
        for path in paths:
            value = get(path)
            if value is not None:
                return value
        return None

    return formula


def _payment_status(get: Get) -> str:
    # 2024 metadata: a balance below 0.0001 is paid; a zero draft is "Paid" too.
    if _number(get, "blng__Balance__c") < Decimal("0.0001"):
        return "Paid"
    return "Partially Paid" if _number(get, "blng__Payments__c") > 0 else "Unpaid"


def _effective_quantity(get: Get) -> Decimal | None:
    # Restated from the references only: a block is priced once, an amended line counts its change.
    quantity = get("SBQQ__Quantity__c")
    if quantity is None:
        return None
    if get("SBQQ__PricingMethod__c") == "Block" and quantity > 0:
        return Decimal(1)
    if get("SBQQ__Existing__c"):
        return Decimal(quantity) - _number(get, "SBQQ__PriorQuantity__c")
    return Decimal(quantity)


def _line_total(price: str) -> Formula:
    def formula(get: Get) -> Decimal:
        fresh_renewal = get("SBQQ__Renewal__c") and not get("SBQQ__Existing__c")
        if fresh_renewal and get("SBQQ__PriorQuantity__c") is None:
            return _ZERO
        return _cents(_number(get, price) * _number(get, "SBQQ__EffectiveQuantity__c"))

    return formula


def _list_total(get: Get) -> Decimal:
    return _ZERO if get("SBQQ__Bundled__c") else _line_total("SBQQ__ProratedListPrice__c")(get)


def _price_gap(high: str, low: str) -> Formula:
    """(high - low) x effective quantity; nothing for a bundled line."""

    def formula(get: Get) -> Decimal:
        if get("SBQQ__Bundled__c"):
            return _ZERO
        return _cents((_number(get, high) - _number(get, low)) * _number(get, "SBQQ__EffectiveQuantity__c"))

    return formula


def _percent_off(whole: str, rest: str, places: str) -> Formula:
    """What percentage of `whole` is missing in `rest`."""

    def formula(get: Get) -> Decimal:
        base = _number(get, whole)
        if base == 0:
            return _ZERO
        return ((base - _number(get, rest)) * 100 / base).quantize(Decimal(places), ROUND_HALF_UP)

    return formula


def _effective_end(get: Get) -> Any:
    if get("SBQQ__SubscriptionType__c") == "Evergreen":
        return None
    return _copy("SBQQ__EndDate__c", "SBQQ__Group__r.SBQQ__EndDate__c", "SBQQ__Quote__r.SBQQ__EndDate__c")(get)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_UP)


def _person_name(get: Get) -> str:
    return " ".join(part for part in (get("FirstName"), get("LastName")) if part)


def _address(prefix: str) -> Formula:
    """The compound field over the parts `<prefix>Street`, `<prefix>City` ..., None when all are empty."""
    parts = {
        "city": "City",
        "country": "Country",
        "geocodeAccuracy": "GeocodeAccuracy",
        "latitude": "Latitude",
        "longitude": "Longitude",
        "postalCode": "PostalCode",
        "state": "State",
        "street": "Street",
    }

    def formula(get: Get) -> dict[str, Any] | None:
        address = {key: get(prefix + part) for key, part in parts.items()}
        return address if any(value is not None for value in address.values()) else None

    return formula


_CREDIT_BALANCE = _sum(
    "blng__TotalAmount__c", "-blng__Allocations__c", "blng__Unallocations__c", "-blng__Debits__c", "-blng__Refunds__c"
)
_NET_ALLOCATIONS = _sum("blng__Allocations__c", "-blng__Unallocations__c")
_DEBIT_NOTE = {
    "blng__NetPaymentAllocations__c": _sum("blng__Payments__c", "-blng__Refunds__c"),
    "blng__PaymentBalance__c": _sum("blng__TotalAmount__c", "-blng__Payments__c", "blng__Refunds__c"),
    "blng__Payments1__c": _sum("blng__Payments__c", "-blng__Refunds__c"),
}
_TOTAL_BILLING = {"blng__TotalBilling__c": _sum("blng__BilledAmountwithouttax__c", "blng__BilledTax__c")}

FORMULAS: Mapping[str, Mapping[str, Formula]] = {
    "Account": {"BillingAddress": _address("Billing"), "ShippingAddress": _address("Shipping")},
    "Contact": {"Name": _person_name, "MailingAddress": _address("Mailing"), "OtherAddress": _address("Other")},
    "User": {"Name": _person_name},
    "Order": {"BillingAddress": _address("Billing"), "ShippingAddress": _address("Shipping"), **_TOTAL_BILLING},
    "OrderItem": _TOTAL_BILLING,
    "SBQQ__Quote__c": {
        "SBQQ__AdditionalDiscountAmount__c": _sum("SBQQ__RegularAmount__c", "-SBQQ__CustomerAmount__c"),
        "SBQQ__AverageCustomerDiscount__c": _percent_off("SBQQ__ListAmount__c", "SBQQ__CustomerAmount__c", "0.1"),
        "SBQQ__AveragePartnerDiscount__c": _percent_off("SBQQ__CustomerAmount__c", "SBQQ__NetAmount__c", "0.1"),
        "SBQQ__TotalCustomerDiscountAmount__c": _sum("SBQQ__ListAmount__c", "-SBQQ__CustomerAmount__c"),
    },
    "SBQQ__QuoteLine__c": {
        "SBQQ__EffectiveQuantity__c": _effective_quantity,
        "SBQQ__NetTotal__c": _line_total("SBQQ__NetPrice__c"),
        "SBQQ__CustomerTotal__c": _line_total("SBQQ__CustomerPrice__c"),
        "SBQQ__PartnerTotal__c": _line_total("SBQQ__PartnerPrice__c"),
        "SBQQ__RegularTotal__c": _line_total("SBQQ__RegularPrice__c"),
        "SBQQ__ListTotal__c": _list_total,
        "SBQQ__PackageTotal__c": _sum("SBQQ__ComponentTotal__c", "SBQQ__NetTotal__c"),
        "SBQQ__PackageListTotal__c": _sum("SBQQ__ComponentListTotal__c", "SBQQ__ListTotal__c"),
        "SBQQ__AdditionalDiscount__c": _price_gap("SBQQ__RegularPrice__c", "SBQQ__CustomerPrice__c"),
        "SBQQ__TotalDiscountAmount__c": _price_gap("SBQQ__ProratedListPrice__c", "SBQQ__CustomerPrice__c"),
        "SBQQ__TotalDiscountRate__c": _percent_off("SBQQ__ProratedListPrice__c", "SBQQ__CustomerPrice__c", "0.001"),
        "SBQQ__ProductName__c": _copy("SBQQ__Product__r.Name"),
        "SBQQ__ProductCode__c": _copy("SBQQ__Product__r.ProductCode"),
        "SBQQ__ProductFamily__c": _copy("SBQQ__Product__r.Family"),
        "SBQQ__EffectiveStartDate__c": _copy(
            "SBQQ__StartDate__c", "SBQQ__Group__r.SBQQ__StartDate__c", "SBQQ__Quote__r.SBQQ__StartDate__c"
        ),
        "SBQQ__EffectiveEndDate__c": _effective_end,
        "SBQQ__EffectiveSubscriptionTerm__c": _copy(
            "SBQQ__SubscriptionTerm__c",
            "SBQQ__Group__r.SBQQ__SubscriptionTerm__c",
            "SBQQ__Quote__r.SBQQ__SubscriptionTerm__c",
        ),
    },
    "SBQQ__Subscription__c": {
        "SBQQ__StartDate__c": _copy("SBQQ__SubscriptionStartDate__c", "SBQQ__Contract__r.StartDate"),
        "SBQQ__EndDate__c": _copy("SBQQ__SubscriptionEndDate__c", "SBQQ__Contract__r.EndDate"),
        "SBQQ__ProductId__c": _copy("SBQQ__Product__c"),
        "SBQQ__ProductName__c": _copy("SBQQ__Product__r.Name"),
        "SBQQ__ContractNumber__c": _copy("SBQQ__Contract__r.ContractNumber"),
    },
    "blng__Invoice__c": {
        "blng__Payments__c": _sum(
            "blng__PaymentsAgainstInvoice__c",
            "blng__PaymentsAgainstInvoiceLines__c",
            "-blng__RefundsAgainstInvoice__c",
            "-blng__RefundsAgainstInvoiceLines__c",
            "blng__DebitPayments__c",
        ),
        "blng__Balance__c": _sum(
            "blng__TotalAmount__c",
            "-blng__Payments__c",
            "-blng__Credits__c",
            "blng__Debits__c",
            "blng__NegativeLineConversion__c",
        ),
        "blng__PaymentStatus__c": _payment_status,
    },
    "blng__InvoiceLine__c": {
        "blng__DebitPayments__c": _sum(
            "blng__PaymentsAgainstDebitNoteLines__c", "-blng__RefundsAgainstDebitNoteLines__c"
        ),
        "blng__Payments__c": _sum(
            "blng__PaymentsAgainstInvoiceLines__c", "-blng__RefundsAgainstInvoiceLines__c", "blng__DebitPayments__c"
        ),
        "blng__Balance__c": _sum(
            "blng__TotalAmount__c",
            "-blng__Payments__c",
            "-blng__Credits__c",
            "blng__Debits__c",
            "blng__NegativeLineConversion__c",
        ),
        "blng__BalancewithoutDebits__c": _sum(
            "blng__TotalAmount__c",
            "-blng__Credits__c",
            "-blng__PaymentsAgainstInvoiceLines__c",
            "blng__RefundsAgainstInvoiceLines__c",
        ),
        "blng__NetAllocationsAgainstInvoiceLines__c": _sum(
            "blng__PaymentsAgainstInvoiceLines__c", "-blng__RefundsAgainstInvoiceLines__c"
        ),
        "blng__DueDate__c": _copy("blng__Invoice__r.blng__DueDate__c"),
        "blng__TaxError__c": lambda get: Decimal(1) if get("blng__TaxStatus__c") == "Error" else _ZERO,
    },
    "blng__Payment__c": {
        "blng__Allocations__c": _sum(
            "blng__AllocatedtoInvoices__c", "blng__AllocatedtoInvoiceLines__c", "blng__AllocatedtoDebitNoteLines__c"
        ),
        "blng__Unallocations__c": _sum(
            "blng__UnallocatedfromInvoices__c",
            "blng__UnallocatedfromInvoiceLines__c",
            "blng__UnallocatedfromDebitNoteLines__c",
        ),
        "blng__Refunds__c": _sum("blng__RefundsAllocations__c", "-blng__RefundsUnallocations__c"),
        "blng__Balance__c": _sum(
            "blng__Amount__c", "-blng__Allocations__c", "blng__Unallocations__c", "-blng__Refunds__c"
        ),
    },
    "blng__Refund__c": {
        "blng__Amount__c": _sum("blng__RefundedfromPayments__c", "blng__RefundedfromCreditNoteLines__c"),
    },
    "blng__CreditNote__c": {"blng__Balance__c": _CREDIT_BALANCE, "blng__NetAllocations__c": _NET_ALLOCATIONS},
    "blng__CreditNoteLine__c": {
        "blng__Refunds__c": _sum("blng__RefundsAllocations__c", "-blng__RefundsUnallocations__c"),
        "blng__Balance__c": _CREDIT_BALANCE,
        "blng__NetAllocations__c": _NET_ALLOCATIONS,
    },
    "blng__DebitNote__c": _DEBIT_NOTE,
    "blng__DebitNoteLine__c": _DEBIT_NOTE,
}
