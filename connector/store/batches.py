"""Many rows in few round trips, on both databases.

Both are quickest with many rows in one statement, which PostgreSQL takes as arrays and SQLite as a
list of rows: each function here picks, its callers need not know (performance.md 2).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, column, func, update
from sqlalchemy.dialects import postgresql, sqlite

from connector.store import many_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Column, ColumnElement, Row, Table
    from sqlalchemy.sql.dml import Insert

    from connector.store.database import Tx
    from connector.store.many_rows import ManyRows

#: bound values in one IN list: both databases plan 500 well, and SQLite's oldest limit is 999
IN_LIST = 500


def chunks(values: Iterable[str] | Iterable[int]) -> Iterator[list[Any]]:
    """Lists of at most IN_LIST different values, in their order."""
    distinct = list(dict.fromkeys(values))
    for start in range(0, len(distinct), IN_LIST):
        yield distinct[start : start + IN_LIST]


def insert(tx: Tx, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows ON CONFLICT; both dialects spell it alike."""
    return _insert(tx.dialect, table)


def insert_many(tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    if tx.dialect == "sqlite":
        _inserting(table, tuple(rows[0])).write(tx, rows)
    else:
        _execute_many(tx, _insert(tx.dialect, table), rows, table)


def upsert_many(
    tx: Tx,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    keep: Sequence[str] = (),
    only_if: Callable[[Any, Table], ColumnElement[bool]] | None = None,
) -> int:
    """Inserts rows, or overwrites the row with the same primary key but for the columns in `keep`.

    `only_if` gets the new row's columns and the table, and says whether an existing row is overwritten;
    a module's function, because the statement is kept for it. Returns how many rows were inserted or
    overwritten. No two rows may have one primary key.
    """
    if not rows:
        return 0
    form = (table, tuple(rows[0]), tuple(keep), only_if)
    if tx.dialect == "sqlite":
        return _upserting(*form).write(tx, rows)
    return _execute_many(tx, _upsert("postgresql", *form), rows, table)


def claim_many(
    tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]], *, returning: Sequence[str]
) -> Sequence[Row[Any]]:
    """Inserts those rows that break no unique index; the wanted columns of these, in no order."""
    form = (table, tuple(rows[0]), tuple(returning))
    if tx.dialect == "sqlite":
        return _claiming(*form).write_returning(tx, rows)
    return tx.connection.execute(_claim("postgresql", *form), rows).all()


def update_many(
    tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]], *, key: Column[Any], only_if: ColumnElement[bool]
) -> int:
    """Updates the rows named by `key` where `only_if` holds; returns how many were updated."""
    if not rows:
        return 0
    if tx.dialect == "sqlite":
        return many_rows.updating(table, tuple(rows[0]), key=key, only_if=only_if).write(tx, rows)
    names = [name for name in rows[0] if name != key.name]
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


def _insert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


# Statements are kept: making one costs more than what SQLite does with a few rows.


@cache
def _upsert(
    dialect: str,
    table: Table,
    names: tuple[str, ...],
    keep: tuple[str, ...],
    only_if: Callable[[Any, Table], ColumnElement[bool]] | None,
) -> Insert:
    keys = [key.name for key in table.primary_key]
    statement = _insert(dialect, table)
    new = statement.excluded
    changed = {name: new[name] for name in names if name not in keys and name not in keep}
    condition = only_if(new, table) if only_if is not None else None
    return statement.on_conflict_do_update(index_elements=keys, set_=changed, where=condition)


@cache
def _claim(dialect: str, table: Table, _names: tuple[str, ...], returning: tuple[str, ...]) -> Insert:
    statement = _insert(dialect, table).on_conflict_do_nothing()
    return statement.returning(*(table.c[name] for name in returning))


@cache
def _inserting(table: Table, names: tuple[str, ...]) -> ManyRows:
    return many_rows.inserting(_insert("sqlite", table), table, names)


@cache
def _upserting(
    table: Table,
    names: tuple[str, ...],
    keep: tuple[str, ...],
    only_if: Callable[[Any, Table], ColumnElement[bool]] | None,
) -> ManyRows:
    return many_rows.inserting(_upsert("sqlite", table, names, keep, only_if), table, names)


@cache
def _claiming(table: Table, names: tuple[str, ...], returning: tuple[str, ...]) -> ManyRows:
    return many_rows.inserting(_claim("sqlite", table, names, returning), table, names)


def _execute_many(tx: Tx, statement: Insert, rows: Sequence[Mapping[str, Any]], table: Table) -> int:
    """RETURNING is what makes SQLAlchemy send many rows per statement."""
    first_key = next(iter(table.primary_key))
    return len(tx.connection.execute(statement.returning(first_key), rows).all())
