"""Invoices: drafts, what may change when, and reading them. Transitions are in `invoice_transitions.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.sandbox.stripe import invoice_items
from connector.sandbox.stripe.customers import address
from connector.sandbox.stripe.errors import StripeError, exclusive_parameters, missing_parameter
from connector.sandbox.stripe.line_items import lines_of, refresh_totals
from connector.sandbox.stripe.metadata import merged
from connector.sandbox.stripe.paging import Page, created_range, filters, page
from connector.sandbox.stripe.transitions import check_editable, check_state

if TYPE_CHECKING:
    from connector.sandbox.stripe.engine import Engine, Fields
    from connector.sandbox.stripe.store import Object

DAY_S = 86_400
#: A draft with auto_advance is finalised by itself after about an hour (platform.md C6).
AUTO_FINALIZE_AFTER_S = 3600
_PLAIN = ("description", "footer", "statement_descriptor")
_MAX_CUSTOM_FIELDS = 4
#: what a new draft has no value for
_UNSET = (
    "account_name",
    "account_tax_ids",
    "application",
    "automatically_finalizes_at",
    "custom_fields",
    "customer_account",
    "default_payment_method",
    "default_source",
    "description",
    "due_date",
    "effective_at",
    "ending_balance",
    "footer",
    "from_invoice",
    "hosted_invoice_url",
    "invoice_pdf",
    "last_finalization_error",
    "latest_revision",
    "next_payment_attempt",
    "number",
    "on_behalf_of",
    "parent",
    "receipt_number",
    "rendering",
    "shipping_cost",
    "shipping_details",
    "statement_descriptor",
    "test_clock",
    "threshold_reason",
    "webhooks_delivered_at",
)


def create(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del path
    if "customer" not in params:
        raise missing_parameter("customer")
    customer = engine.get("customer", params["customer"], param="customer")
    invoice = blank(engine, customer, params)
    _apply(engine, invoice, params)
    if params.get("pending_invoice_items_behavior") == "include":
        invoice_items.include_pending(engine, invoice)
    refresh_totals(engine, invoice)
    engine.insert(invoice)
    engine.emit("invoice.created", invoice)
    return invoice


def blank(engine: Engine, customer: Object, params: Fields) -> Object:
    """A draft without lines, not stored yet."""
    _refuse_unmodelled(params)
    raw = str(params.get("currency") or customer["currency"] or engine.default_currency)
    return {
        "id": engine.ids.new("invoice"),
        "object": "invoice",
        **dict.fromkeys(_UNSET),
        "account_country": engine.country,
        "amount_due": 0,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": 0,
        "amount_shipping": 0,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": False,
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": False,
            "liability": None,
            "provider": None,
            "status": None,
        },
        "billing_reason": "manual",
        "collection_method": params.get("collection_method", "charge_automatically"),
        "created": engine.now,
        "currency": engine.currencies.code(raw, param="currency"),
        "customer": customer["id"],
        **customer_copy(customer),
        "customer_tax_ids": [],
        "default_tax_rates": [],
        "discounts": [],
        "issuer": {"type": "self"},
        "livemode": engine.livemode,
        "metadata": {},
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "period_end": engine.now,
        "period_start": engine.now,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "starting_balance": 0,
        "status": "draft",
        "status_details": {"uncollectible": None},
        "status_transitions": {
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "total_discount_amounts": [],
        "total_pretax_credit_amounts": [],
    }


def customer_copy(customer: Object) -> Fields:
    """What an invoice repeats of its customer; follows the customer until finalisation."""
    return {
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_shipping": customer["shipping"]
        and {**customer["shipping"], "carrier": None, "tracking_number": None},
        "customer_tax_exempt": customer["tax_exempt"],
    }


def update(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    invoice = engine.get("invoice", path["invoice"])
    check_editable(invoice, params)
    _refuse_unmodelled(params)
    engine.touch(invoice)
    if "collection_method" in params:
        invoice["collection_method"] = params["collection_method"]
    _apply(engine, invoice, params)
    engine.emit_update("invoice.updated", invoice)
    return invoice


def _apply(engine: Engine, invoice: Object, params: Fields) -> None:
    for name in _PLAIN:
        if name in params:
            invoice[name] = params[name] or None
    if "auto_advance" in params:
        invoice["auto_advance"] = params["auto_advance"]
    if "effective_at" in params:
        invoice["effective_at"] = params["effective_at"] or None
    _apply_settings(invoice, params)
    _apply_references(engine, invoice, params)
    _apply_number(engine, invoice, params)
    _apply_due(engine, invoice, params)
    invoice["metadata"] = merged(invoice["metadata"], params.get("metadata"))
    _apply_auto_advance(engine, invoice)


def _apply_settings(invoice: Object, params: Fields) -> None:
    """How the document looks and how it may be paid."""
    if "rendering" in params:
        rendering = params["rendering"] or {}
        invoice["rendering"] = {
            name: rendering.get(name) or None for name in ("amount_tax_display", "pdf", "template", "template_version")
        }
    if "issuer" in params:
        invoice["issuer"] = {"account": params["issuer"].get("account"), "type": params["issuer"]["type"]}
    if "payment_settings" in params:
        given = {name: _set_only(value) or None for name, value in params["payment_settings"].items()}
        invoice["payment_settings"] = invoice["payment_settings"] | given
    if "shipping_details" in params:
        shipping = params["shipping_details"] or None
        invoice["shipping_details"] = shipping and {
            "address": address(shipping["address"]),
            "carrier": None,
            "name": shipping["name"],
            "phone": shipping.get("phone") or None,
            "tracking_number": None,
        }
    if "custom_fields" in params:
        fields = params["custom_fields"] or None
        if fields and len(fields) > _MAX_CUSTOM_FIELDS:
            raise StripeError(f"You can set at most {_MAX_CUSTOM_FIELDS} custom fields.", param="custom_fields")
        invoice["custom_fields"] = fields


def _set_only(value: Any) -> Any:
    """Nested settings without those that were unset by an empty text."""
    if not isinstance(value, dict):
        return value
    return {name: _set_only(each) for name, each in value.items() if each != ""}


def _apply_references(engine: Engine, invoice: Object, params: Fields) -> None:
    if "default_tax_rates" in params:
        rates = params["default_tax_rates"] or []
        invoice["default_tax_rates"] = [engine.get("tax_rate", each, param="default_tax_rates") for each in rates]
    if params.get("default_payment_method"):
        method = engine.get("payment_method", params["default_payment_method"], param="default_payment_method")
        if method["customer"] != invoice["customer"]:
            raise StripeError("The payment method belongs to another customer.", param="default_payment_method")
        invoice["default_payment_method"] = method["id"]


def _apply_number(engine: Engine, invoice: Object, params: Fields) -> None:
    """A number of the caller's own choice; one already used in the account is refused (inferred)."""
    if "number" not in params:
        return
    number = params["number"] or None
    if number is not None and number != invoice["number"] and number_taken(engine, number):
        raise StripeError(f"The invoice number {number} is already used by another invoice.", param="number")
    invoice["number"] = number


def number_taken(engine: Engine, number: str) -> bool:
    return bool(page(engine, "invoice", {"limit": 1}, url="", where={"number": [number]}).data)


def _apply_due(engine: Engine, invoice: Object, params: Fields) -> None:
    given = [name for name in ("days_until_due", "due_date") if params.get(name) not in (None, "")]
    if len(given) > 1:
        raise exclusive_parameters(*given)
    if invoice["collection_method"] != "send_invoice":
        if given:
            raise StripeError(
                f"`{given[0]}` can only be set if the invoice's collection method is set to `send_invoice`.",
                param=given[0],
            )
        invoice["due_date"] = None
    elif given == ["due_date"]:
        if params["due_date"] < engine.now:
            raise StripeError("Invalid due_date: it must not be in the past.", param="due_date")
        invoice["due_date"] = params["due_date"]
    elif given:
        if params["days_until_due"] < 0:
            raise StripeError("This value must be greater than or equal to 0.", param="days_until_due")
        invoice["due_date"] = invoice["created"] + params["days_until_due"] * DAY_S


def _apply_auto_advance(engine: Engine, invoice: Object) -> None:
    if invoice["status"] != "draft":
        return
    if not invoice["auto_advance"]:
        invoice["automatically_finalizes_at"] = None
    elif invoice["automatically_finalizes_at"] is None:
        at = engine.now + AUTO_FINALIZE_AFTER_S
        invoice["automatically_finalizes_at"] = at
        engine.schedule(at, "finalize_invoice", invoice["id"])


def delete(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del params
    invoice = engine.get("invoice", path["invoice"])
    check_state(invoice, "delete")
    for line in lines_of(engine, invoice["id"]):
        engine.remove(line)
        engine.remove(engine.get("invoiceitem", line["parent"]["invoice_item_details"]["invoice_item"]))
    engine.remove(invoice)
    engine.emit("invoice.deleted", invoice)
    return {"id": invoice["id"], "object": "invoice", "deleted": True}


def listing(engine: Engine, params: Fields, path: dict[str, str]) -> Page:
    del path
    url = "/v1/invoices"
    if "subscription" in params:
        return Page(data=[], has_more=False, url=url)  # no subscription ever billed here
    where = filters(params, "customer", "status", "collection_method")
    if "due_date" not in params:
        return page(engine, "invoice", params, url=url, where=where)
    low, high = created_range(params["due_date"])

    def is_due_then(invoice: Object) -> bool:
        due = invoice["due_date"]
        return due is not None and (low is None or due >= low) and (high is None or due <= high)

    return page(engine, "invoice", params, url=url, where=where, keep=is_due_then)


def list_lines(engine: Engine, params: Fields, path: dict[str, str]) -> Page:
    invoice = engine.get("invoice", path["invoice"])
    url = f"/v1/invoices/{invoice['id']}/lines"
    return page(engine, "line_item", params, url=url, where={"invoice": [invoice["id"]]})


def _refuse_unmodelled(params: Fields) -> None:
    for name in ("from_invoice", "subscription", "shipping_cost", "transfer_data", "on_behalf_of", "account_tax_ids"):
        if params.get(name):
            raise StripeError(f"This sandbox does not model `{name}` of an invoice.", param=name)
    if params.get("discounts"):
        raise StripeError("No such coupon: this sandbox holds none.", code="resource_missing", param="discounts")
    if (params.get("automatic_tax") or {}).get("enabled"):
        raise StripeError(
            "You have not activated Stripe Tax on this account.", code="stripe_tax_inactive", param="automatic_tax"
        )
