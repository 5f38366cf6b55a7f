"""The audit rows of one unit of work, for people and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from connector.runtime.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from connector.core.chain import AuditRow

#: what of a row helps to find it in the two systems
_SHOWN: Final = ("target_id", "result_id", "outcome", "code", "idempotency_key", "request_id", "reason")


def row_of(row: AuditRow) -> dict[str, Any]:
    """Messages of the two systems may quote what people wrote: personal data is taken out."""
    record = f"{row.born_side}:{row.kind}:{row.born_id}" if row.born_id else None
    detail = redact(orjson.loads(row.detail_json))
    return {"seq": row.seq, "at": row.at, "event": row.event, "record": record, "detail": detail}


def print_rows(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        console.print("nothing was written in this unit of work, or it is older than the trail")
    for row in rows:
        told = {name: row["detail"][name] for name in _SHOWN if row["detail"].get(name)}
        console.print(f"{row['seq']:>7}  {row['at']:%Y-%m-%d %H:%M:%S}  {row['event']}  {row['record'] or ''}".rstrip())
        for name, value in told.items():
            console.print(f"           {name:<16} {value}")
