"""What it takes to survive: durable retries, conditions of parked links, brakes, certificates, and an audit chain."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_MOMENT = sa.String(32).with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _extend_links()
    _make_brakes()
    _make_certificates()
    _chain_audit()


def _extend_links() -> None:
    for name, kind in (
        ("condition_json", sa.Text()),
        ("parked_at", _MOMENT),
        ("backoff_attempts", sa.Integer()),
        ("backoff_since", _MOMENT),
        ("backoff_code", sa.Text()),
        ("next_attempt_at", _MOMENT),
    ):
        op.add_column("link", sa.Column(name, kind, nullable=True))
    held_back = sa.text("next_attempt_at IS NOT NULL")
    op.create_index(
        "link_held_back",
        "link",
        ["scope_id", "next_attempt_at"],
        sqlite_where=held_back,
        postgresql_where=held_back,
    )


def _make_brakes() -> None:
    op.create_table(
        "brake",
        sa.Column("id", _ID, nullable=False),
        sa.Column("scope_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("tripped_at", _MOMENT, nullable=False),
        sa.Column("observed", sa.Text(), nullable=False),
        sa.Column("allowed", sa.Text(), nullable=False),
        sa.Column("plan_json", sa.Text(), nullable=False),
        sa.Column("released_at", _MOMENT, nullable=True),
        sa.Column("released_by", sa.Text(), nullable=True),
        sa.Column("release_reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["scope_id"], ["scope.id"], name="brake_scope"),
        sa.PrimaryKeyConstraint("id", name="brake_key"),
    )
    is_open = sa.text("released_at IS NULL")
    op.create_index(
        "brake_one_open",
        "brake",
        ["scope_id", "name", "subject"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )


def _make_certificates() -> None:
    op.create_table(
        "certificate",
        sa.Column("id", _ID, nullable=False),
        sa.Column("scope_id", sa.Integer(), nullable=False),
        sa.Column("as_of", _MOMENT, nullable=False),
        sa.Column("started_at", _MOMENT, nullable=False),
        sa.Column("is_complete", sa.Boolean(), nullable=False),
        sa.Column("detail_json", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["scope_id"], ["scope.id"], name="certificate_scope"),
        sa.PrimaryKeyConstraint("id", name="certificate_key"),
    )
    op.create_index("certificate_newest", "certificate", ["scope_id", "id"])


def _chain_audit() -> None:
    """The trail is counted per scope, and each row holds the hash of the one before it.

    The rows that exist keep their numbers and are chained as they are found: whether they are what was
    written once, nobody can say any more. As in core/chain.py at the time of this migration.
    """
    op.add_column("scope", sa.Column("audit_seq", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("scope", sa.Column("audit_hash", sa.Text(), nullable=False, server_default=""))
    # The key changes and rows may not: the table is made anew beside a copy of its rows.
    op.execute("CREATE TABLE audit_unchained AS SELECT * FROM audit")
    op.drop_table("audit")
    op.create_table(
        "audit",
        sa.Column("scope_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("born_side", sa.Text(), nullable=False),
        sa.Column("born_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("detail_json", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["scope_id"], ["scope.id"], name="audit_scope"),
        sa.PrimaryKeyConstraint("scope_id", "seq", name="audit_key"),
    )
    op.create_index("audit_of_record", "audit", ["scope_id", "kind", "born_id", "seq"])
    for scope_id in op.get_bind().execute(sa.text("SELECT id FROM scope ORDER BY id")).scalars().all():
        _chain_scope(scope_id)
    op.drop_table("audit_unchained")
    _make_audit_append_only()


def _chain_scope(scope_id: int) -> None:
    connection = op.get_bind()
    read = sa.text("SELECT * FROM audit_unchained WHERE scope_id = :scope_id AND seq > :after ORDER BY seq LIMIT 1000")
    names = ("scope_id", "seq", "at", "kind", "born_side", "born_id", "event", "detail_json", "previous_hash", "hash")
    write = sa.text(f"INSERT INTO audit ({', '.join(names)}) VALUES ({', '.join(':' + name for name in names)})")
    seq, last_hash = 0, ""
    while rows := connection.execute(read, {"scope_id": scope_id, "after": seq}).mappings().all():
        chained = []
        for row in rows:
            at = row["at"] if isinstance(row["at"], str) else row["at"].astimezone(UTC).isoformat(timespec="microseconds")
            told = [row[name] for name in ("kind", "born_side", "born_id", "event", "detail_json")]
            line = json.dumps([last_hash, scope_id, row["seq"], at, *told], ensure_ascii=False, separators=(",", ":"))
            own_hash = "sha256:" + hashlib.sha256(line.encode()).hexdigest()
            chained.append({**row, "previous_hash": last_hash, "hash": own_hash})
            seq, last_hash = row["seq"], own_hash
        connection.execute(write, chained)
    head = sa.text("UPDATE scope SET audit_seq = :seq, audit_hash = :hash WHERE id = :scope_id")
    connection.execute(head, {"seq": seq, "hash": last_hash, "scope_id": scope_id})


def _make_audit_append_only() -> None:
    """As in the first migration, whose function PostgreSQL still has."""
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_refuses_{event.lower()} BEFORE {event} ON audit"
                " BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
            )
        return
    op.execute(
        "CREATE TRIGGER audit_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses()"
    )
