"""Carries out an approved plan, and nothing else.

Plans again first: a key whose plan differs from the approved one is refused, because what was
approved is not what would happen; so is one that would make a parent nobody approved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.errors import Problem, UsageError
from connector.core.model import Key
from connector.flows.guard import approve_mapping
from connector.flows.plan import make_plan
from connector.flows.report import PassReport
from connector.flows.sync import run_pass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from connector.core.plan import Plan, PlanEntry
    from connector.flows.workspace import Workspace


def apply_plan(workspace: Workspace, plan: Plan, *, by: str) -> tuple[PassReport, list[tuple[str, str]]]:
    """(what was done, refused keys with the reason). The person who applies a plan approves its mapping, too.
    Raises UsageError for a plan of another pair or mapping, Braked while another brake is open.
    """
    _require_same(workspace, plan)
    approve_mapping(workspace, by=by, reason=f"applied the plan of {plan.created_at[:19]}")
    keys = [_born(workspace, entry.kind, entry.id) for entry in plan.entries if entry.kind in workspace.kinds()]
    fresh = {entry.key: entry for entry in make_plan(workspace, only=keys).entries}
    refused: list[tuple[str, str]] = []
    approved: dict[str, PlanEntry] = {}
    for entry in plan.entries:
        now = fresh.get(entry.key)
        if entry.kind not in workspace.kinds():
            refused.append((entry.key, f"{entry.kind} must not run: {workspace.stopped_kinds.get(entry.kind)}"))
        elif now is None:
            refused.append((entry.key, "nothing is left to do for it, or it waits or is parked now"))
        elif now.digest != entry.digest:
            refused.append((entry.key, f"the plan differs now: {now.action} with other content"))
        else:
            approved[entry.key] = entry
    refused += _orphans(approved, {key for key, now in fresh.items() if now.action == "create"})
    refused_keys = {key for key, _ in refused}
    only = [_born(workspace, entry.kind, entry.id) for key, entry in approved.items() if key not in refused_keys]
    report = run_pass(workspace, only=only, approved=sorted(approved)) if only else PassReport()
    return report, refused


def _orphans(approved: Mapping[str, PlanEntry], made: AbstractSet[str]) -> list[tuple[str, str]]:
    """A pass makes the parents its records need: a record that would make one nobody approved is refused, too.

    `made` are the keys of what would be created now.
    """
    left = dict(approved)
    orphans: list[tuple[str, str]] = []
    while True:
        for entry in left.values():
            parents = [parent for parent in sorted(made - left.keys()) if _needs(entry, parent)]
            if parents:
                orphans.append((entry.key, f"it needs {parents[0]}, which is not approved as it would be made now"))
                del left[entry.key]
                break
        else:
            return orphans


def _needs(entry: PlanEntry, parent: str) -> bool:
    """Fields name parents by symbolic ids, `{customer 001...}`; the lines of a document name the products they sell."""
    if any(f"{{{parent}}}" in str(change.new) for change in entry.changes):
        return True
    return any(line.product is not None and parent == f"product {line.product}" for line in entry.lines)


def _born(workspace: Workspace, kind: str, record_id: str) -> Key:
    return Key(side=workspace.pack.kinds[kind].born, kind=kind, id=record_id)


def _require_same(workspace: Workspace, plan: Plan) -> None:
    pairs = [
        ("Salesforce org", plan.org_id, workspace.identity.org_id),
        ("Stripe account", plan.account_id, workspace.identity.account_id),
        ("mapping pack", plan.pack_digest, workspace.pack.digest),
    ]
    problems = [
        Problem(where="plan file", observed=f"it is for {what} {planned}, this is {here}", remedy="plan again here")
        for what, planned, here in pairs
        if planned != here
    ]
    if problems:
        raise UsageError(problems)
