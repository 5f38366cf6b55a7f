"""Brakes for people and machines: what tripped, what it would have written, how it is released."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from connector.core.brake import BrakeName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from connector.core.brake import TrippedBrake
    from connector.core.currencies import CurrencyTable

#: entries of each sort that are shown of what would have been written
_SHOWN_ENTRIES: Final = 5


def brake_answer(brake: TrippedBrake) -> dict[str, Any]:
    """Documented in docs/json.md."""
    plan = {name: part for name, part in brake.plan.items() if name not in ("covers", "facts", "counts")}
    return {
        "name": brake.name,
        "subject": brake.subject,
        "tripped_at": brake.tripped_at,
        "observed": brake.observed,
        "allowed": brake.allowed,
        "would_write": dict(brake.plan.get("counts") or {}),
        "plan": plan or None,
        "released_at": brake.released_at,
        "released_by": brake.released_by,
        "release_reason": brake.release_reason,
    }


def print_brakes(
    console: Console,
    brakes: Sequence[TrippedBrake],
    *,
    currencies: CurrencyTable | None = None,
    entries_max: int = _SHOWN_ENTRIES,
) -> None:
    """Nothing when none is open."""
    for brake in brakes:
        console.print(
            f"Stopped by a brake: {label(brake)}   since {brake.tripped_at:%Y-%m-%d %H:%M} UTC", style="bold red"
        )
        console.print(f"  seen     {brake.observed}")
        console.print(f"  allowed  {brake.allowed}")
        console.print(f"  fix      {remedy(brake)}")
        _print_plan(console, brake, currencies, entries_max)


def label(brake: TrippedBrake) -> str:
    """As `connector resume` takes it."""
    return f"{brake.name} {brake.subject}" if brake.subject else brake.name


def remedy(brake: TrippedBrake) -> str:
    if brake.name == BrakeName.STORE_RESTORED:
        return "connector recover --plan, then connector recover: it links everything again by its marks"
    if brake.name == BrakeName.MAPPING_CHANGED:
        return f'connector resume "{label(brake)}" --reason "..." once the plan is right; or put the mapping back'
    return f'correct what is wrong, or let what is shown through: connector resume "{label(brake)}" --reason "..."'


def _print_plan(console: Console, brake: TrippedBrake, currencies: CurrencyTable | None, entries_max: int) -> None:
    if not brake.plan:
        return
    from connector.cli.plan_file import masked
    from connector.cli.plan_view import print_plan
    from connector.core.currencies import CURRENCIES
    from connector.core.plan import Plan

    counts = brake.plan.get("counts") or {}
    words = ", ".join(f"{work} ({number})" for work, number in counts.items()) or "nothing"
    console.print(f"  it would have written: {words}")
    plan = masked(Plan.from_dict(brake.plan))
    print_plan(console, plan, currencies=currencies or CURRENCIES, stopped={}, entries_max=entries_max)
