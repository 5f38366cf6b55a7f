"""Errors as Stripe words them: one exception carrying status, type, code, message and parameter.

Shape: platform.md C10 and the recorded answers of a real account. Codes come from error_codes.json.
"""

from __future__ import annotations

from typing import Any


class StripeError(Exception):
    """An answer other than 200.

    `keep_writes` is for failures that are facts of their own: a declined card leaves a failed
    charge, a counted attempt and events behind.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",  # noqa: A002  # the wire's own name
        code: str | None = None,
        param: str | None = None,
        extra: dict[str, Any] | None = None,
        keep_writes: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type
        self.code = code
        self.param = param
        self.extra = extra or {}
        self.keep_writes = keep_writes

    def body(self, *, log_url: str) -> dict[str, Any]:
        error: dict[str, Any] = {}
        if self.code is not None:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        error |= self.extra
        error["message"] = self.message
        if self.param is not None:
            error["param"] = self.param
        error["request_log_url"] = log_url
        error["type"] = self.type
        return {"error": error}


#: What "No such ..." calls each object.
SPOKEN_NAMES = {
    "billing_portal.configuration": "configuration",
    "invoiceitem": "invoiceitem",
    "invoice_payment": "invoice_payment",
    "payment_method": "PaymentMethod",
    "reporting.report_type": "report type",
    "tax_rate": "tax rate",
    "webhook_endpoint": "webhook endpoint",
}


def missing_resource(kind: str, object_id: str, *, param: str | None = None) -> StripeError:
    """404 for the object a path names, 400 for one a parameter names.

    The 404 with `param: id` is recorded from a real account; the 400 is inferred.
    """
    name = SPOKEN_NAMES.get(kind, kind)
    return StripeError(
        f"No such {name}: '{object_id}'",
        status=404 if param is None else 400,
        code="resource_missing",
        param=param or "id",
    )


def missing_parameter(param: str) -> StripeError:
    return StripeError(f"Missing required param: {param}.", code="parameter_missing", param=param)


def unknown_parameter(param: str) -> StripeError:
    return StripeError(f"Received unknown parameter: {param}", code="parameter_unknown", param=param)


def invalid_integer(value: str, param: str) -> StripeError:
    return StripeError(f"Invalid integer: {value}", code="parameter_invalid_integer", param=param)


def empty_parameter(param: str) -> StripeError:
    return StripeError(
        f"You passed an empty string for '{param}'. We assume empty values are an attempt to unset a parameter; "
        f"however '{param}' cannot be unset. You should remove '{param}' from your request or supply a non-empty value.",
        code="parameter_invalid_empty",
        param=param,
    )


def exclusive_parameters(*params: str) -> StripeError:
    return StripeError(
        f"You may only specify one of these parameters: {', '.join(params)}.",
        code="parameters_exclusive",
        param=params[-1],
    )
