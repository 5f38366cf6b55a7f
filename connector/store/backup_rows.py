"""Rows as lines of JSON and back: the same on SQLite and PostgreSQL, so that a backup of either restores into either."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import DateTime, LargeBinary, TypeDecorator, delete, func, inspect, select, text

from connector.core.errors import StoreUnusable
from connector.store.batches import insert_many
from connector.store.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy import Column, Table

    from connector.store.database import Tx

_PAGE: Final = 1000


class WrongRow(ValueError):
    """A line that is no row of its table."""


def stored_tables(tx: Tx, place: str) -> list[tuple[Table, tuple[str, ...]]]:
    """Our tables that are there, with their columns, parents first. Raises StoreUnusable for a column this program
    does not know: it would be left behind in silence.
    """
    there = inspect(tx.connection)
    names = set(there.get_table_names())
    found = []
    for table in metadata.sorted_tables:
        if table.name in names:
            columns = tuple(column["name"] for column in there.get_columns(table.name))
            strange = [name for name in columns if name not in table.c]
            if strange:
                raise StoreUnusable(f"{place}: this program does not know the column {table.name}.{strange[0]}")
            found.append((table, columns))
    return found


def dump_rows(tx: Tx, table: Table, columns: Sequence[str]) -> Iterator[bytes]:
    """A line that names the columns, then one per row, in the order of the key."""
    chosen = [table.c[name] for name in columns]
    encode = [_encoder(column) for column in chosen]
    yield orjson.dumps(list(columns)) + b"\n"
    keyed = [column for column in chosen if column.primary_key]
    rows = tx.connection.execute(select(*chosen).order_by(*keyed), execution_options={"yield_per": _PAGE})
    for row in rows:
        values = [value if code is None else code(value) for code, value in zip(encode, row, strict=True)]
        yield orjson.dumps(values) + b"\n"


def load_rows(tx: Tx, table: Table, lines: Iterable[bytes]) -> None:
    """Puts the rows into the table, which holds nothing but what a migration put there. Raises WrongRow."""
    remaining = iter(lines)
    columns = _columns(table, next(remaining, b""))
    decode = [_decoder(table.c[name]) for name in columns]
    if tx.connection.execute(select(func.count()).select_from(table)).scalar_one():
        tx.connection.execute(delete(table))
    page: list[dict[str, Any]] = []
    for line in remaining:
        page.append(_row(table, columns, decode, line))
        if len(page) == _PAGE:
            insert_many(tx, table, page)
            page = []
    insert_many(tx, table, page)
    _count_on(tx, table)


def _columns(table: Table, line: bytes) -> list[str]:
    try:
        columns = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise WrongRow(f"{table.name}: its columns are not named") from error
    if not isinstance(columns, list) or not columns or any(name not in table.c for name in columns):
        raise WrongRow(f"{table.name}: not its columns: {columns}")
    return columns


def _row(
    table: Table, columns: Sequence[str], decode: Sequence[Callable[[Any], Any] | None], line: bytes
) -> dict[str, Any]:
    try:
        values = orjson.loads(line)
        return {
            name: value if code is None else code(value)
            for name, code, value in zip(columns, decode, values, strict=True)
        }
    except (ValueError, TypeError, binascii.Error) as error:
        raise WrongRow(f"{table.name}: a line is no row of it") from error


def _count_on(tx: Tx, table: Table) -> None:
    """A key that PostgreSQL counts goes on after the highest; SQLite takes the next one by itself."""
    key = table.autoincrement_column
    if tx.dialect != "postgresql" or key is None:
        return
    highest = f'SELECT max("{key.name}") FROM "{table.name}"'  # noqa: S608 -- names of our own tables
    sequence = tx.connection.execute(
        text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": key.name}
    ).scalar_one()
    if sequence is not None:
        tx.connection.execute(text(f"SELECT setval(:sequence, ({highest}))"), {"sequence": sequence})


def _is_moment(column: Column[Any]) -> bool:
    kind = column.type
    return isinstance(kind.impl_instance if isinstance(kind, TypeDecorator) else kind, DateTime)


def _encoder(column: Column[Any]) -> Callable[[Any], Any] | None:
    if isinstance(column.type, LargeBinary):
        return _as_base64
    return _as_iso if _is_moment(column) else None


def _decoder(column: Column[Any]) -> Callable[[Any], Any] | None:
    if isinstance(column.type, LargeBinary):
        return _of_base64
    return _of_iso if _is_moment(column) else None


def _as_base64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode("ascii")


def _of_base64(value: str | None) -> bytes | None:
    return None if value is None else base64.b64decode(value, validate=True)


def _as_iso(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat(timespec="microseconds")


def _of_iso(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)
