"""The first tables. A released migration is never edited: a change is a further file."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_MOMENT = sa.String(32).with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "scope",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("org_id", sa.Text(), nullable=True),
        sa.Column("is_sandbox", sa.Boolean(), nullable=True),
        sa.Column("account_id", sa.Text(), nullable=True),
        sa.Column("livemode", sa.Boolean(), nullable=True),
        sa.Column("pinned_at", _MOMENT, nullable=True),
        sa.Column("signal_seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(org_id IS NULL) = (account_id IS NULL) AND (org_id IS NULL) = (is_sandbox IS NULL) AND (org_id IS NULL) = (livemode IS NULL)",
            name="scope_pinned_whole",
        ),
        sa.PrimaryKeyConstraint("id", name="scope_key"),
    )
    op.create_table(
        "audit",
        sa.Column("seq", _ID, nullable=False),
        sa.Column("scope_id", sa.Integer(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("born_side", sa.Text(), nullable=False),
        sa.Column("born_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("detail_json", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["scope_id"], ["scope.id"], name="audit_scope"),
        sa.PrimaryKeyConstraint("seq", name="audit_key"),
    )
    op.create_index("audit_of_record", "audit", ["scope_id", "kind", "born_id", "seq"], unique=False)
    op.create_table(
        "cursor",
        sa.Column("scope_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["scope_id"], ["scope.id"], name="cursor_scope"),
        sa.PrimaryKeyConstraint("scope_id", "side", "stream", name="cursor_key"),
    )
    op.create_table(
        "finding",
        sa.Column("scope_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("observed", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", _MOMENT, nullable=False),
        sa.Column("last_seen_at", _MOMENT, nullable=False),
        sa.Column("cleared_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["scope_id"], ["scope.id"], name="finding_scope"),
        sa.PrimaryKeyConstraint("scope_id", "code", "subject", name="finding_key"),
    )
    op.create_table(
        "link",
        sa.Column("scope_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("born_id", sa.Text(), nullable=False),
        sa.Column("born_side", sa.Text(), nullable=False),
        sa.Column("mate_id", sa.Text(), nullable=True),
        sa.Column("earlier_mates_json", sa.Text(), nullable=False),
        sa.Column("shadow_json", sa.Text(), nullable=False),
        sa.Column("versions_json", sa.Text(), nullable=False),
        sa.Column("progress_json", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        sa.Column("waiting_on_side", sa.Text(), nullable=True),
        sa.Column("waiting_on_kind", sa.Text(), nullable=True),
        sa.Column("waiting_on_id", sa.Text(), nullable=True),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.CheckConstraint("state IN ('open', 'waiting', 'parked', 'closed')", name="link_state_known"),
        sa.ForeignKeyConstraint(["scope_id"], ["scope.id"], name="link_scope"),
        sa.PrimaryKeyConstraint("scope_id", "kind", "born_id", name="link_key"),
    )
    op.create_index("link_in_state", "link", ["scope_id", "state", "kind", "born_id"], unique=False)
    op.create_index(
        "link_one_per_mate",
        "link",
        ["scope_id", "kind", "mate_id"],
        unique=True,
        sqlite_where=sa.text("mate_id IS NOT NULL"),
        postgresql_where=sa.text("mate_id IS NOT NULL"),
    )
    op.create_index(
        "link_waiting_on",
        "link",
        ["scope_id", "waiting_on_kind", "waiting_on_id"],
        unique=False,
        sqlite_where=sa.text("waiting_on_id IS NOT NULL"),
        postgresql_where=sa.text("waiting_on_id IS NOT NULL"),
    )
    op.create_table(
        "note",
        sa.Column("scope_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["scope_id"], ["scope.id"], name="note_scope"),
        sa.PrimaryKeyConstraint("scope_id", "name", name="note_key"),
    )
    op.create_table(
        "run",
        sa.Column("id", _ID, nullable=False),
        sa.Column("scope_id", sa.Integer(), nullable=False),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.Column("summary_json", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["scope_id"], ["scope.id"], name="run_scope"),
        sa.PrimaryKeyConstraint("id", name="run_key"),
    )
    op.create_table(
        "signal",
        sa.Column("scope_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("raised_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["scope_id"], ["scope.id"], name="signal_scope"),
        sa.PrimaryKeyConstraint("scope_id", "side", "kind", "record_id", name="signal_key"),
        sa.UniqueConstraint("scope_id", "seq", name="signal_scope_id_seq_unique"),
    )
    op.create_index("signal_drain_order", "signal", ["scope_id", "kind", "seq", "shard"], unique=False)
    op.create_table(
        "operation",
        sa.Column("id", _ID, nullable=False),
        sa.Column("scope_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("born_side", sa.Text(), nullable=False),
        sa.Column("born_id", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target_id", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_sent_at", _MOMENT, nullable=False),
        sa.Column("settled_at", _MOMENT, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("result_id", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('sent', 'unknown', 'settled', 'abandoned')", name="operation_state_known"),
        sa.ForeignKeyConstraint(
            ["scope_id", "kind", "born_id"],
            ["link.scope_id", "link.kind", "link.born_id"],
            name="operation_link",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(["scope_id"], ["scope.id"], name="operation_scope"),
        sa.PrimaryKeyConstraint("id", name="operation_key"),
        sa.UniqueConstraint("scope_id", "idempotency_key", name="operation_scope_id_idempotency_key_unique"),
    )
    op.create_index(
        "operation_one_unresolved",
        "operation",
        ["scope_id", "kind", "born_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('sent', 'unknown')"),
        postgresql_where=sa.text("state IN ('sent', 'unknown')"),
    )
    # The one scope of this release; `pin_identity` fills in the pair at first contact.
    op.execute("INSERT INTO scope (id, signal_seq) VALUES (1, 0)")
    _make_audit_append_only()


def _make_audit_append_only() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_refuses_{event.lower()} BEFORE {event} ON audit"
                " BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'audit is append-only' USING ERRCODE = 'restrict_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses()"
    )
