"""`setup salesforce`: look, plan, let Salesforce try the deployment, show it, and only then do it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.core.errors import PrerequisiteError, Problem, Refused
from connector.flows.setup_salesforce_plan import SetupPlan, plan_setup

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.core.metadata import DeployResult, Metadata, OrgState
    from connector.ports.setting_up import MetadataTarget


_DEPLOY_RIGHTS: Final = (
    "deploying needs Modify Metadata Through Metadata API Functions and Customize Application: sign in as an "
    "administrator for this one command (docs/setup.md, step 4)"
)
_ASSIGN_RIGHTS: Final = (
    "the fields are deployed, only this is missing: assign it in Setup, Users, the user, Permission Set Assignments, or "
    "sign in as somebody with Assign Permission Sets and run this command again"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupReport:
    #: the org before
    org: OrgState
    #: what was to be done
    plan: SetupPlan
    #: what is left to be done after it was done; None when nothing was
    after: SetupPlan | None = None
    #: the deployment; None when nothing had to be deployed
    deploy_id: str | None = None

    @property
    def blocked(self) -> bool:
        """Whether a person must act before the org is ready: something stood in the way, or did not come about."""
        return bool(self.plan.blocked if self.after is None else (*self.after.blocked, *self.after.changes))


def make_plan(target: MetadataTarget, metadata: Metadata) -> tuple[OrgState, SetupPlan]:
    """Writes nothing. Salesforce tries the deployment (checkOnly) where one is needed and the user may deploy.

    A trial is not sent for what is blocked already: its answer could not make it right. Raises PrerequisiteError
    where Salesforce does not even take it.
    """
    org = target.fetch_state()
    plan = plan_setup(metadata, org)
    if not plan.components or plan.blocked:
        return org, plan
    try:
        trial = target.deploy(plan.components, check_only=True)
    except Refused as error:
        raise _refused(error, f"user {org.signed_in.username}", _DEPLOY_RIGHTS) from None
    return org, plan_setup(metadata, org, trial)


def set_up(target: MetadataTarget, metadata: Metadata, *, show: Callable[[OrgState, SetupPlan], None]) -> SetupReport:
    """Shows the plan and carries it out, unless something stands in its way. Repeating it changes nothing.

    Raises PrerequisiteError for a deployment that fails although its trial did not, Unfinished for one that does not
    end, RemoteError for requests that are refused.
    """
    org, plan = make_plan(target, metadata)
    show(org, plan)
    if plan.blocked or not plan.changes:
        return SetupReport(org=org, plan=plan)
    deploy_id = None
    if plan.components:
        result = target.deploy(plan.components, check_only=False)
        if not result.succeeded:
            raise PrerequisiteError(_problems(result))
        deploy_id = result.id
    if plan.assigns:
        _assign(target, metadata)
    # Looked at again: what was hidden may be seen now, and what was done should show.
    after = plan_setup(metadata, target.fetch_state())
    return SetupReport(org=org, plan=plan, after=after, deploy_id=deploy_id)


def _assign(target: MetadataTarget, metadata: Metadata) -> None:
    org = target.fetch_state()
    if org.permission_set is None or org.assignee is None:
        problem = Problem(
            where=metadata.permission_set,
            observed="was deployed, and the org does not show it",
            remedy="give the signed-in user View Setup and Configuration, then run this command again",
        )
        raise PrerequisiteError([problem])
    try:
        target.assign(org.permission_set.id, org.assignee.id)
    except Refused as error:
        raise _refused(error, f"assignment to {org.assignee.username}", _ASSIGN_RIGHTS) from None


def _refused(error: Refused, where: str, remedy: str) -> PrerequisiteError:
    """A request Salesforce does not take at all, with what is usually missing."""
    reason = f"{error.code}: {error.message}" if error.code is not None else error.message
    return PrerequisiteError([Problem(where=where, observed=f"Salesforce refuses it: {reason}", remedy=remedy)])


def _problems(result: DeployResult) -> list[Problem]:
    remedy = f"correct it in Setup (Deployment Status, {result.id}, has the details), then run this command again"
    problems = [
        Problem(where=failure.name, observed=f"Salesforce refuses it: {failure.problem}", remedy=remedy)
        for failure in result.failures
    ]
    if result.message is not None:
        problems.append(Problem(where="the deployment", observed=result.message, remedy=remedy))
    return problems
