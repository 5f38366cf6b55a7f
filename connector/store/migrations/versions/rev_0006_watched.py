"""What joins a log line to the rows it is about, and how long signals waited until they were worked off."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_MOMENT = sa.String(32).with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    for table in ("run", "operation", "stripe_event"):
        op.add_column(table, sa.Column("trace_id", sa.Text(), nullable=True))
    op.create_table(
        "pace",
        sa.Column("scope_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("began_at", _MOMENT, nullable=False),
        sa.Column("waited_s", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["scope_id"], ["scope.id"], name="pace_scope"),
        sa.PrimaryKeyConstraint("scope_id", "kind", "began_at", "waited_s", name="pace_key"),
    )
