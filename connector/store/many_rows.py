"""One SQLite statement for many rows, without what SQLAlchemy does for each of them.

The driver gives the interpreter away at every statement, and a statement per row would wait, row by
row, for the threads that talk to Stripe. SQLAlchemy puts many rows into one statement as well, but
copies and names every value on the way, which cost more than writing them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import Column, ColumnElement, CursorResult, Row, Table
    from sqlalchemy.sql.dml import Insert

    from connector.store.database import Tx

#: bound values in one statement: SQLite's limit is 32,766 since version 3.32
VALUES_MAX = 32_000

_DIALECT = sqlite.dialect()


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyRows:
    """The text of a statement around its rows, and how each column's value is handed to the driver."""

    before: str
    after: str
    columns: tuple[tuple[str, Callable[[Any], Any] | None], ...]

    def write(self, tx: Tx, rows: Sequence[Mapping[str, Any]]) -> int:
        """How many rows were written; no SQL travels for none."""
        return sum(int(result.rowcount) for result in self._run(tx, rows))

    def write_returning(self, tx: Tx, rows: Sequence[Mapping[str, Any]]) -> list[Row[Any]]:
        """What the statement's RETURNING answers, in no order."""
        return [row for result in self._run(tx, rows) for row in result]

    def _run(self, tx: Tx, rows: Sequence[Mapping[str, Any]]) -> Iterator[CursorResult[Any]]:
        one = f"({', '.join('?' * len(self.columns))})"
        size = VALUES_MAX // len(self.columns)
        for start in range(0, len(rows), size):
            group = rows[start : start + size]
            text = f"{self.before} {', '.join([one] * len(group))} {self.after}"
            columns = (_handed([row[name] for row in group], convert) for name, convert in self.columns)
            yield tx.connection.exec_driver_sql(text, tuple(chain.from_iterable(zip(*columns, strict=True))))


def inserting(statement: Insert, table: Table, names: Sequence[str]) -> ManyRows:
    """An INSERT of these columns, as it is but for its rows."""
    text = str(statement.compile(dialect=_DIALECT, column_keys=list(names)))
    one = f"({', '.join('?' * len(names))})"
    before, values, after = text.partition(f"VALUES {one}")
    assert values, f"not an INSERT of one row: {text}"
    assert "?" not in after, "a bound value outside the row"
    # the compiler names columns in the table's order, not in ours
    ordered = [column.name for column in table.c if column.name in names]
    return ManyRows(before=before + "VALUES", after=after, columns=tuple(_column(table.c[name]) for name in ordered))


def updating(table: Table, names: Sequence[str], *, key: Column[Any], only_if: ColumnElement[bool]) -> ManyRows:
    """An UPDATE of the rows named by `key` where `only_if`, a condition without bound values, holds."""
    condition = only_if.compile(dialect=_DIALECT)
    assert not condition.params, "a bound value outside the rows"
    ordered = [key.name, *(name for name in names if name != key.name)]
    # columns of VALUES have no names of their own, only numbers
    changed = ", ".join(f"{name} = new.column{place}" for place, name in enumerate(ordered[1:], 2))
    return ManyRows(
        before=f"UPDATE {table.name} SET {changed} FROM (VALUES",  # noqa: S608 -- names of our own table
        after=f") AS new WHERE {table.name}.{key.name} = new.column1 AND ({condition})",
        columns=tuple(_column(table.c[name]) for name in ordered),
    )


def _handed(values: list[Any], convert: Callable[[Any], Any] | None) -> list[Any]:
    """One column as the driver gets it. Rows of a batch share most moments: each object is converted once."""
    if convert is None:
        return values
    handed = {place: convert(value) for place, value in {id(value): value for value in values}.items()}
    return [handed[id(value)] for value in values]


def _column(column: Column[Any]) -> tuple[str, Callable[[Any], Any] | None]:
    return column.name, column.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
