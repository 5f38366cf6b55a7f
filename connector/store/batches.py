"""Many rows in few round trips, on both databases.

Both are quickest with many rows in one statement, which PostgreSQL takes as arrays and SQLite as a
list of rows: each function here picks, its callers need not know (performance.md 2).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import postgresql, sqlite

from connector.store import many_arrays, many_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Column, ColumnElement, Row, Table
    from sqlalchemy.sql.dml import Insert

    from connector.store.database import Tx
    from connector.store.many_arrays import ManyArrays
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
    if rows:
        _inserting(tx.dialect, table, tuple(rows[0])).write(tx, rows)


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
    return _upserting(tx.dialect, table, tuple(rows[0]), tuple(keep), only_if).write(tx, rows)


def claim_many(
    tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]], *, returning: Sequence[str]
) -> Sequence[Row[Any]]:
    """Inserts those rows that break no unique index; the wanted columns of these, in no order."""
    if not rows:
        return []
    return _claiming(tx.dialect, table, tuple(rows[0]), tuple(returning)).write_returning(tx, rows)


def update_many(
    tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]], *, key: Column[Any], only_if: ColumnElement[bool]
) -> int:
    """Updates the rows named by `key` where `only_if`, a module's constant, holds; returns how many were updated."""
    if not rows:
        return 0
    return _updating(tx.dialect, table, tuple(rows[0]), key, only_if).write(tx, rows)


def _insert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


# Statements are kept: making one costs more than what SQLite does with a few rows.


@cache
def _inserting(dialect: str, table: Table, names: tuple[str, ...]) -> ManyRows | ManyArrays:
    return _from_rows(dialect, _insert(dialect, table), table, names)


@cache
def _upserting(
    dialect: str,
    table: Table,
    names: tuple[str, ...],
    keep: tuple[str, ...],
    only_if: Callable[[Any, Table], ColumnElement[bool]] | None,
) -> ManyRows | ManyArrays:
    keys = [key.name for key in table.primary_key]
    statement = _insert(dialect, table)
    new = statement.excluded
    changed = {name: new[name] for name in names if name not in keys and name not in keep}
    condition = only_if(new, table) if only_if is not None else None
    upsert = statement.on_conflict_do_update(index_elements=keys, set_=changed, where=condition)
    return _from_rows(dialect, upsert, table, names)


@cache
def _claiming(dialect: str, table: Table, names: tuple[str, ...], returning: tuple[str, ...]) -> ManyRows | ManyArrays:
    statement = _insert(dialect, table).on_conflict_do_nothing().returning(*(table.c[name] for name in returning))
    return _from_rows(dialect, statement, table, names)


@cache
def _updating(
    dialect: str, table: Table, names: tuple[str, ...], key: Column[Any], only_if: ColumnElement[bool]
) -> ManyRows | ManyArrays:
    made = many_rows.updating if dialect == "sqlite" else many_arrays.updating
    return made(table, names, key=key, only_if=only_if)


def _from_rows(dialect: str, statement: Insert, table: Table, names: tuple[str, ...]) -> ManyRows | ManyArrays:
    made = many_rows.inserting if dialect == "sqlite" else many_arrays.inserting
    return made(statement, table, names)
