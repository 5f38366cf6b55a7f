"""What every pass asks for is found by an index: the links that time alone changes, and the writes that are in doubt.

Of the links, the moment time counts from is kept beside them.
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_READ = sa.text(
    "SELECT born_id, progress_json FROM link WHERE scope_id = :scope_id AND kind = :kind AND born_id > :after"
    " AND state = 'open' AND born_side = 'salesforce' AND mate_id IS NOT NULL ORDER BY born_id LIMIT 1000"
)
# PostgreSQL takes the rows of a page as arrays, else each would be a statement of its own.
_WRITE = {
    "sqlite": "UPDATE link SET counts_from_epoch = :moment"
    " WHERE scope_id = :scope_id AND kind = :kind AND born_id = :born_id",
    "postgresql": "UPDATE link SET counts_from_epoch = found.moment"
    " FROM unnest(CAST(:born_ids AS text[]), CAST(:moments AS bigint[])) AS found(born_id, moment)"
    " WHERE link.scope_id = :scope_id AND link.kind = :kind AND link.born_id = found.born_id",
}


def upgrade() -> None:
    op.add_column("link", sa.Column("counts_from_epoch", sa.BigInteger(), nullable=True))
    for scope_id in op.get_bind().execute(sa.text("SELECT id FROM scope ORDER BY id")).scalars().all():
        _work_out(scope_id, "quote", "expires_at")
        _work_out(scope_id, "invoice", "link_seen_at")
    is_timed = sa.text("counts_from_epoch IS NOT NULL")
    op.create_index(
        "link_timed",
        "link",
        ["scope_id", "kind", "counts_from_epoch", "born_id"],
        sqlite_where=is_timed,
        postgresql_where=is_timed,
    )
    in_doubt = sa.text("state IN ('sent', 'unknown')")
    op.create_index(
        "operation_unresolved",
        "operation",
        ["scope_id", "state"],
        sqlite_where=in_doubt,
        postgresql_where=in_doubt,
    )


def _work_out(scope_id: int, kind: str, name: str) -> None:
    """For the links that exist, as in core/due.py at the time of this migration.

    Read here and not by the database: PostgreSQL reads no JSON with a zero byte in it, SQLite may read none at all.
    """
    connection = op.get_bind()
    same = {"scope_id": scope_id, "kind": kind}
    after = ""
    while rows := connection.execute(_READ, {**same, "after": after}).all():
        after = rows[-1].born_id
        progress = {row.born_id: json.loads(row.progress_json) for row in rows}
        found = {
            born_id: int(each[name])
            for born_id, each in progress.items()
            if each.get("status") == "open" and each.get(name) is not None
        }
        if found:
            _write(same, found)


def _write(same: dict[str, object], found: dict[str, int]) -> None:
    connection = op.get_bind()
    statement = sa.text(_WRITE[connection.dialect.name])
    if connection.dialect.name == "postgresql":
        connection.execute(statement, {**same, "born_ids": list(found), "moments": list(found.values())})
        return
    connection.execute(statement, [{**same, "born_id": born_id, "moment": moment} for born_id, moment in found.items()])
