"""Which sort of cause a Salesforce refusal is: one pure table over its error codes (platform.md B "Errors")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.model import ConditionType

if TYPE_CHECKING:
    from collections.abc import Mapping

_T = ConditionType
_OF_CODE: Final[Mapping[str, ConditionType]] = {
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": _T.VALIDATION_RULE,
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": _T.VALIDATION_RULE,
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": _T.VALUE_UNMAPPED,
    "INVALID_CURRENCY_ISO": _T.VALUE_UNMAPPED,
    "REQUIRED_FIELD_MISSING": _T.VALUE_UNMAPPED,
    "INVALID_FIELD_FOR_INSERT_UPDATE": _T.FIELD_NOT_WRITABLE,
    "INVALID_FIELD": _T.FIELD_NOT_WRITABLE,
    "INVALID_TYPE": _T.FIELD_NOT_WRITABLE,
    "INSUFFICIENT_ACCESS": _T.FIELD_NOT_WRITABLE,
    "INSUFFICIENT_ACCESS_OR_READONLY": _T.FIELD_NOT_WRITABLE,
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": _T.FIELD_NOT_WRITABLE,
    "FIELD_INTEGRITY_EXCEPTION": _T.VALUE_UNMAPPED,
    "INVALID_CROSS_REFERENCE_KEY": _T.PARENT_MISSING,
    "MALFORMED_ID": _T.PARENT_MISSING,
    "STRING_TOO_LONG": _T.LIMIT,
    "NUMBER_OUTSIDE_VALID_RANGE": _T.LIMIT,
    "STORAGE_LIMIT_EXCEEDED": _T.LIMIT,
    "DUPLICATES_DETECTED": _T.CONFLICT,
    "DUPLICATE_VALUE": _T.CONFLICT,
    "MULTIPLE_CHOICES": _T.CONFLICT,
    "ENTITY_IS_DELETED": _T.RECORD_GONE,
    "NOT_FOUND": _T.RECORD_GONE,
}


def condition_of(code: str | None) -> ConditionType:
    """OTHER for a code nobody has sorted: it is grouped by its text and looked at again slowly."""
    return _OF_CODE.get(code or "", ConditionType.OTHER)
