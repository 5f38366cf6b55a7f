"""Carries out an approved plan, and nothing else.

Plans again first: a key whose plan differs from the approved one is refused, because what was
approved is not what would happen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.errors import Problem, UsageError
from connector.core.model import Key
from connector.flows.plan import make_plan
from connector.flows.report import PassReport
from connector.flows.sync import run_pass

if TYPE_CHECKING:
    from connector.core.plan import Plan
    from connector.flows.workspace import Workspace


def apply_plan(workspace: Workspace, plan: Plan) -> tuple[PassReport, list[tuple[str, str]]]:
    """(what was done, refused keys with the reason). Raises UsageError for a plan of another pair or mapping."""
    _require_same(workspace, plan)
    keys = [_born(workspace, entry.kind, entry.id) for entry in plan.entries if entry.kind in workspace.kinds()]
    fresh = {entry.key: entry for entry in make_plan(workspace, only=keys).entries}
    refused: list[tuple[str, str]] = []
    approved: list[Key] = []
    for entry in plan.entries:
        now = fresh.get(entry.key)
        if entry.kind not in workspace.kinds():
            refused.append((entry.key, f"{entry.kind} must not run: {workspace.stopped_kinds.get(entry.kind)}"))
        elif now is None:
            refused.append((entry.key, "nothing is left to do for it, or it waits or is parked now"))
        elif now.digest != entry.digest:
            refused.append((entry.key, f"the plan differs now: {now.action} with other content"))
        else:
            approved.append(_born(workspace, entry.kind, entry.id))
    approved = _without_refused_parents(workspace, plan, approved, refused)
    report = run_pass(workspace, only=approved) if approved else PassReport()
    return report, refused


def _without_refused_parents(
    workspace: Workspace, plan: Plan, approved: list[Key], refused: list[tuple[str, str]]
) -> list[Key]:
    """A pass makes the parents its records need: a record whose parent was refused is refused with it.

    Entries name parents that were not made yet by a symbolic id, `{product 01t...}`.
    """
    left = dict.fromkeys(approved)
    while True:
        names = {key: f"{{{key}}}" for key, _ in refused}
        for entry in plan.entries:
            key = _born(workspace, entry.kind, entry.id) if entry.kind in workspace.kinds() else None
            content = str([change.new for change in entry.changes])
            parents = [parent for parent, name in names.items() if name in content]
            if key in left and parents:
                del left[key]
                refused.append((entry.key, f"it needs {parents[0]}, which was refused"))
                break
        else:
            return list(left)


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
