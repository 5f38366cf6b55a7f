"""An index by which the database finds a link's operations.

A new link is inserted after its first operation, so SQLite looks for operations that wait for it:
without an index it reads all of them, for every link, and a first pass gets slower with every row.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("operation_of_link", "operation", ["scope_id", "kind", "born_id"])
