"""What is due by time alone is found without looking at what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import event, text, update

from connector.core.due import counts_from_epoch
from connector.core.model import LinkState
from connector.store import open_store
from connector.store.rows import link_from_row
from connector.store.tables import link as link_table
from connector.store.tables import scope
from tests.support import old_versions as old
from tests.support.clock import ManualClock
from tests.support.memory import link_of, remember, salesforce, stripe

NOW = 1_796_083_200


def quote(number: int, expires_at: int, *, status: str = "open", **fields):
    born = salesforce("quote", f"a0Q{number:012d}AAA")
    progress = {"status": status, "expires_at": expires_at}
    return link_of(born, **{"mate_id": f"qt_{number}", "progress": progress, **fields})


def invoice(number: int, link_seen_at: int):
    born = salesforce("invoice", f"a0I{number:012d}AAA")
    return link_of(born, mate_id=f"in_{number}", progress={"status": "open", "link_seen_at": link_seen_at})


def due(store, kind: str = "quote") -> list[str]:
    found = store.load_due(kind=kind, newest_epoch=NOW)
    assert all(key == stripe(kind, key.id) for key in found)
    return [key.id for key in found]


def test_the_longest_due_comes_first_and_what_is_not_due_yet_does_not_come(store):
    remember(store, quote(1, NOW), quote(2, NOW + 1), quote(3, NOW - 86_400), quote(4, NOW - 86_400))
    assert due(store) == ["qt_3", "qt_4", "qt_1"]


def test_each_kind_has_its_own_moment(store):
    remember(store, quote(1, NOW), invoice(1, NOW), invoice(2, NOW + 1))
    assert due(store, "quote") == ["qt_1"]
    assert due(store, "invoice") == ["in_1"]
    assert due(store, "customer") == []


@pytest.mark.parametrize(
    "link",
    [
        quote(1, NOW, status="canceled"),
        quote(1, NOW, progress={"status": "open"}),
        quote(1, NOW, progress={}),
        quote(1, NOW, mate_id=None),
        *(quote(1, NOW, state=state) for state in LinkState if state is not LinkState.OPEN),
    ],
)
def test_what_is_not_open_is_never_due(store, link):
    remember(store, link)
    assert due(store) == []


def test_it_is_due_no_longer_once_it_was_settled_otherwise(store):
    first = quote(1, NOW)
    remember(store, first)
    assert due(store) == ["qt_1"]
    for changed in (
        replace(first, progress={"status": "open", "expires_at": NOW + 1}),
        replace(first, progress={"status": "accepted", "expires_at": NOW}),
        replace(first, state=LinkState.CLOSED),
    ):
        remember(store, changed)
        assert due(store) == []
        remember(store, first)
        assert due(store) == ["qt_1"]


def test_what_is_due_in_another_scope_stays_there(store):
    remember(store, quote(1, NOW))
    with store._database.write(1) as tx:
        tx.connection.execute(scope.insert().values(id=2, signal_seq=0))
        tx.connection.execute(update(link_table).values(scope_id=2))
    assert due(store) == []


def test_finding_what_is_due_takes_as_many_steps_however_much_is_not(store):
    if store._database.engine.dialect.name != "sqlite":
        pytest.skip("SQLite counts its instructions, and PostgreSQL's index is the same")
    parked = [quote(1000 + n, NOW - 1, state=LinkState.PARKED) for n in range(300)]
    remember(store, quote(1, NOW), quote(2, NOW + 1), quote(3, NOW, status="canceled"), parked[0])
    few = _steps(store)
    remember(store, *(quote(n, NOW + n) for n in range(4, 300)), *(invoice(n, NOW - n) for n in range(300)), *parked)
    assert _steps(store) == few


def _steps(store) -> int:
    """Instructions of SQLite's machine."""
    steps: list[int] = []

    @event.listens_for(store._database.engine, "begin")
    def _count(connection):
        connection.connection.driver_connection.set_progress_handler(lambda: steps.append(1), 1)

    assert due(store) == ["qt_1"]
    event.remove(store._database.engine, "begin", _count)
    return len(steps)


def test_postgresql_reads_the_index_alone_in_its_order(store):
    if store._database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite counts its instructions")
    remember(store, *(quote(n, NOW + n) for n in range(1000)))
    asked: list[tuple[str, object]] = []

    @event.listens_for(store._database.engine, "before_cursor_execute")
    def _asked(_connection, _cursor, statement, parameters, _context, _many):
        asked.append((statement, parameters))

    assert due(store) == ["qt_0"]
    [(statement, parameters)] = [each for each in asked if "counts_from_epoch" in each[0]]
    with store._database.write(1) as tx:
        tx.connection.exec_driver_sql("ANALYZE link")
        plan = "\n".join(tx.connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars())
    assert "link_timed" in plan
    assert "Sort" not in plan


@pytest.mark.parametrize("version", ["0001", "0008"])
def test_an_upgrade_works_the_moment_out_for_the_links_that_are_there(empty_url, version, monkeypatch):
    old.make(empty_url, version, monkeypatch)
    with old.opened(empty_url) as database, database.write(1) as tx:
        _add_links_of_then(tx)
    store = open_store(empty_url, clock=ManualClock())
    assert due(store, "quote") == ["mate_0"]
    assert due(store, "invoice") == ["mate_1", "mate_2"]
    # not due yet: it is found when its time has come
    assert [key.id for key in store.load_due(kind="quote", newest_epoch=NOW + 5)] == ["mate_0", "mate_3"]
    with store._database.read(1) as tx:
        rows = tx.connection.execute(link_table.select()).all()
    assert len(rows) == old.LINKS + len(_OF_THEN)
    assert [row.counts_from_epoch for row in rows] == [counts_from_epoch(link_from_row(row)) for row in rows]
    assert len(store.load_due(kind="invoice", newest_epoch=NOW + 9)) == 2 + 1100
    store.close()


_IS_DUE = f'{{"expires_at":{NOW},"status":"open"}}'
#: kind, state, whether it has a mate, what it remembers
_OF_THEN = [
    ("quote", "open", True, _IS_DUE),
    ("invoice", "open", True, f'{{"link_seen_at":{NOW - 1},"rest":{{"$decimal":"1.50"}},"status":"open"}}'),
    ("invoice", "open", True, f'{{"link_seen_at":{NOW},"memo":"Größe \\u0000 \\" ✓","status":"open"}}'),
    ("quote", "open", True, f'{{"expires_at":{NOW + 5},"status":"open"}}'),
    ("quote", "open", True, f'{{"expires_at":{NOW},"status":"canceled"}}'),
    ("quote", "open", True, '{"status":"open"}'),
    ("quote", "open", True, '{"expires_at":null,"status":"open"}'),
    ("quote", "open", True, "{}"),
    ("invoice", "open", True, _IS_DUE),
    ("customer", "open", True, _IS_DUE),
    ("quote", "open", False, _IS_DUE),
    ("quote", "parked", True, _IS_DUE),
    ("quote", "waiting", True, _IS_DUE),
    ("quote", "closed", True, _IS_DUE),
    # more than are read at once
    *[("invoice", "open", True, f'{{"link_seen_at":{NOW + 9},"status":"open"}}')] * 1100,
]


def _add_links_of_then(tx) -> None:
    """By the columns the first version had; the rest is another row's."""
    copied = "scope_id, born_side, earlier_mates_json, shadow_json, versions_json, revision, shard, updated_at"
    add = text(
        f"INSERT INTO link (kind, born_id, mate_id, state, progress_json, {copied})"
        f" SELECT :kind, :born_id, :mate_id, :state, :progress_json, {copied} FROM link WHERE born_id = :other"
    )
    rows = [
        {
            "kind": kind,
            "born_id": f"then_{number}",
            "mate_id": f"mate_{number}" if has_mate else None,
            "state": state,
            "progress_json": progress,
            "other": old.IN_FLIGHT,
        }
        for number, (kind, state, has_mate, progress) in enumerate(_OF_THEN)
    ]
    tx.connection.execute(add, rows)
