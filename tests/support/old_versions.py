"""Databases as earlier versions of the program left them, with something in every table.

Rows are written by the columns the version had, not by today's code: what a row of then looks like is what is tested.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import DateTime, TypeDecorator, inspect, text

from connector.core.chain import AuditRow, Seal
from connector.store import migrate, verify_tables
from connector.store.database import Database, open_database
from connector.store.tables import metadata
from tests.support.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest
    from sqlalchemy import Column

    from connector.store.database import Tx

assert verify_tables.metadata is metadata

AT = datetime(2026, 11, 2, 9, 0, 0, 123456, tzinfo=UTC)
LINKS = 60
AUDIT_ROWS = 40
#: the link whose write was under way when the old program ended
IN_FLIGHT = "a0I00000000001"
IDENTITY = {"org_id": "00D8d000008ZAAAEA4", "is_sandbox": True, "account_id": "acct_1", "livemode": False}


def make(url: str, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database of this version, filled."""
    with monkeypatch.context() as earlier, opened(url) as database:
        earlier.setattr(migrate, "HEAD", version)
        migrate.upgrade(database)
        with database.write(1) as tx:
            _fill(tx)


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """The database alone, neither made nor upgraded."""
    database = open_database(url, clock=ManualClock(), busy_timeout_s=30)
    try:
        yield database
    finally:
        database.close()


def content(url: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table by column, in an order that does not depend on the table's key."""
    with opened(url) as database, database.read(1) as tx:
        names = sorted(inspect(tx.connection).get_table_names())
        return {name: _rows(tx, name) for name in names}


def _rows(tx: Tx, name: str) -> list[dict[str, Any]]:
    rows = tx.connection.execute(text(f'SELECT * FROM "{name}"')).mappings()
    return sorted((dict(row) for row in rows), key=lambda row: repr(sorted(row.items())))


def _fill(tx: Tx) -> None:
    tx.connection.execute(
        text(
            "UPDATE scope SET org_id = :org_id, is_sandbox = :is_sandbox, account_id = :account_id, livemode = :livemode"
        ),
        IDENTITY,
    )
    tables = inspect(tx.connection).get_table_names()
    for table in metadata.sorted_tables:
        name = str(table.name)
        if name not in tables or name == "scope":
            continue
        rows = _CONTENT.get(name, [{}])
        columns = {column["name"]: column for column in inspect(tx.connection).get_columns(name)}
        if name == "audit" and "hash" in columns:
            rows = _chained(tx, rows)
        missing = {
            key: _invented(table.c[key])
            for key, column in columns.items()
            if key not in rows[0]
            and not column["nullable"]
            and column.get("default") is None
            # what the database counts it counts here, too
            and table.autoincrement_column is not table.c[key]
        }
        _insert(tx, name, [{key: value for key, value in {**missing, **row}.items() if key in columns} for row in rows])


def _invented(column: Column[Any]) -> Any:
    """For a table or a column that came after this was written: any value of its sort."""
    kind = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
    if isinstance(kind, DateTime):
        return AT
    return {bool: False, int: 1, bytes: b"x"}.get(kind.python_type, str(column.name))


def _chained(tx: Tx, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    chained, last = [], ""
    for row in rows:
        whole = AuditRow(**row, previous_hash=last)
        last = Seal().hash_of(whole)
        chained.append({**row, "previous_hash": whole.previous_hash, "hash": last})
    head = text("UPDATE scope SET audit_seq = :seq, audit_hash = :hash")
    tx.connection.execute(head, {"seq": rows[-1]["seq"], "hash": last})
    return chained


def _insert(tx: Tx, name: str, rows: list[dict[str, Any]]) -> None:
    """Moments are bound as the program binds them; the table of today only lends its types."""
    columns = list(rows[0])
    statement = text(
        f'INSERT INTO "{name}" ({", ".join(columns)}) VALUES ({", ".join(f":{column}" for column in columns)})'
    )
    kinds = metadata.tables[name].c
    processors = {column: kinds[column].type.dialect_impl(tx.connection.dialect) for column in columns}
    bound = [
        {
            column: value if (bind := processors[column].bind_processor(tx.connection.dialect)) is None else bind(value)
            for column, value in row.items()
        }
        for row in rows
    ]
    tx.connection.execute(statement, bound)


def _link(number: int) -> dict[str, Any]:
    state = ("open", "parked", "waiting", "closed")[number % 4]
    return {
        "scope_id": 1,
        "kind": "invoice",
        "born_id": f"a0I{number:011d}",
        "born_side": "salesforce",
        "mate_id": f"in_{number}" if state == "open" and f"a0I{number:011d}" != IN_FLIGHT else None,
        "earlier_mates_json": "[]",
        "shadow_json": '{"due":["2026-12-01",1796083200]}',
        "versions_json": '{"salesforce":"2026-11-02T09:00:00.000+0000"}',
        "progress_json": '{"currency":"usd","link_seen_at":1796083300,"status":"open"}',
        "revision": 1,
        "state": state,
        "reason": "Größe ✓" if state == "parked" else None,
        "reason_code": "invoice.too_many_lines" if state == "parked" else None,
        "waiting_on_side": "salesforce" if state == "waiting" else None,
        "waiting_on_kind": "customer" if state == "waiting" else None,
        "waiting_on_id": "001000000000001" if state == "waiting" else None,
        "shard": number % 4,
        "updated_at": AT,
    }


def _operation(number: int) -> dict[str, Any]:
    in_flight = f"a0I{number:011d}" == IN_FLIGHT
    return {
        "scope_id": 1,
        "kind": "invoice",
        "born_side": "salesforce",
        "born_id": f"a0I{number:011d}",
        "target": "stripe",
        "action": "create",
        "target_id": None,
        "body": '{"memo":"Größe"}'.encode(),
        "revision": 1,
        "idempotency_key": f"connector-{number}",
        "state": "sent" if in_flight else "settled",
        "attempts": 1,
        "first_sent_at": AT,
        "settled_at": None if in_flight else AT,
        "outcome": None if in_flight else "applied",
        "code": None,
        "message": None,
        "request_id": None if in_flight else "req_1",
        "result_id": None if in_flight else f"in_{number}",
    }


def _audit(number: int) -> dict[str, Any]:
    return {
        # rolled back transactions leave gaps where a sequence counts
        "seq": number * 3,
        "scope_id": 1,
        "at": AT,
        "kind": "invoice",
        "born_side": "salesforce",
        "born_id": f"a0I{number:011d}",
        "event": "invoice.create applied",
        "detail_json": '{"message":"Größe \\"x\\" \\\\ \\n \\u007f /","outcome":"applied"}',
    }


_CERTIFICATE = '{"period":null,"kinds":{},"unexplained":0,"differences":[],"stopped_kinds":{}}'

_CONTENT: dict[str, list[dict[str, Any]]] = {
    "cursor": [{"scope_id": 1, "side": "stripe", "stream": "events", "value": "evt_1", "updated_at": AT}],
    "signal": [
        {
            "scope_id": 1,
            "side": "salesforce",
            "kind": "invoice",
            "record_id": f"a0I{number:011d}",
            "seq": number + 1,
            "shard": 0,
            "cause": "poll",
            "version": None,
            "raised_at": AT,
        }
        for number in range(20)
    ],
    "link": [_link(number) for number in range(LINKS)],
    "operation": [_operation(number) for number in range(LINKS)],
    "finding": [
        {
            "scope_id": 1,
            "code": "invoice.balance_fell",
            "subject": "a0I00000000002",
            "severity": "error",
            "observed": "x",
            "wanted": "y",
            "why": "z",
            "remedy": "look",
            "count": 1,
            "first_seen_at": AT,
            "last_seen_at": AT,
            "cleared_at": None,
        }
    ],
    "audit": [_audit(number) for number in range(1, AUDIT_ROWS + 1)],
    "run": [
        {"scope_id": 1, "command": "sync", "started_at": AT, "finished_at": AT, "summary_json": '{"writes":3}'},
        {"scope_id": 1, "command": "sync", "started_at": AT, "finished_at": None, "summary_json": None},
    ],
    "note": [{"scope_id": 1, "name": "a", "value": "b", "updated_at": AT}],
    "brake": [
        {
            "scope_id": 1,
            "name": "mass_void",
            "subject": "invoice",
            "tripped_at": AT,
            "observed": "40 voids",
            "allowed": "10",
            "plan_json": "{}",
            "released_at": None,
            "released_by": None,
            "release_reason": None,
        }
    ],
    "certificate": [{"scope_id": 1, "as_of": AT, "started_at": AT, "is_complete": True, "detail_json": _CERTIFICATE}],
    "stripe_event": [
        {
            "scope_id": 1,
            "event_id": f"evt_{number}",
            "type": "invoice.paid",
            "created": 1_796_083_200,
            "livemode": False,
            "account": "",
            "api_version": "2026-10-28.endive",
            "body": b'{"id":"evt"}\x00\xff',
            "received_at": AT,
            "deliveries": number,
            "signalled": 1,
        }
        for number in range(1, 4)
    ],
    "lease": [{"scope_id": 1, "name": "service", "holder": "host pid 1", "epoch": 7, "taken_at": AT, "expires_at": AT}],
    "tick": [
        {
            "scope_id": 1,
            "job": "poll",
            "due_at": AT,
            "claimed_by": "host pid 1",
            "finished_at": None,
            "outcome": None,
            "reason": None,
        }
    ],
    "pause": [{"scope_id": 1, "subject": "quote", "reason": "x", "person": "Ann", "since": AT, "until": None}],
    "verification": [
        {
            "scope_id": 1,
            "org_id": IDENTITY["org_id"],
            "run_id": "run-1",
            "at": AT,
            "profile": "connector-only",
            "verdicts_json": "{}",
            "report_json": '{"summary":{"ready":true},"checks":[]}',
        }
    ],
    "attestation": [
        {
            "scope_id": 1,
            "org_id": IDENTITY["org_id"],
            "check_id": "SF-ORD-01",
            "event": "attested",
            "person": "Ann",
            "note": "seen",
            "at": AT,
            "expires": "2027-01-01",
            "packages_json": "{}",
        }
    ],
    "package_pin": [
        {
            "scope_id": 1,
            "org_id": IDENTITY["org_id"],
            "namespace": "blng",
            "package_id": "033",
            "version_id": None,
            "version": "1.2.3.4",
            "pinned_at": AT,
        }
    ],
    "pace": [{"scope_id": 1, "kind": "invoice", "began_at": AT, "waited_s": 4, "number": 17}],
    "tally": [{"scope_id": 1, "weight": "end", "record": "invoice a0I00000000001", "at": AT}],
}
