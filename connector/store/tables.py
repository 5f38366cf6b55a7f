"""The tables, as they are after the newest migration.

A test compares this with what the migrations build, on every backend. Every table carries the
scope as part of its keys, so that records of two orgs or accounts can never meet
(invariants.md I21). Text columns that end a name with `_json` hold JSON we wrote ourselves.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect
    from sqlalchemy.types import TypeEngine

#: the newest migration; an older database is upgraded on opening, a newer one is refused
HEAD = "0009"

#: an autoincrementing key: SQLite only gives one to a column declared INTEGER
AutoId = BigInteger().with_variant(Integer(), "sqlite")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment. SQLite has no such type: there it is ISO text of fixed width, which sorts."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(String(32))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        assert value.tzinfo is not None, "only aware moments are stored"
        moment = value.astimezone(UTC)
        return moment if dialect.name == "postgresql" else moment.isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if dialect.name == "postgresql" else datetime.fromisoformat(value)


metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_key",
        "uq": "%(table_name)s_%(column_0_N_name)s_unique",
        "fk": "%(table_name)s_%(referred_table_name)s",
        "ck": "%(table_name)s_%(constraint_name)s",
    }
)

#: the states in which a write may still be under way; the index below allows one per link
_UNRESOLVED = text("state IN ('sent', 'unknown')")
_HAS_MATE = text("mate_id IS NOT NULL")
_WAITS = text("waiting_on_id IS NOT NULL")
_IS_HELD_BACK = text("next_attempt_at IS NOT NULL")
_IS_TIMED = text("counts_from_epoch IS NOT NULL")
_IS_OPEN = text("released_at IS NULL")


def scope_id_column() -> Column[int]:
    return Column("scope_id", Integer, ForeignKey("scope.id"), primary_key=True, autoincrement=False)


scope = Table(
    "scope",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("org_id", Text),
    Column("is_sandbox", Boolean),
    Column("account_id", Text),
    Column("livemode", Boolean),
    Column("pinned_at", UtcDateTime),
    # The one counter behind signal.seq; its row is also what serialises writers on PostgreSQL.
    Column("signal_seq", BigInteger, nullable=False),
    # The newest row of the audit trail; 0 and empty before the first.
    Column("audit_seq", BigInteger, nullable=False, server_default="0"),
    Column("audit_hash", Text, nullable=False, server_default=""),
    CheckConstraint(
        "(org_id IS NULL) = (account_id IS NULL) AND (org_id IS NULL) = (is_sandbox IS NULL)"
        " AND (org_id IS NULL) = (livemode IS NULL)",
        name="pinned_whole",
    ),
)

cursor = Table(
    "cursor",
    metadata,
    scope_id_column(),
    Column("side", Text, primary_key=True),
    Column("stream", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

signal = Table(
    "signal",
    metadata,
    scope_id_column(),
    Column("side", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("record_id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("shard", Integer, nullable=False),
    Column("cause", Text, nullable=False),
    Column("version", Text),
    Column("raised_at", UtcDateTime, nullable=False),
    UniqueConstraint("scope_id", "seq"),
    # The order of a drain: one kind after the other, oldest first; the shard is read from the index.
    Index("signal_drain_order", "scope_id", "kind", "seq", "shard"),
)

link = Table(
    "link",
    metadata,
    scope_id_column(),
    Column("kind", Text, primary_key=True),
    Column("born_id", Text, primary_key=True),
    Column("born_side", Text, nullable=False),
    Column("mate_id", Text),
    Column("earlier_mates_json", Text, nullable=False),
    Column("shadow_json", Text, nullable=False),
    Column("versions_json", Text, nullable=False),
    Column("progress_json", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("reason_code", Text),
    Column("waiting_on_side", Text),
    Column("waiting_on_kind", Text),
    Column("waiting_on_id", Text),
    # What would release a parked link, and since when it is parked.
    Column("condition_json", Text),
    Column("parked_at", UtcDateTime),
    # Failures in a row, and when the next attempt may be made.
    Column("backoff_attempts", Integer),
    Column("backoff_since", UtcDateTime),
    Column("backoff_code", Text),
    Column("next_attempt_at", UtcDateTime),
    Column("shard", Integer, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    # Worked out of the rest of the row, for the index alone; see core/due.py.
    Column("counts_from_epoch", BigInteger),
    CheckConstraint("state IN ('open', 'waiting', 'parked', 'closed')", name="state_known"),
    Index(
        "link_one_per_mate",
        "scope_id",
        "kind",
        "mate_id",
        unique=True,
        sqlite_where=_HAS_MATE,
        postgresql_where=_HAS_MATE,
    ),
    Index(
        "link_waiting_on",
        "scope_id",
        "waiting_on_kind",
        "waiting_on_id",
        sqlite_where=_WAITS,
        postgresql_where=_WAITS,
    ),
    Index("link_in_state", "scope_id", "state", "kind", "born_id"),
    Index(
        "link_held_back",
        "scope_id",
        "next_attempt_at",
        sqlite_where=_IS_HELD_BACK,
        postgresql_where=_IS_HELD_BACK,
    ),
    # In the order in which they are due; whoever is not yet is not read.
    Index(
        "link_timed",
        "scope_id",
        "kind",
        "counts_from_epoch",
        "born_id",
        sqlite_where=_IS_TIMED,
        postgresql_where=_IS_TIMED,
    ),
)

operation = Table(
    "operation",
    metadata,
    Column("id", AutoId, primary_key=True),
    Column("scope_id", Integer, ForeignKey("scope.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("born_side", Text, nullable=False),
    Column("born_id", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target_id", Text),
    Column("body", LargeBinary, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("first_sent_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime),
    Column("outcome", Text),
    Column("code", Text),
    Column("message", Text),
    Column("request_id", Text),
    # The id the system gave: what a create made.
    Column("result_id", Text),
    # The unit of work that began it; the log names it too.
    Column("trace_id", Text),
    # The lease its worker had when it began this: while that one lasts it may still be under way.
    Column("lease_name", Text),
    Column("lease_epoch", BigInteger),
    UniqueConstraint("scope_id", "idempotency_key"),
    CheckConstraint("state IN ('sent', 'unknown', 'settled', 'abandoned')", name="state_known"),
    # Deferred: tx1 inserts the operation first and then only the links whose operation got in.
    ForeignKeyConstraint(
        ["scope_id", "kind", "born_id"],
        ["link.scope_id", "link.kind", "link.born_id"],
        deferrable=True,
        initially="DEFERRED",
    ),
    # SQLite looks for a new link's operations by it, because of the deferred key above.
    Index("operation_of_link", "scope_id", "kind", "born_id"),
    # Correctness rests on this index, never on a shard or a lock (architecture.md 2).
    Index(
        "operation_one_unresolved",
        "scope_id",
        "kind",
        "born_id",
        unique=True,
        sqlite_where=_UNRESOLVED,
        postgresql_where=_UNRESOLVED,
    ),
    # For who asks for all of them: SQLite takes an index of every operation before the one above.
    Index(
        "operation_unresolved",
        "scope_id",
        "state",
        sqlite_where=_UNRESOLVED,
        postgresql_where=_UNRESOLVED,
    ),
)

finding = Table(
    "finding",
    metadata,
    scope_id_column(),
    Column("code", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("severity", Text, nullable=False),
    Column("observed", Text, nullable=False),
    Column("wanted", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("first_seen_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("cleared_at", UtcDateTime),
)

#: append-only: triggers in the migration refuse UPDATE and DELETE (invariants.md I32)
audit = Table(
    "audit",
    metadata,
    scope_id_column(),
    # Counted in the scope's row, without gaps: the number is part of what is hashed.
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    # The record it is about; empty for a decision about none.
    Column("kind", Text, nullable=False),
    Column("born_side", Text, nullable=False),
    Column("born_id", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("detail_json", Text, nullable=False),
    # The chain (core/chain.py): the hash of the row before it, and its own over content and that one.
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("audit_of_record", "scope_id", "kind", "born_id", "seq"),
)

run = Table(
    "run",
    metadata,
    Column("id", AutoId, primary_key=True),
    Column("scope_id", Integer, ForeignKey("scope.id"), nullable=False),
    Column("command", Text, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("summary_json", Text),
    # The unit of work it is; the log, the audit trail and its intents name it too.
    Column("trace_id", Text),
)

note = Table(
    "note",
    metadata,
    scope_id_column(),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

#: what stopped a pass before its first write, until a person releases it; released ones are kept
brake = Table(
    "brake",
    metadata,
    Column("id", AutoId, primary_key=True),
    Column("scope_id", Integer, ForeignKey("scope.id"), nullable=False),
    Column("name", Text, nullable=False),
    # What it is about: a kind, a link, empty for the whole pass.
    Column("subject", Text, nullable=False),
    Column("tripped_at", UtcDateTime, nullable=False),
    Column("observed", Text, nullable=False),
    Column("allowed", Text, nullable=False),
    # What would have been written, as `core.plan.Plan.as_dict`.
    Column("plan_json", Text, nullable=False),
    Column("released_at", UtcDateTime),
    Column("released_by", Text),
    Column("release_reason", Text),
    Index(
        "brake_one_open",
        "scope_id",
        "name",
        "subject",
        unique=True,
        sqlite_where=_IS_OPEN,
        postgresql_where=_IS_OPEN,
    ),
)

#: what was written within the last hour, each record once per weight: the limits count for all workers together
tally = Table(
    "tally",
    metadata,
    scope_id_column(),
    # A `core.brake.Weight`, or `covered` for what a release of a brake lets through.
    Column("weight", Text, primary_key=True),
    Column("record", Text, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)

#: by what records at Stripe that nobody claims are recognised (core/twins.py), a row for each trait
stranger = Table(
    "stranger",
    metadata,
    scope_id_column(),
    Column("kind", Text, primary_key=True),
    Column("stripe_id", Text, primary_key=True),
    Column("trait", Text, primary_key=True),
    Index("stranger_by_trait", "scope_id", "kind", "trait"),
)

#: what a sweep found: up to when both systems were read through, and whether they agreed
certificate = Table(
    "certificate",
    metadata,
    Column("id", AutoId, primary_key=True),
    Column("scope_id", Integer, ForeignKey("scope.id"), nullable=False),
    Column("as_of", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("is_complete", Boolean, nullable=False),
    # Counts and digests per kind and period, and the ids that differ.
    Column("detail_json", Text, nullable=False),
    Index("certificate_newest", "scope_id", "id"),
)
