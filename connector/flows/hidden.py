"""Fields that are hidden from us while we work: their kind stops, with a finding, and the others go on.

What is hidden looks empty, and emptiness would be copied. So a read that meets a hidden field ends, the
systems are described anew, and every kind that cannot be read as a whole is stopped, with those that
need it. Their signals stay; a later pass describes again, and lets the kind run once all is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.model import Finding, Severity
from connector.flows.connect import stopped_by

if TYPE_CHECKING:
    from connector.core.errors import Hidden
    from connector.flows.workspace import Workspace

#: what stopped a kind in the middle of a pass, until a pass that sees it shown again
CODE: Final = "salesforce.field_hidden"


def stop_hidden(workspace: Workspace, error: Hidden) -> None:
    """Stops the kinds that cannot be read any more, and says so. Raises the error when it tells of none."""
    before = set(workspace.stopped_kinds)
    blockers = _blockers(workspace)
    if error.kind is not None and error.kind not in {finding.subject for finding in blockers}:
        blockers.append(_finding(error.kind, error.message))
    workspace.stopped_kinds.update(stopped_by(blockers, workspace.pack))
    new = workspace.stopped_kinds.keys() - before
    if not new:
        raise error
    told = [_finding(finding.subject, finding.observed) for finding in blockers if finding.subject in new]
    workspace.store.report(told)


def let_run_again(workspace: Workspace) -> None:
    """Looks whether what was hidden in an earlier pass is shown now. Costs nothing unless something was."""
    told = [finding for finding in workspace.store.load_findings() if finding.code == CODE]
    if not told:
        return
    stopped = stopped_by(_blockers(workspace), workspace.pack)
    workspace.stopped_kinds.clear()
    workspace.stopped_kinds.update(stopped)
    cleared = [(finding.code, finding.subject) for finding in told if finding.subject not in stopped]
    workspace.store.report([], cleared=cleared)


def _blockers(workspace: Workspace) -> list[Finding]:
    workspace.salesforce.identify()
    findings = (*workspace.salesforce.check(), *workspace.stripe.check())
    return [finding for finding in findings if finding.severity is Severity.BLOCKER]


def _finding(kind: str, observed: str) -> Finding:
    return Finding(
        code=CODE,
        subject=kind,
        severity=Severity.BLOCKER,
        observed=observed,
        wanted="every mapped field is readable, from the first read of a pass to the last",
        why="a hidden field looks empty, and emptiness would be copied; this kind and those that need it are stopped",
        remedy="assign the permission set of deploy/salesforce to the connector's user; the next pass looks again",
    )
