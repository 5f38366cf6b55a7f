"""What many workers on one database need to know of each other: who wrote what is under way, and the hour's totals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_MOMENT = sa.String(32).with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")


def upgrade() -> None:
    op.add_column("operation", sa.Column("lease_name", sa.Text(), nullable=True))
    op.add_column("operation", sa.Column("lease_epoch", sa.BigInteger(), nullable=True))
    op.create_table(
        "tally",
        sa.Column("scope_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("weight", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["scope_id"], ["scope.id"], name="tally_scope"),
        sa.PrimaryKeyConstraint("scope_id", "weight", "record", name="tally_key"),
    )
