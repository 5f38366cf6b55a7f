"""First contact: who answers on both sides, may they be joined, and what must not run.

Refuses before any write: a test account with a production org (or the reverse), a pair other than
the one this store belongs to, a version the account does not speak.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import orjson

from connector.core.chain import AuditEntry
from connector.core.errors import PrerequisiteError, Problem
from connector.core.model import Finding, Identity, Severity
from connector.workers import THREADS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.mapping import Pack
    from connector.ports import SideIdentity, Store, System, Workers


#: what the last check found, as `[[code, subject, observed]]`
NOTE: Final = "connect.findings"


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


def connect(*, pack: Pack, salesforce: System, stripe: System, store: Store, workers: Workers = THREADS) -> Contact:
    """Raises PrerequisiteError for systems that must not be joined; Unauthorised and RemoteError as they come."""
    with workers.pool(size=2, name="connect") as pool:
        org_future, account_future = pool.submit(salesforce.identify), pool.submit(stripe.identify)
        org, account = org_future.result(), account_future.result()
    if org.is_live != account.is_live:
        raise _refused(store, _mode_problem(org, account))
    identity = Identity(org_id=org.id, is_sandbox=not org.is_live, account_id=account.id, livemode=account.is_live)
    pinned = store.pin_identity(identity)
    if pinned != identity:
        raise _refused(store, *pin_problems(pinned, identity))
    findings = (*salesforce.check(), *stripe.check())
    _refuse_blocked_system(findings, pack)
    return Contact(
        identity=identity,
        salesforce=org,
        stripe=account,
        findings=findings,
        stopped_kinds=stopped_by(findings, pack),
    )


def remember(store: Store, findings: Sequence[Finding]) -> None:
    """Keeps what the check of the systems found, for whoever looks later without asking them; what is over is cleared.
    Writes nothing when all is as it was.
    """
    text = orjson.dumps([[each.code, each.subject, each.observed] for each in findings]).decode()
    before = store.load_note(NOTE)
    if before == text:
        return
    found = {(each.code, each.subject) for each in findings}
    told = {(code, subject) for code, subject, _ in orjson.loads(before or "[]")}
    store.report(findings, cleared=sorted(told - found))
    store.save_note(NOTE, text)


def _refused(store: Store, *problems: Problem) -> PrerequisiteError:
    """Told in the trail of the database that was to be used."""
    observed = "; ".join(problem.observed for problem in problems)
    store.audit.append([AuditEntry(event="identity refused", cause="first contact", detail={"observed": observed})])
    return PrerequisiteError(problems)


def _mode_problem(org: SideIdentity, account: SideIdentity) -> Problem:
    kind = "production" if org.is_live else "sandbox"
    mode = "live" if account.is_live else "test"
    return Problem(
        where="salesforce and stripe",
        observed=f"org {org.name} ({org.id}) is a {kind} org, the Stripe key is a {mode} key",
        remedy="use a live key with a production org and a test key with a sandbox org",
    )


def pin_problems(pinned: Identity, identity: Identity) -> list[Problem]:
    """What differs from the pair this store was pinned to at first contact, each with what to do about it."""
    own = "give each pair of systems its own CONNECTOR_HOME or CONNECTOR_DATABASE__URL"
    problems = []
    if pinned.org_id != identity.org_id:
        problems.append(
            Problem(
                where="database",
                observed=f"it belongs to Salesforce org {pinned.org_id}, this is org {identity.org_id}",
                remedy=f"{own}; a sandbox that was refreshed is another org with the same record ids: "
                "start with an empty one",
            )
        )
    elif pinned.is_sandbox != identity.is_sandbox:
        problems.append(
            Problem(
                where="database",
                observed=f"org {pinned.org_id} was a {_org_kind(pinned)} org and says now that it is a "
                f"{_org_kind(identity)} org",
                remedy="check CONNECTOR_SALESFORCE__LOGIN_URL and who answers there: an org does not change its sort; "
                + own,
            )
        )
    if pinned.account_id != identity.account_id:
        problems.append(
            Problem(
                where="database",
                observed=f"it belongs to Stripe account {pinned.account_id}, the key is of account "
                f"{identity.account_id}",
                remedy=f"put the key of {pinned.account_id} back (CONNECTOR_STRIPE__API_KEY), or {own}",
            )
        )
    elif pinned.livemode != identity.livemode:
        problems.append(
            Problem(
                where="database",
                observed=f"it was made in the {_mode(pinned)} mode of {pinned.account_id}, the key is a "
                f"{_mode(identity)} key",
                remedy=f"use a {_mode(pinned)} key (CONNECTOR_STRIPE__API_KEY), or {own}",
            )
        )
    return problems


def _org_kind(identity: Identity) -> str:
    return "sandbox" if identity.is_sandbox else "production"


def _mode(identity: Identity) -> str:
    return "live" if identity.livemode else "test"


def _refuse_blocked_system(findings: Sequence[Finding], pack: Pack) -> None:
    """A blocker that names no kind concerns the whole system."""
    whole = [
        finding for finding in findings if finding.severity is Severity.BLOCKER and finding.subject not in pack.kinds
    ]
    if whole:
        raise PrerequisiteError(
            [Problem(where=finding.subject, observed=finding.observed, remedy=finding.remedy) for finding in whole]
        )


def stopped_by(findings: Sequence[Finding], pack: Pack) -> dict[str, str]:
    """Kinds with a blocker, and those that need one of them: a child is not written without its parent."""
    stopped = {finding.subject: finding.observed for finding in findings if finding.severity is Severity.BLOCKER}
    for kind, mapping in pack.kinds.items():
        needed = [parent for parent in mapping.needs if parent in stopped]
        if needed and kind not in stopped:
            stopped[kind] = f"needs {needed[0]}, which must not run"
    return stopped
