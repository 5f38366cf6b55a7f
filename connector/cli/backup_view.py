"""What a backup holds, for people and machines."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from connector.core.backup import Manifest
    from connector.core.chain_check import ChainReport


def contents(manifest: Manifest, trail: ChainReport) -> dict[str, Any]:
    """Documented in docs/json.md."""
    return {
        "made_at": manifest.made_at.isoformat(),
        "schema": manifest.schema,
        "program": manifest.program,
        "database": manifest.database,
        "identity": None if manifest.identity is None else asdict(manifest.identity),
        "rows": manifest.rows,
        "tables": {name: digest.rows for name, digest in manifest.tables.items()},
        "anchor": str(manifest.trail) if manifest.trail.seq else None,
        "trail_faults": trail.fault_count,
    }


def print_contents(console: Console, answer: dict[str, Any]) -> None:
    pair = answer["identity"]
    whose = f"org {pair['org_id']}, account {pair['account_id']}" if pair else "no pair of systems yet"
    console.print(
        f"  made     {answer['made_at'][:19].replace('T', ' ')} UTC by connector {answer['program']}, {whose}"
    )
    console.print(f"  holds    {answer['rows']} rows, schema {answer['schema']}, from {answer['database']}")
    if answer["anchor"]:
        console.print(f"  anchor   {answer['anchor']}")
    if answer["trail_faults"]:
        console.print(
            f"✗ its audit trail was tampered with: {answer['trail_faults']} faults; `connector audit verify` names them",
            style="bold red",
        )
