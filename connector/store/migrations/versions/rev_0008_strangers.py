"""By what records at Stripe that nobody claims are recognised, so that none is made a second time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stranger",
        sa.Column("scope_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("stripe_id", sa.Text(), nullable=False),
        sa.Column("trait", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["scope_id"], ["scope.id"], name="stranger_scope"),
        sa.PrimaryKeyConstraint("scope_id", "kind", "stripe_id", "trait", name="stranger_key"),
    )
    op.create_index("stranger_by_trait", "stranger", ["scope_id", "kind", "trait"])
