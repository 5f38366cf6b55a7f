"""What a service that runs for ever keeps: events as received, leases, claimed ticks, pauses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_MOMENT = sa.String(32).with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")


def _scope() -> sa.Column[int]:
    return sa.Column("scope_id", sa.Integer(), autoincrement=False, nullable=False)


def _keys(table: str, *names: str) -> tuple[sa.Constraint, ...]:
    return (
        sa.ForeignKeyConstraint(["scope_id"], ["scope.id"], name=f"{table}_scope"),
        sa.PrimaryKeyConstraint("scope_id", *names, name=f"{table}_key"),
    )


def upgrade() -> None:
    op.create_table(
        "stripe_event",
        _scope(),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("api_version", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("deliveries", sa.Integer(), nullable=False),
        sa.Column("signalled", sa.Integer(), nullable=False),
        *_keys("stripe_event", "event_id"),
    )
    op.create_index("stripe_event_newest", "stripe_event", ["scope_id", "received_at"])
    op.create_table(
        "lease",
        _scope(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        *_keys("lease", "name"),
    )
    op.create_table(
        "tick",
        _scope(),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("claimed_by", sa.Text(), nullable=False),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        *_keys("tick", "job", "due_at"),
    )
    op.create_table(
        "pause",
        _scope(),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("until", _MOMENT, nullable=True),
        *_keys("pause", "subject"),
    )
