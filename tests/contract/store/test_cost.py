"""How many statements a batch costs does not depend on its size (performance.md 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event

from connector.core.model import Cursor, Side, Signal
from connector.store import many_rows
from tests.support.memory import applied, link_of, mirror, operation_on, raised, salesforce, stripe, wait_for, waiting

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def statements(store):
    """The SQL sent so far; one entry for a statement that is run for many rows at once."""
    sent: list[str] = []

    @event.listens_for(store._database.engine, "before_cursor_execute")
    def _sent(_connection, _cursor, statement, _parameters, _context, _many):
        sent.append(statement)

    return sent


def _pass(store, prefix: str, size: int) -> None:
    links = [raised(link_of(salesforce("invoice", f"{prefix}{n}"))) for n in range(size)]
    children = [wait_for(link_of(stripe("payment", f"{prefix}pi{n}")), links[n].born) for n in range(size)]
    signals = [Signal(key=link.born, version="v") for link in links]
    store.record_signals(signals, [Cursor(side=Side.SALESFORCE, stream="x", value="1")], shard_of=lambda _signal: 0)
    seen = waiting(store, limit=size)
    store.load_links([stored.signal.key for stored in seen])
    stored = store.begin([*links, *children], [operation_on(link) for link in links])
    store.settle(
        [applied(operation, link, f"{prefix}in{operation.id}") for operation, link in zip(stored, links, strict=True)]
    )
    store.forget_signals(seen)


def test_a_pass_over_200_records_sends_as_many_statements_as_one_over_2(store, statements):
    _pass(store, "a", 2)
    small = len(statements)
    statements.clear()
    _pass(store, "b", 200)
    assert len(statements) == small
    assert small < 60


def test_reading_a_thousand_links_by_either_side_is_a_handful_of_statements(store, statements):
    keys = [salesforce("invoice", f"a{n}") for n in range(500)] + [stripe("invoice", f"in{n}") for n in range(500)]
    store.load_links(keys)
    assert len([statement for statement in statements if "FROM link" in statement]) == 4


def test_the_indexes_that_hot_reads_rest_on_are_used(store):
    if store._database.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL plans small tables without indexes; SQLite shows that the conditions match")
    plans = {
        "SELECT * FROM link WHERE scope_id = 1 AND kind = 'a' AND mate_id IN ('b', 'c')": "link_one_per_mate",
        "SELECT * FROM link WHERE scope_id = 1 AND waiting_on_kind = 'a' AND waiting_on_id IN ('b')": "link_waiting_on",
        "SELECT * FROM signal WHERE scope_id = 1 AND kind = 'a' AND seq > 3 ORDER BY seq": "signal_drain_order",
        "SELECT * FROM operation WHERE scope_id = 1 AND state IN ('sent', 'unknown') AND kind = 'a'"
        " AND born_id IN ('b')": "operation_one_unresolved",
        "SELECT * FROM operation WHERE scope_id = 1 AND kind = 'a' AND born_id = 'b'": "operation_of_link",
    }
    with store._database.read(1) as tx:
        for statement, index in plans.items():
            plan = str(tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all())
            assert f"USING INDEX {index}" in plan
            assert "TEMP B-TREE" not in plan


def test_intents_for_new_links_cost_the_same_however_many_operations_are_remembered(store):
    """A link is inserted after its first operation; SQLite then looks for the operations that wait for it."""
    if store._database.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL checks the key once, at the end; SQLite counts its instructions")
    before = _instructions(store, "a")
    for batch in range(10):
        _pass(store, f"many{batch}", 200)
    assert _instructions(store, "b") < before * 3


def _instructions(store, prefix: str) -> int:
    """How many thousand steps of SQLite's machine the intents of 20 new links take."""
    links = [raised(link_of(salesforce("invoice", f"{prefix}{n}"))) for n in range(20)]
    return _steps(store, lambda: store.begin(links, [operation_on(link) for link in links]), each=1000)


def _steps(store, do: Callable[[], object], *, each: int = 1) -> int:
    """Of SQLite's machine, counted whenever so many are done."""
    steps: list[int] = []

    @event.listens_for(store._database.engine, "begin")
    def _count(connection):
        raw = connection.connection.driver_connection
        raw.set_progress_handler(lambda: steps.append(1), each)

    do()
    event.remove(store._database.engine, "begin", _count)
    return len(steps)


@pytest.mark.parametrize("ask", ["load_unresolved", "load_under_way", "load_busy_shards", "load_pulse"])
def test_what_is_in_doubt_is_found_in_as_many_steps_however_much_has_come_to_its_end(store, ask):
    """Every pass and every drain asks; operations that have ended are never forgotten."""
    if store._database.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL knows by its statistics how few are in doubt; SQLite counts its instructions")
    asked = {"load_pulse": lambda: store.load_pulse(["invoice"])}.get(ask, getattr(store, ask))
    in_doubt = raised(link_of(salesforce("invoice", "z")))
    store.begin([in_doubt], [operation_on(in_doubt)])
    mirror(store, link_of(salesforce("invoice", "a")), "in_a")
    few = _steps(store, asked)
    for number in range(3):
        links = [raised(link_of(salesforce("invoice", f"b{number}_{n}"))) for n in range(200)]
        stored = store.begin(links, [operation_on(link) for link in links])
        store.settle(
            [applied(operation, link, f"in_{operation.id}") for operation, link in zip(stored, links, strict=True)]
        )
    assert _steps(store, asked) == few


def test_more_rows_than_one_statement_holds_are_all_written(store, monkeypatch):
    monkeypatch.setattr(many_rows, "VALUES_MAX", 100)
    _pass(store, "a", 30)
    links = store.load_links([salesforce("invoice", f"a{n}") for n in range(30)])
    assert {link.mate_id is not None for link in links.values()} == {True}
    assert len(links) == 30
    assert store.load_unresolved() == []
    assert waiting(store, limit=100) != []  # the children that waited
