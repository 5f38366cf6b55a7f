"""Many rows in few round trips, on both databases.

SQLite is quickest with one prepared statement run many times, PostgreSQL with many rows in one
statement (performance.md 2): each function here picks, its callers need not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, column, func, update
from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Column, ColumnElement, Table
    from sqlalchemy.sql.dml import Insert

    from connector.store.database import Tx

#: bound values in one IN list: both databases plan 500 well, and SQLite's oldest limit is 999
IN_LIST = 500


def chunks(values: Iterable[str] | Iterable[int]) -> Iterator[list[Any]]:
    """Lists of at most IN_LIST different values, in their order."""
    distinct = list(dict.fromkeys(values))
    for start in range(0, len(distinct), IN_LIST):
        yield distinct[start : start + IN_LIST]


def insert(tx: Tx, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows ON CONFLICT; both dialects spell it alike."""
    return sqlite.insert(table) if tx.dialect == "sqlite" else postgresql.insert(table)


def insert_many(tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    _execute_many(tx, insert(tx, table), rows, table)


def upsert_many(
    tx: Tx,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    keep: Sequence[str] = (),
    only_if: Callable[[Any], ColumnElement[bool]] | None = None,
) -> int:
    """Inserts rows, or overwrites the row with the same primary key but for the columns in `keep`.

    `only_if` gets the new row's columns and says whether an existing row is overwritten. Returns
    how many rows were inserted or overwritten. No two rows may have one primary key.
    """
    if not rows:
        return 0
    keys = [key.name for key in table.primary_key]
    statement = insert(tx, table)
    new = statement.excluded
    changed = {name: new[name] for name in rows[0] if name not in keys and name not in keep}
    condition = only_if(new) if only_if is not None else None
    return _execute_many(
        tx, statement.on_conflict_do_update(index_elements=keys, set_=changed, where=condition), rows, table
    )


def update_many(
    tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]], *, key: Column[Any], only_if: ColumnElement[bool]
) -> int:
    """Updates the rows named by `key` where `only_if` holds; returns how many were updated."""
    if not rows:
        return 0
    names = [name for name in rows[0] if name != key.name]
    if tx.dialect == "sqlite":
        # A bound name may not be a column's name here, SQLAlchemy would take it for a value to set.
        by_row = (
            update(table)
            .where(key == bindparam("row_" + key.name), only_if)
            .values({name: bindparam("row_" + name, type_=table.c[name].type) for name in names})
        )
        prefixed = [{"row_" + name: value for name, value in row.items()} for row in rows]
        return int(tx.connection.execute(by_row, prefixed).rowcount)
    arrays = [
        bindparam("all_" + name, [row[name] for row in rows], type_=postgresql.ARRAY(table.c[name].type))
        for name in rows[0]
    ]
    new = (
        func.unnest(*arrays)
        .table_valued(*(column(name, table.c[name].type) for name in rows[0]), name="new")
        .render_derived()
    )
    at_once = update(table).where(key == new.c[key.name], only_if).values({name: new.c[name] for name in names})
    return int(tx.connection.execute(at_once).rowcount)


def _execute_many(tx: Tx, statement: Insert, rows: Sequence[Mapping[str, Any]], table: Table) -> int:
    """RETURNING is what makes SQLAlchemy send many rows per statement. On SQLite that is not faster by
    itself, but the driver gives the interpreter away at every statement: a statement per row would wait,
    row by row, for the threads that talk to Stripe.
    """
    if not rows:
        return 0
    first_key = next(iter(table.primary_key))
    return len(tx.connection.execute(statement.returning(first_key), rows).all())
