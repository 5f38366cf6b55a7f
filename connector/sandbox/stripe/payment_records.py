"""Payments reported from elsewhere (a cheque, a wire), later attached to invoices (platform.md C7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.sandbox.stripe.customers import address
from connector.sandbox.stripe.errors import StripeError, missing_parameter
from connector.sandbox.stripe.metadata import merged
from connector.sandbox.stripe.paging import Page, page

if TYPE_CHECKING:
    from connector.sandbox.stripe.engine import Engine, Fields
    from connector.sandbox.stripe.store import Object

_AMOUNTS = ("authorized", "canceled", "failed", "guaranteed", "refunded")
_CUSTOMER_PARTS = ("customer", "email", "name", "phone")


def report_payment(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del path
    requested = params["amount_requested"]
    currency = engine.currencies.code(requested["currency"], param="amount_requested[currency]")
    value = requested["value"]
    if value < 1:
        raise StripeError(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="amount_requested[value]",
        )
    engine.currencies.check_step(value, currency, param="amount_requested[value]")
    outcome = params.get("outcome")
    if outcome is not None and outcome not in params:
        raise missing_parameter(f"{outcome}[{outcome}_at]")
    zero = {"currency": currency, "value": 0}
    record: Object = {
        "id": engine.ids.new("payment_record"),
        "object": "payment_record",
        "amount": {"currency": currency, "value": value},
        **{f"amount_{name}": zero for name in _AMOUNTS},
        "amount_requested": {"currency": currency, "value": value},
        "application": None,
        "created": engine.now,
        "customer_details": _customer_details(engine, params.get("customer_details")),
        "customer_presence": params.get("customer_presence"),
        "description": params.get("description") or None,
        "latest_payment_attempt_record": engine.ids.new("payment_attempt_record"),
        "livemode": engine.livemode,
        "metadata": merged({}, params.get("metadata")),
        "payment_method_details": _method_details(params["payment_method_details"]),
        "processor_details": _processor_details(params.get("processor_details")),
        "reported_by": "self",
        "shipping_details": None,
    }
    if outcome is not None:
        record[f"amount_{outcome}"] = record["amount"]
    engine.insert(record)
    engine.hide(record["id"], initiated_at=params["initiated_at"])
    return record


def _method_details(given: Fields) -> Fields:
    kind = given.get("type")
    if kind is None and "payment_method" not in given:
        raise missing_parameter("payment_method_details[type]")
    billing = given.get("billing_details") or {}
    custom = given.get("custom") or {}
    if kind == "custom" and not custom:
        raise missing_parameter("payment_method_details[custom]")
    details: Fields = {
        "billing_details": {
            "address": address(billing.get("address")) or address({"city": None}),
            "email": billing.get("email"),
            "name": billing.get("name"),
            "phone": billing.get("phone"),
        },
        "payment_method": given.get("payment_method"),
        "type": kind or "custom",
    }
    if custom:
        details["custom"] = {"display_name": custom.get("display_name") or "custom", "type": custom.get("type")}
    return details


def _processor_details(given: Fields | None) -> Fields:
    if given is None or "custom" not in given:
        return {"custom": None, "type": "custom"}
    return {"custom": {"payment_reference": given["custom"]["payment_reference"]}, "type": "custom"}


def _customer_details(engine: Engine, given: Fields | None) -> Fields | None:
    if given is None:
        return None
    if given.get("customer"):
        engine.get("customer", given["customer"], param="customer_details[customer]")
    return {part: given.get(part) or None for part in _CUSTOMER_PARTS}


def report_outcome(outcome: str, engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    """A later word on the latest attempt: guaranteed, failed or canceled. Attached invoices are not revisited."""
    record = engine.touch(engine.get("payment_record", path["id"]))
    if any(record[f"amount_{name}"]["value"] for name in ("guaranteed", "failed", "canceled")):
        raise StripeError("The outcome of this payment attempt has already been reported.")
    record[f"amount_{outcome}"] = record["amount"]
    record["metadata"] = merged(record["metadata"], params.get("metadata"))
    return record


def report_guaranteed(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    return report_outcome("guaranteed", engine, params, path)


def report_failed(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    return report_outcome("failed", engine, params, path)


def report_canceled(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    return report_outcome("canceled", engine, params, path)


def report_informational(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    record = engine.touch(engine.get("payment_record", path["id"]))
    if "description" in params:
        record["description"] = params["description"] or None
    if "customer_details" in params:
        record["customer_details"] = _customer_details(engine, params["customer_details"] or None)
    record["metadata"] = merged(record["metadata"], params.get("metadata"))
    return record


def listing(engine: Engine, params: Fields, path: dict[str, str]) -> Page:
    """Newest first; `created_after` and `created_before` are read as exclusive bounds (inferred)."""
    del path
    created: Fields = {}
    if "created_after" in params:
        created["gt"] = params["created_after"]
    if "created_before" in params:
        created["lt"] = params["created_before"]
    return page(engine, "payment_record", {**params, "created": created or None}, url="/v1/payment_records")
