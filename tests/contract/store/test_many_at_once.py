"""Many rows in one statement, on both databases, are stored as SQLAlchemy stores them one by one."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    insert,
    or_,
    text,
)

from connector.core.chain import Seal
from connector.store import batches, many_arrays, many_rows
from connector.store.database import Tx
from connector.store.tables import UtcDateTime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

#: columns in another order than the rows name them
THING = Table(
    "thing",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", Text),
    Column("flag", Boolean),
    Column("at", UtcDateTime),
    Column("body", LargeBinary),
    Column("count", BigInteger),
    UniqueConstraint("name"),
)
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
NOTHING = dict.fromkeys(("at", "body", "count", "flag", "name"))
EVERYTHING: list[dict[str, Any]] = [
    {
        "at": NOW,
        "body": b"\x00'?\xff",
        "count": 2**53 + 1,
        "flag": True,
        "name": 'it\'s "?" %s {a,NULL} :x \\ \u2713',
        "id": 1,
    },
    {
        "at": NOW.astimezone(timezone(timedelta(hours=5))) + timedelta(microseconds=7),
        "body": b"",
        "count": 0,
        "flag": False,
        "name": "",
        "id": 2,
    },
    NOTHING | {"id": 3, "name": "NULL"},
    NOTHING | {"id": 4},
]
#: what is stored, and on SQLite with each value's type
TYPED = ", ".join(f'"{column.name}", typeof("{column.name}")' for column in THING.c)


@pytest.fixture(params=["sqlite", "postgresql"])
def tx(request: pytest.FixtureRequest) -> Iterator[Tx]:
    url = "sqlite://" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.begin() as connection:
        THING.metadata.create_all(connection)
        yield Tx(connection=connection, scope_id=1, now=NOW, seal=Seal())
    engine.dispose()


def _stored(tx: Tx) -> list[tuple[Any, ...]]:
    columns = TYPED if tx.dialect == "sqlite" else "*"
    return [tuple(row) for row in tx.connection.execute(text(f"SELECT {columns} FROM thing ORDER BY id"))]


def _one_by_one(tx: Tx, rows: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    for row in rows:
        tx.connection.execute(insert(THING), row)
    stored = _stored(tx)
    tx.connection.execute(THING.delete())
    return stored


def _insert(tx: Tx, rows: list[dict[str, Any]]) -> None:
    batches.insert_many(tx, THING, rows)


def _overwrite(tx: Tx, rows: list[dict[str, Any]]) -> None:
    for _ in range(2):
        assert batches.upsert_many(tx, THING, rows) == len(rows)


def _claim(tx: Tx, rows: list[dict[str, Any]]) -> None:
    claimed = batches.claim_many(tx, THING, rows, returning=("id", "name"))
    assert {(row.id, row.name) for row in claimed} == {(row["id"], row["name"]) for row in rows}
    assert batches.claim_many(tx, THING, rows, returning=("id",)) == []


def _update(tx: Tx, rows: list[dict[str, Any]]) -> None:
    batches.insert_many(tx, THING, [{"id": row["id"]} for row in rows])
    assert batches.update_many(tx, THING, rows, key=THING.c.id, only_if=THING.c.name.is_(None)) == len(rows)


@pytest.mark.parametrize("write", [_insert, _overwrite, _claim, _update])
@pytest.mark.parametrize("rows", [EVERYTHING, EVERYTHING[3:]], ids=["every type of value", "nothing but NULL"])
def test_every_type_of_value_is_stored_as_sqlalchemy_stores_it(
    tx: Tx, write: Callable[[Tx, list[dict[str, Any]]], None], rows: list[dict[str, Any]]
) -> None:
    expected = _one_by_one(tx, rows)
    write(tx, rows)
    assert _stored(tx) == expected


@pytest.mark.parametrize("count", [5, 6, 7])
@pytest.mark.parametrize("write", [_insert, _overwrite, _claim, _update])
def test_no_row_is_left_out_where_one_statement_does_not_take_all(
    tx: Tx, monkeypatch: pytest.MonkeyPatch, write: Callable[[Tx, list[dict[str, Any]]], None], count: int
) -> None:
    """Statements of three rows; where values are counted, two a row."""
    monkeypatch.setattr(many_rows, "VALUES_MAX", 7)
    monkeypatch.setattr(many_arrays, "ROWS_MAX", 3)
    rows = [{"id": number, "name": f"n{number}"} for number in range(1, count + 1)]
    expected = _one_by_one(tx, rows)
    write(tx, rows)
    assert _stored(tx) == expected


@pytest.mark.parametrize("write", [_insert, _overwrite, _claim, _update])
def test_a_library_with_sqlites_own_limit_of_values_takes_every_statement(
    tx: Tx, write: Callable[[Tx, list[dict[str, Any]]], None]
) -> None:
    """Distributions raise it; 32,766 is what SQLite itself says (https://www.sqlite.org/limits.html, 9)."""
    driver = tx.connection.connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)
    write(tx, [{"id": number, "name": f"n{number}"} for number in range(17_000)])
    assert tx.connection.execute(text("SELECT count(*) FROM thing")).scalar_one() == 17_000


def test_what_is_taken_already_is_not_claimed_and_its_neighbours_are(tx: Tx) -> None:
    batches.insert_many(tx, THING, [{"id": 1, "name": "taken"}])
    rows = [{"id": 2, "name": "taken"}, {"id": 3, "name": "free"}]
    assert [row.id for row in batches.claim_many(tx, THING, rows, returning=("id",))] == [3]


def test_an_update_reaches_only_the_rows_it_names_whatever_its_condition_looks_like(tx: Tx) -> None:
    batches.insert_many(tx, THING, [{"id": number, "name": None, "count": 1} for number in (1, 2, 3)])
    either = or_(THING.c.name.is_(None), THING.c.flag.is_(None))
    assert batches.update_many(tx, THING, [{"id": 2, "count": 5}], key=THING.c.id, only_if=either) == 1
    counts = tx.connection.execute(text('SELECT "count" FROM thing ORDER BY id')).scalars().all()
    assert counts == [1, 5, 1]


def test_a_mate_is_handed_on_within_one_statement_where_its_owner_comes_first(tx: Tx) -> None:
    """Rows are written in their order: `links.save` relies on it."""
    batches.insert_many(tx, THING, [{"id": 9, "name": "mate"}])
    assert batches.upsert_many(tx, THING, [{"id": 9, "name": None}, {"id": 1, "name": "mate"}]) == 2
    assert [tuple(row) for row in tx.connection.execute(text("SELECT id, name FROM thing ORDER BY id"))] == [
        (1, "mate"),
        (9, None),
    ]
