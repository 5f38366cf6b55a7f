"""Links in the database: by the key of either side, by state, by the parent they wait for."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, func, or_, select

from connector.core.errors import LeaseLost
from connector.core.model import Key, Link, LinkState, Side
from connector.ports import HeldBack
from connector.store.batches import chunks, upsert_many
from connector.store.rows import link_from_row, link_row
from connector.store.tables import link as table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy import Column, ColumnElement, Row, Select, Table

    from connector.store.database import Tx

#: what a Link is made of; leaving out the moment saves a fifth of a large read
_OF_LINK = tuple(column for column in table.c if column.name not in ("scope_id", "updated_at", "counts_from_epoch"))


def find_rows(tx: Tx, keys: Iterable[Key], columns: Sequence[Column[Any]]) -> Iterator[tuple[Key, Row[Any]]]:
    """The wanted columns of each link that has one of these keys on its side, as birthplace or mate."""
    for (side, kind), ids in _grouped(keys):
        for chunk in chunks(ids):
            for found_by, born in ((table.c.born_id, side), (table.c.mate_id, side.other)):
                given = {"scope": tx.scope_id, "of_kind": kind, "born": born.value, "ids": chunk}
                for row in tx.connection.execute(_finding(tuple(columns), found_by), given):
                    yield Key(side=side, kind=kind, id=row.found_id), row


# Statements that small passes are made of are kept: making one costs more than what SQLite does with a few rows.


@cache
def _finding(columns: tuple[Column[Any], ...], found_by: Column[Any]) -> Select[Any]:
    return select(*columns, found_by.label("found_id")).where(
        table.c.scope_id == bindparam("scope"),
        table.c.kind == bindparam("of_kind"),
        found_by.in_(bindparam("ids", expanding=True)),
        table.c.born_side == bindparam("born"),
    )


def load(tx: Tx, keys: Iterable[Key]) -> dict[Key, Link]:
    return {key: link_from_row(row) for key, row in find_rows(tx, keys, _OF_LINK)}


def load_in(tx: Tx, *, kind: str | None, states: Sequence[str], limit: int, after_born_id: str) -> list[Link]:
    statement = select(*_OF_LINK).where(table.c.scope_id == tx.scope_id, table.c.born_id > after_born_id)
    if kind is not None:
        statement = statement.where(table.c.kind == kind)
    if states:
        statement = statement.where(table.c.state.in_([LinkState(state).value for state in states]))
    rows = tx.connection.execute(statement.order_by(table.c.born_id, table.c.kind).limit(limit))
    return [link_from_row(row) for row in rows]


def load_due(tx: Tx, *, kind: str, newest_epoch: int) -> list[Key]:
    given = {"scope": tx.scope_id, "of_kind": kind, "newest": newest_epoch}
    rows = tx.connection.execute(_DUE, given)
    return [Key(side=Side(row.born_side).other, kind=kind, id=row.mate_id) for row in rows]


_DUE = (
    select(table.c.born_side, table.c.mate_id)
    .where(
        table.c.scope_id == bindparam("scope"),
        table.c.kind == bindparam("of_kind"),
        table.c.counts_from_epoch <= bindparam("newest"),
    )
    .order_by(table.c.counts_from_epoch, table.c.born_id)
)


def begin(tx: Tx, links: Iterable[Link]) -> None:
    """Upserts links that an operation was begun for, each a revision on from what was loaded.

    Raises LeaseLost as `save`, and for a revision that is used up already.
    """
    _save(tx, links, _is_next)


def save(tx: Tx, links: Iterable[Link]) -> None:
    """Upserts; of several versions of one link the last counts.

    Raises LeaseLost when a link was moved on by somebody else meanwhile, to a higher revision or to a mate that
    is not known here: what is given here was decided from an old state, and would make the record again.
    """
    _save(tx, links, _is_not_older)


def _save(tx: Tx, links: Iterable[Link], only_if: Callable[[Any, Table], ColumnElement[bool]]) -> None:
    latest = {link.born: link for link in links}
    # One order for every writer: two batches that share links wait for each other, never in a circle. Links
    # without a mate come first: a mate that is handed on has been given up before it is taken.
    ordered = sorted(latest.values(), key=lambda link: (link.mate_id is not None, link.kind, link.born.id))
    rows = [link_row(tx, link) for link in ordered]
    written = upsert_many(tx, table, rows, only_if=only_if)
    if written != len(rows):
        raise LeaseLost(f"{len(rows) - written} of {len(rows)} links were moved on by another worker meanwhile")


def _is_not_older(new: Any, stored: Table) -> ColumnElement[bool]:
    return and_(new.revision >= stored.c.revision, _knows_the_mate(new, stored))


def _is_next(new: Any, stored: Table) -> ColumnElement[bool]:
    return and_(new.revision > stored.c.revision, _knows_the_mate(new, stored))


def _knows_the_mate(new: Any, stored: Table) -> ColumnElement[bool]:
    """The mate that is stored is the new link's, or one that it calls history.

    A worker that loaded the link while another one's create was under way knows none, and its revision is
    higher than the one that create ended with: the revision alone would let it make the record twice.
    """
    is_history = new.earlier_mates_json.contains(stored.c.mate_id)
    return or_(stored.c.mate_id.is_(None), stored.c.mate_id == new.mate_id, is_history)


def waiting_on(tx: Tx, parents: Iterable[Key]) -> Iterator[tuple[Key, int]]:
    """Birthplace key and shard of each link that waits for one of these keys, or is parked because of one."""
    for (side, kind), ids in _grouped(parents):
        for chunk in chunks(ids):
            given = {"scope": tx.scope_id, "parent_kind": kind, "parent_side": side.value, "ids": chunk}
            for row in tx.connection.execute(_WAITING_ON, given):
                yield Key(side=Side(row.born_side), kind=row.kind, id=row.born_id), row.shard


_WAITING_ON = (
    select(table.c.born_side, table.c.kind, table.c.born_id, table.c.shard)
    .where(
        table.c.scope_id == bindparam("scope"),
        table.c.waiting_on_kind == bindparam("parent_kind"),
        table.c.waiting_on_id.in_(bindparam("ids", expanding=True)),
        table.c.waiting_on_side == bindparam("parent_side"),
        table.c.state.in_([LinkState.WAITING.value, LinkState.PARKED.value]),
    )
    .order_by(table.c.kind, table.c.born_id)
)


def ready_parents(tx: Tx, keys: Iterable[Key]) -> set[Key]:
    """Those keys whose link is open and exists on both sides: what waits for them may go on."""
    return {
        key
        for key, row in find_rows(tx, keys, (table.c.state, table.c.mate_id))
        if row.state == LinkState.OPEN.value and row.mate_id is not None
    }


def count(tx: Tx) -> dict[str, dict[str, int]]:
    numbers: dict[str, dict[str, int]] = {}
    statement = (
        select(table.c.kind, table.c.state, func.count().label("number"))
        .where(table.c.scope_id == tx.scope_id)
        .group_by(table.c.kind, table.c.state)
        .order_by(table.c.kind, table.c.state)
    )
    for row in tx.connection.execute(statement):
        numbers.setdefault(row.kind, {})[row.state] = row.number
    return numbers


def load_held_back(tx: Tx) -> list[HeldBack]:
    next_at = func.min(table.c.next_attempt_at)
    statement = (
        select(table.c.kind, table.c.backoff_code, func.count().label("number"), next_at.label("next_at"))
        .where(
            table.c.scope_id == tx.scope_id,
            table.c.next_attempt_at.is_not(None),
            table.c.state != LinkState.CLOSED.value,
        )
        .group_by(table.c.kind, table.c.backoff_code)
        .order_by(next_at, table.c.kind, table.c.backoff_code)
    )
    return [
        HeldBack(kind=row.kind, code=row.backoff_code, count=row.number, next_at=row.next_at)
        for row in tx.connection.execute(statement)
    ]


def _grouped(keys: Iterable[Key]) -> Iterable[tuple[tuple[Side, str], list[str]]]:
    groups: dict[tuple[Side, str], list[str]] = {}
    for key in keys:
        groups.setdefault((key.side, key.kind), []).append(key.id)
    return groups.items()
