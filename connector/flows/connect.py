"""First contact: who answers on both sides, may they be joined, and what must not run.

Refuses before any write: a test account with a production org (or the reverse), a pair other than
the one this store belongs to, a version the account does not speak.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from connector.core.errors import PrerequisiteError, Problem
from connector.core.model import Finding, Identity, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.mapping import Pack
    from connector.ports import SideIdentity, Store, System


class StripeSide(Protocol):
    def bind(self, org_id: str) -> None:
        """Names the Salesforce org whose marks are ours."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Two systems that may be joined."""

    identity: Identity
    salesforce: SideIdentity
    stripe: SideIdentity
    findings: tuple[Finding, ...]
    #: kind -> why it must not run
    stopped_kinds: Mapping[str, str]


def connect(*, pack: Pack, salesforce: System, stripe: System, store: Store) -> Contact:
    """Raises PrerequisiteError for systems that must not be joined; Unauthorised and RemoteError as they come."""
    with ThreadPoolExecutor(max_workers=2, thread_name_prefix="connect") as pool:
        org_future, account_future = pool.submit(salesforce.identify), pool.submit(stripe.identify)
        org, account = org_future.result(), account_future.result()
    if org.is_live != account.is_live:
        raise PrerequisiteError([_mode_problem(org, account)])
    identity = Identity(org_id=org.id, is_sandbox=not org.is_live, account_id=account.id, livemode=account.is_live)
    pinned = store.pin_identity(identity)
    if pinned != identity:
        raise PrerequisiteError([_pin_problem(pinned, identity)])
    findings = (*salesforce.check(), *stripe.check())
    _refuse_blocked_system(findings, pack)
    return Contact(
        identity=identity,
        salesforce=org,
        stripe=account,
        findings=findings,
        stopped_kinds=_stopped(findings, pack),
    )


def _mode_problem(org: SideIdentity, account: SideIdentity) -> Problem:
    kind = "production" if org.is_live else "sandbox"
    mode = "live" if account.is_live else "test"
    return Problem(
        where="salesforce and stripe",
        observed=f"org {org.name} ({org.id}) is a {kind} org, the Stripe key is a {mode} key",
        remedy="use a live key with a production org and a test key with a sandbox org",
    )


def _pin_problem(pinned: Identity, identity: Identity) -> Problem:
    return Problem(
        where="database",
        observed=f"it belongs to org {pinned.org_id} and account {pinned.account_id}, "
        f"these are org {identity.org_id} and account {identity.account_id}",
        remedy="give each pair its own CONNECTOR_HOME or CONNECTOR_DATABASE__URL; "
        "after a sandbox refresh start with an empty one",
    )


def _refuse_blocked_system(findings: Sequence[Finding], pack: Pack) -> None:
    """A blocker that names no kind concerns the whole system."""
    whole = [
        finding for finding in findings if finding.severity is Severity.BLOCKER and finding.subject not in pack.kinds
    ]
    if whole:
        raise PrerequisiteError(
            [Problem(where=finding.subject, observed=finding.observed, remedy=finding.remedy) for finding in whole]
        )


def _stopped(findings: Sequence[Finding], pack: Pack) -> dict[str, str]:
    """Kinds with a blocker, and those that need one of them: a child is not written without its parent."""
    stopped = {finding.subject: finding.observed for finding in findings if finding.severity is Severity.BLOCKER}
    for kind, mapping in pack.kinds.items():
        needed = [parent for parent in mapping.needs if parent in stopped]
        if needed and kind not in stopped:
            stopped[kind] = f"needs {needed[0]}, which must not run"
    return stopped
