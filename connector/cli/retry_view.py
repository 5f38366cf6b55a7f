"""The retry policies that hold, for people and for machines."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from connector.core.model import FailureClass, Side

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from connector.config.retry_policies import RetrySettings
    from connector.core.retry import RetryPolicy


def retry_answer(retry: RetrySettings, *, files: Iterable[object]) -> dict[str, Any]:
    """Part of `config show --json`: what holds for each direction and class of errors, and for the kinds that
    rules name.
    """
    kinds = (None, *sorted({rule.kind for rule in retry.policies.rules if rule.kind is not None}))
    rows = [
        {"to": side.value, "error": error.value, "kind": kind}
        | _numbers(retry.policies.policy(error, to=side, kind=kind))
        for side in Side
        for error in FailureClass
        for kind in kinds
        # Salesforce alone counts the day's calls
        if side is Side.SALESFORCE or error is not FailureClass.QUOTA
    ]
    return {"files": [str(file) for file in files], "policies": rows, "quota": asdict(retry.shares)}


def _numbers(policy: RetryPolicy) -> dict[str, Any]:
    now = {field.name: getattr(policy, field.name) for field in fields(policy) if field.name != "later"}
    return {"now": now, "later": asdict(policy.later)}


def print_retry(console: Console, answer: dict[str, Any]) -> None:
    from rich.table import Table

    files = ", ".join(answer["files"])
    console.print(f"\nRetries ({files}); a refusal is never tried again", style="bold")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("to", "error", "kind", "inside one call", "in later passes, until it is parked"):
        table.add_column(title)
    for row in answer["policies"]:
        now, later = row["now"], row["later"]
        table.add_row(
            row["to"],
            row["error"],
            row["kind"] or "all",
            f"{now['attempts']} attempts, {now['base_s']:g} to {now['cap_s']:g} s, budget {now['budget']:.0%}",
            f"{later['attempts']} attempts, {later['base_s']:g} to {later['cap_s']:g} s, {later['give_up_h']:g} h",
        )
    console.print(table)
    quota = answer["quota"]
    console.print(
        f"Salesforce's daily calls: the catalogue waits once {quota['catalogue']:.0%} are used, everything at "
        f"{quota['money']:.0%}"
    )
