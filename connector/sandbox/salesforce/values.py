"""Values on their way in: from JSON to what a field stores, with Salesforce's refusals. Pure.

Stored forms: text, bool, int, Decimal at the field's scale, dates as `YYYY-MM-DD`, datetimes as
`YYYY-MM-DDTHH:MM:SS.000+0000` in UTC (both sort as text). Empty text is null. No float exists here: JSON numbers
arrive as int or Decimal.
"""

from __future__ import annotations

import functools
import re
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from connector.sandbox.salesforce.errors import ApiError, parser_error
from connector.sandbox.salesforce.ids import as_18

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.sandbox.salesforce.schema import Field

_EMAIL = re.compile(r"[^@\s<>(),;]+@[^@\s.<>(),;]+(\.[^@\s.<>(),;]+)+\Z")
_OFFSET_WITHOUT_COLON = re.compile(r"([+-]\d\d)(\d\d)$")


def wire_datetime(moment: datetime) -> str:
    """A moment as the REST API writes it: whole seconds, UTC (platform.md B, "REST query")."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def parse_datetime(text: str) -> datetime:
    """An ISO datetime with an offset, in UTC; raises ValueError without one."""
    moment = datetime.fromisoformat(_OFFSET_WITHOUT_COLON.sub(r"\1:\2", text))
    if moment.tzinfo is None:
        raise ValueError("no offset")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("out of range") from error


def to_stored(field: Field, value: Any) -> Any:
    """What the field stores for a JSON value; None clears it. Raises ApiError.

    References are only checked for their shape: whether the record exists is the engine's knowledge.
    """
    if value is None:
        return None
    if field.is_text:
        return _text(field, value)
    read: Callable[[Field, Any], Any] = _READERS.get(field.type, _text)
    return read(field, value)


def _text(field: Field, value: Any) -> str | None:
    if not isinstance(value, str):
        raise parser_error("string", value)
    text = value.strip()
    if not text:
        return None
    if field.length is not None and len(text) > field.length:
        shown = text if len(text) <= 80 else text[:77] + "..."
        message = f"{field.label}: data value too large: {shown} (max length={field.length})"
        raise ApiError(400, "STRING_TOO_LONG", message, [field.name])
    if field.type == "email" and not _EMAIL.match(text):
        raise ApiError(400, "INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {text}", [field.name])
    if field.type == "picklist" and field.restricted and field.picklist and text not in field.picklist:
        if field.name == "CurrencyIsoCode":
            raise ApiError(400, "INVALID_CURRENCY_ISO", f"invalid currency code: {text}", [field.name])
        raise ApiError(
            400,
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"{field.label}: bad value for restricted picklist field: {text}",
            [field.name],
        )
    return text


def _boolean(_field: Field, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise parser_error("boolean", value)


@functools.cache
def _step(scale: int) -> Decimal:
    return Decimal(1).scaleb(-scale)


def _number(field: Field, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise parser_error("double", value)
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise parser_error("double", value) from None
    if not number.is_finite():
        raise parser_error("double", value)
    scale = field.scale or 0
    whole_digits = (field.precision or 18) - scale
    if number.adjusted() >= whole_digits and number != 0:
        message = f"{field.label}: value outside of valid range on numeric field: {value}"
        raise ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", message, [field.name])
    return number.quantize(_step(scale), ROUND_HALF_UP)


def _integer(field: Field, value: Any) -> int:
    try:
        number = int(value) if isinstance(value, int | str) and not isinstance(value, bool) else None
    except ValueError:
        number = None
    if number is None:
        raise parser_error("int", value)
    if abs(number) > 2**31 - 1:
        message = f"{field.label}: value outside of valid range on numeric field: {value}"
        raise ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", message, [field.name])
    return number


def _date(_field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise parser_error("date", value)
    try:
        if len(value) == 10:
            return date.fromisoformat(value).isoformat()
        return parse_datetime(value).date().isoformat()
    except ValueError:
        raise parser_error("date", value) from None


def _datetime(_field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise parser_error("datetime", value)
    try:
        return wire_datetime(parse_datetime(value))
    except ValueError:
        raise parser_error("datetime", value) from None


def _reference(field: Field, value: Any) -> str | None:
    if not isinstance(value, str):
        raise parser_error("string", value)
    if not value.strip():
        return None
    known = as_18(value.strip())
    if known is None:
        raise ApiError(400, "MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}", [field.name])
    return known


_READERS: dict[str, Callable[[Field, Any], Any]] = {
    "boolean": _boolean,
    "complexvalue": lambda _field, value: value,
    "currency": _number,
    "double": _number,
    "percent": _number,
    "int": _integer,
    "date": _date,
    "datetime": _datetime,
    "reference": _reference,
    "id": _reference,
}
