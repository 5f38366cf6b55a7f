"""What the verifier remembers of an org: runs, what people attested, packages as they were first seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MOMENT = sa.String(32).with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "verification",
        sa.Column("id", _ID, nullable=False),
        sa.Column("scope_id", sa.Integer(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("verdicts_json", sa.Text(), nullable=False),
        sa.Column("report_json", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["scope_id"], ["scope.id"], name="verification_scope"),
        sa.PrimaryKeyConstraint("id", name="verification_key"),
    )
    op.create_index("verification_of_org", "verification", ["scope_id", "org_id", "profile", "id"])
    op.create_table(
        "attestation",
        sa.Column("seq", _ID, nullable=False),
        sa.Column("scope_id", sa.Integer(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("check_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("expires", sa.Text(), nullable=True),
        sa.Column("packages_json", sa.Text(), nullable=False),
        sa.CheckConstraint("event IN ('attested', 'withdrawn')", name="attestation_event_known"),
        sa.ForeignKeyConstraint(["scope_id"], ["scope.id"], name="attestation_scope"),
        sa.PrimaryKeyConstraint("seq", name="attestation_key"),
    )
    op.create_index("attestation_of_check", "attestation", ["scope_id", "org_id", "check_id", "seq"])
    op.create_table(
        "package_pin",
        sa.Column("scope_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("package_id", sa.Text(), nullable=False),
        sa.Column("version_id", sa.Text(), nullable=True),
        sa.Column("version", sa.Text(), nullable=True),
        sa.Column("pinned_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["scope_id"], ["scope.id"], name="package_pin_scope"),
        sa.PrimaryKeyConstraint("scope_id", "org_id", "namespace", "package_id", name="package_pin_key"),
    )
    _make_attestations_append_only()


def _make_attestations_append_only() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER attestation_refuses_{event.lower()} BEFORE {event} ON attestation"
                " BEGIN SELECT RAISE(ABORT, 'attestation is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION attestation_refuses() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'attestation is append-only' USING ERRCODE = 'restrict_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER attestation_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON attestation"
        " FOR EACH STATEMENT EXECUTE FUNCTION attestation_refuses()"
    )
