"""Which sort of cause a Stripe refusal is: one pure table over its error codes (error_codes.json)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.model import ConditionType

if TYPE_CHECKING:
    from collections.abc import Mapping

_T = ConditionType
_OF_CODE: Final[Mapping[str, ConditionType]] = {
    "resource_missing": _T.PARENT_MISSING,
    "product_inactive": _T.PARENT_MISSING,
    "sku_inactive": _T.PARENT_MISSING,
    "coupon_expired": _T.PERIOD_CLOSED,
    "country_code_invalid": _T.VALUE_UNMAPPED,
    "country_unsupported": _T.VALUE_UNMAPPED,
    "email_invalid": _T.VALUE_UNMAPPED,
    "invalid_characters": _T.VALUE_UNMAPPED,
    "parameter_invalid_empty": _T.VALUE_UNMAPPED,
    "parameter_invalid_integer": _T.VALUE_UNMAPPED,
    "parameter_invalid_string_blank": _T.VALUE_UNMAPPED,
    "parameter_invalid_string_empty": _T.VALUE_UNMAPPED,
    "parameter_missing": _T.VALUE_UNMAPPED,
    "postal_code_invalid": _T.VALUE_UNMAPPED,
    "state_unsupported": _T.VALUE_UNMAPPED,
    "parameter_unknown": _T.FIELD_NOT_WRITABLE,
    "invoice_not_editable": _T.FIELD_NOT_WRITABLE,
    "amount_too_large": _T.LIMIT,
    "amount_too_small": _T.LIMIT,
    "invalid_charge_amount": _T.AMOUNT_MISMATCH,
    "payment_method_currency_mismatch": _T.CONFLICT,
    "resource_already_exists": _T.CONFLICT,
    "idempotency_error": _T.CONFLICT,
}


def condition_of(code: str | None) -> ConditionType:
    """OTHER for a code nobody has sorted: it is grouped by its text and looked at again slowly."""
    return _OF_CODE.get(code or "", ConditionType.OTHER)
