"""One PostgreSQL statement for many rows: each column travels as one array.

Far fewer values are bound than with a list of rows, by SQLAlchemy as by the driver, and the server plans the
same text whatever the number of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, column, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Column, ColumnElement, CursorResult, Row, Table, TableValuedAlias
    from sqlalchemy.sql.dml import Insert, Update

    from connector.store.database import Tx

#: rows in one statement: more would only hold more of them in memory twice
ROWS_MAX = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ManyArrays:
    """A statement that reads its rows from an array for each of these columns."""

    statement: Insert | Update
    names: tuple[str, ...]

    def write(self, tx: Tx, rows: Sequence[Mapping[str, Any]]) -> int:
        """How many rows were written; no SQL travels for none."""
        return sum(int(result.rowcount) for result in self._run(tx, rows))

    def write_returning(self, tx: Tx, rows: Sequence[Mapping[str, Any]]) -> list[Row[Any]]:
        """What the statement's RETURNING answers, in no order."""
        return [row for result in self._run(tx, rows) for row in result]

    def _run(self, tx: Tx, rows: Sequence[Mapping[str, Any]]) -> Iterator[CursorResult[Any]]:
        for start in range(0, len(rows), ROWS_MAX):
            group = rows[start : start + ROWS_MAX]
            arrays = {_array(name): [row[name] for row in group] for name in self.names}
            yield tx.connection.execute(self.statement, arrays)


def inserting(statement: Insert, table: Table, names: Sequence[str]) -> ManyArrays:
    """An INSERT of these columns, as it is but for its rows; they are inserted in their order."""
    new = _rows_of(table, names)
    from_rows = statement.from_select(list(names), select(*new.c), include_defaults=False)
    return ManyArrays(statement=_counted(from_rows), names=tuple(names))


def updating(table: Table, names: Sequence[str], *, key: Column[Any], only_if: ColumnElement[bool]) -> ManyArrays:
    """An UPDATE of the rows named by `key` where `only_if` holds."""
    new = _rows_of(table, names)
    changed = {name: new.c[name] for name in names if name != key.name}
    return ManyArrays(
        statement=_counted(update(table).where(key == new.c[key.name], only_if).values(changed)), names=tuple(names)
    )


def _rows_of(table: Table, names: Sequence[str]) -> TableValuedAlias:
    arrays = [bindparam(_array(name), type_=ARRAY(table.c[name].type, dimensions=1)) for name in names]
    columns = [column(name, table.c[name].type) for name in names]
    return func.unnest(*arrays).table_valued(*columns, name="new").render_derived()


def _array(name: str) -> str:
    """Not the column's own name: in an UPDATE, SQLAlchemy keeps that for itself."""
    return "all_" + name


def _counted(statement: Any) -> Any:
    return statement.execution_options(preserve_rowcount=True)
