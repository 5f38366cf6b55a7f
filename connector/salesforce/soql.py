"""SOQL text, built purely: identifiers by pattern, values through one escaper, ids with their checksum.

Nothing else in this adapter puts a value into a query. Conditions written in a mapping (`where`) are
the operator's own text and travel in parentheses as they stand. May not touch the network.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import quote

from connector.core.long_id import id_checksum

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

T = TypeVar("T")

#: the longest query text sent in a URL: URI and headers together may have 16,384 bytes (platform.md B)
URL_QUERY_BYTES_MAX: Final = 14_000
#: rows of one page, the most Salesforce gives (platform.md B "REST query")
PAGE_ROWS: Final = 2000
#: ids of one query: as many rows as one collections call writes
IDS_PER_QUERY: Final = 200

#: more than any number field holds (18)
_DIGITS_MAX: Final = 40
_PATH: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*")
_ID: Final = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_ESCAPES: Final = str.maketrans(
    {
        "\\": "\\\\",
        "'": "\\'",
        '"': '\\"',
        "\n": "\\n",
        "\r": "\\r",
        "\t": "\\t",
        "\b": "\\b",
        "\f": "\\f",
    }
)
_WIRE_STAMP: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:?\d\d)")


def identifier(name: str) -> str:
    """`name` if it is an object or field name, or a dotted path of such; ValueError otherwise."""
    if not _PATH.fullmatch(name):
        raise ValueError(f"{name!r} is not a Salesforce name")
    return name


def record_id(text: str) -> str:
    """The 18-character form of an id; ValueError unless it has 15 characters or a right checksum."""
    if not _ID.fullmatch(text):
        raise ValueError(f"{text!r} is not a Salesforce id")
    long_form = text[:15] + id_checksum(text[:15])
    if len(text) == 18 and text.upper() != long_form.upper():
        raise ValueError(f"{text!r} is not a Salesforce id: its last three characters do not fit")
    return long_form


def literal(value: str | bool | int | Decimal | date | None) -> str:
    """A typed literal; datetimes must carry a zone and are written in UTC."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value.translate(_ESCAPES) + "'"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        if not value.is_finite() or abs(value.adjusted()) > _DIGITS_MAX or len(value.as_tuple().digits) > _DIGITS_MAX:
            raise ValueError("a number that is none, or that no field holds, has no SOQL literal")
        return format(value, "f")
    if isinstance(value, datetime):
        return stamp_literal(value)
    return value.isoformat()


def stamp_literal(moment: datetime) -> str:
    """A datetime literal in UTC, with as many decimals of a second as it needs."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without a zone has no SOQL literal")
    try:
        moment = moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a datetime beyond the calendar has no SOQL literal") from error
    spec = "milliseconds" if moment.microsecond else "seconds"
    return moment.isoformat(timespec=spec).replace("+00:00", "Z")


def parse_stamp(wire: str) -> datetime:
    """A datetime as REST answers it, `2024-09-24T03:26:07.000+0000` (platform.md B), or as ISO with Z."""
    found = _WIRE_STAMP.fullmatch(wire)
    if found is None:
        raise ValueError(f"{wire!r} is not a Salesforce datetime")
    seconds, fraction, zone = found.groups()
    zone = "+00:00" if zone == "Z" else zone
    if ":" not in zone:
        zone = zone[:3] + ":" + zone[3:]
    return datetime.fromisoformat(f"{seconds}.{(fraction or '0').ljust(6, '0')}{zone}").astimezone(UTC)


def is_in(path: str, values: Iterable[str]) -> str:
    return f"{identifier(path)} IN ({','.join(literal(value) for value in values)})"


def unique_paths(paths: Iterable[str | None]) -> tuple[str, ...]:
    """The paths once each, in order: Salesforce refuses a field selected twice, in whatever case."""
    found = {path.lower(): identifier(path) for path in reversed([path for path in paths if path])}
    return tuple(reversed(found.values()))


def select(
    paths: Sequence[str],
    source: str,
    *,
    where: Sequence[str] = (),
    order: Sequence[str] = (),
    limit: int | None = None,
) -> str:
    """One SELECT; the conditions of `where` are joined by AND."""
    text = f"SELECT {','.join(identifier(path) for path in paths)} FROM {identifier(source)}"  # noqa: S608 - this is the one place that builds it
    if where:
        text += " WHERE " + " AND ".join(where)
    if order:
        text += " ORDER BY " + ",".join(order)
    if limit is not None:
        text += f" LIMIT {limit}"
    return text


def count(
    source: str, *, by: Sequence[str] = (), where: Sequence[str] = (), example: str | None = None, more_than: int = 0
) -> str:
    """One aggregate SELECT. Its rows have `found` (how many), the paths of `by`, and with `example` the first
    and last value of that path as `lowest` and `highest`; groups of `more_than` records or fewer are left out.
    """
    columns = [*(identifier(path) for path in by), "COUNT(Id) found"]
    if example is not None:
        columns += [f"MIN({identifier(example)}) lowest", f"MAX({example}) highest"]
    text = f"SELECT {','.join(columns)} FROM {identifier(source)}"  # noqa: S608 - as above
    if where:
        text += " WHERE " + " AND ".join(where)
    if by:
        text += " GROUP BY " + ",".join(by)
    if more_than:
        text += f" HAVING COUNT(Id) > {more_than}"
    return text


def after(stamp: str, moment: datetime, last_id: str | None) -> str:
    """The keyset condition: rows behind (moment, last_id) in the order of (stamp, Id)."""
    when = stamp_literal(moment)
    if last_id is None:
        return f"{identifier(stamp)} >= {when}"
    return f"({identifier(stamp)} > {when} OR ({stamp} = {when} AND Id > {literal(record_id(last_id))}))"


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def value_chunks(values: Sequence[str], *, fixed_text: str) -> Iterator[Sequence[str]]:
    """Groups of values whose IN list, together with `fixed_text`, still fits into a URL."""
    budget = URL_QUERY_BYTES_MAX - len(quote(fixed_text))
    group: list[str] = []
    used = 0
    for value in values:
        size = _size_in_list(value)
        if group and (used + size > budget or len(group) == IDS_PER_QUERY):
            yield group
            group, used = [], 0
        group.append(value)
        used += size
    if group:
        yield group


def _size_in_list(value: str) -> int:
    """Bytes of a value and its comma in a URL. Ids, which most values are, are sent as they are, between quotes."""
    if value.isascii() and value.isalnum():
        return len("%27%27%2C") + len(value)
    return len(quote(literal(value))) + len("%2C")
