"""What `setup salesforce` would change in an org, and what stands in its way. Pure.

One rule above all: a field that exists is never altered. It may be somebody else's under our name, and a
definition changed under data in use is a person's decision; so a field that will not do is named with what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from connector.core.metadata import Components

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from connector.core.metadata import ComponentResult, DeployResult, FieldDefinition, Grants, Metadata, OrgState


class State(StrEnum):
    #: as wanted
    PRESENT = "present"
    #: exists, and the signed-in user may not see it: cannot be compared
    HIDDEN = "hidden"
    CREATE = "create"
    CHANGE = "change"
    #: a person must act first
    BLOCKED = "blocked"


class What(StrEnum):
    FIELD = "field"
    PERMISSION_SET = "permission set"
    ASSIGNMENT = "assignment"
    RIGHTS = "rights"
    DEPLOYMENT = "deployment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    what: What
    #: `Object.Field`, the permission set's name, or who gets it
    name: str
    state: State
    detail: str = ""
    #: what a person must do; only where the state is BLOCKED
    remedy: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "what": self.what.value,
            "name": self.name,
            "state": self.state.value,
            "detail": self.detail,
            "remedy": self.remedy or None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupPlan:
    steps: tuple[Step, ...]
    #: whether Salesforce itself has tried the deployment
    validated: bool = False

    @property
    def changes(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.state in {State.CREATE, State.CHANGE})

    @property
    def blocked(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.state is State.BLOCKED)

    @property
    def components(self) -> Components:
        """What has to be deployed."""
        return Components(
            fields=tuple(step.name for step in self.changes if step.what is What.FIELD),
            permission_set=any(step.what is What.PERMISSION_SET for step in self.changes),
        )

    @property
    def assigns(self) -> bool:
        return any(step.what is What.ASSIGNMENT for step in self.changes)


def plan_setup(metadata: Metadata, org: OrgState, trial: DeployResult | None = None) -> SetupPlan:
    """`trial` is what Salesforce said when the deployment of the plan without it was tried."""
    steps = [_field_step(field, metadata, org, trial) for field in metadata.fields]
    steps.append(_permission_set_step(metadata, org, trial))
    steps.append(_assignment_step(metadata, org))
    plan = SetupPlan(steps=tuple(steps), validated=trial is not None)
    # nothing to deploy needs no right to deploy
    extra = [*_rights_step(org, plan.components), *_whole_deployment(trial, {step.name for step in steps})]
    return SetupPlan(steps=(*steps, *extra), validated=plan.validated)


# -- fields -----------------------------------------------------------------------------------------------------


def _field_step(field: FieldDefinition, metadata: Metadata, org: OrgState, trial: DeployResult | None) -> Step:
    name = field.full_name
    if field.object not in org.objects:
        return _without_object(field, metadata)
    seen = org.fields.get(name)
    if seen is not None:
        return _compared(field, seen)
    hidden = Step(
        what=What.FIELD,
        name=name,
        state=State.HIDDEN,
        detail=f"exists; {org.signed_in.username} may not see it, so it was not compared",
    )
    if name in org.given_fields:
        return hidden
    tried = trial.components.get(name) if trial is not None else None
    if tried is not None and tried.problem is not None:
        return _refused(What.FIELD, tried)
    if tried is not None and not tried.created:
        return hidden
    return Step(what=What.FIELD, name=name, state=State.CREATE, detail=_words(field))


def _without_object(field: FieldDefinition, metadata: Metadata) -> Step:
    package = metadata.packages.get(field.object)
    needs = f"; it comes with {package}" if package is not None else ""
    return Step(
        what=What.FIELD,
        name=field.full_name,
        state=State.BLOCKED,
        detail=f"cannot be deployed: the org has no object {field.object}{needs}",
        remedy=f"install {package}, then run this command again"
        if package is not None
        else "give the signed-in user access to this object, then run this command again",
    )


def _compared(field: FieldDefinition, seen: FieldDefinition) -> Step:
    found = list(_differences(field, seen))
    if not found:
        return Step(what=What.FIELD, name=field.full_name, state=State.PRESENT, detail=_words(seen))
    where = f"Setup, Object Manager, {field.object}, Fields & Relationships, {seen.label}"
    if seen.type != field.type:
        remedy = (
            f"a field of type {seen.type} cannot become {field.type} without losing its values: delete it, or free its "
            f"name ({where}), then run this command again"
        )
    else:
        remedy = (
            f"if the field is this connector's, correct it by hand ({where}): {'; '.join(wish for _, wish in found)}; "
            "if it is somebody else's, free its name"
        )
    return Step(
        what=What.FIELD,
        name=field.full_name,
        state=State.BLOCKED,
        detail=f"exists and is different: {', '.join(fault for fault, _ in found)}; a field that exists is never altered",
        remedy=remedy,
    )


def _differences(field: FieldDefinition, seen: FieldDefinition) -> Iterator[tuple[str, str]]:
    """(what is different, what to do about it). A longer field than ours will do."""
    if seen.type != field.type:
        yield f"type {seen.type} instead of {field.type}", f"make it {field.type}"
        return
    for name in ("length", "precision", "scale"):
        wanted, found = getattr(field, name), getattr(seen, name) or 0
        if wanted is not None and found < wanted:
            yield f"{name} {found} instead of {wanted}", f"set {name} {wanted}"
    if seen.unique != field.unique:
        yield _flag("unique", seen.unique)
    if field.unique and seen.case_sensitive != field.case_sensitive:
        yield _flag("case-sensitive", seen.case_sensitive)
    if field.external_id and not seen.external_id:
        yield _flag("an external id", seen=False)


def _flag(name: str, seen: bool) -> tuple[str, str]:
    return (f"{'' if seen else 'not '}{name}", f"{'untick' if seen else 'tick'} {name}")


def _words(field: FieldDefinition) -> str:
    """`Text(255), unique, case-sensitive, external id`."""
    size = f"({field.length})" if field.type == "Text" and field.length else ""
    if field.type == "Currency" and field.precision is not None:
        size = f"({field.precision - (field.scale or 0)}, {field.scale or 0})"
    flags = [
        ("unique", field.unique),
        ("case-sensitive", field.unique and field.case_sensitive),
        ("external id", field.external_id),
    ]
    return ", ".join([f"{field.type}{size}", *(name for name, on in flags if on)])


# -- permission set ---------------------------------------------------------------------------------------------


def _permission_set_step(metadata: Metadata, org: OrgState, trial: DeployResult | None) -> Step:
    name = metadata.permission_set
    tried = trial.components.get(name) if trial is not None else None
    if tried is not None and tried.problem is not None:
        return _refused(What.PERMISSION_SET, tried)
    missing = sorted(thing for thing in metadata.grants.objects if thing not in org.objects)
    if missing:
        packages = dict.fromkeys(metadata.packages.get(thing, thing) for thing in missing)
        return Step(
            what=What.PERMISSION_SET,
            name=name,
            state=State.BLOCKED,
            detail=f"cannot be deployed: it gives access to {', '.join(missing)}, which the org has not",
            remedy=f"install {' and '.join(packages)}, then run this command again",
        )
    wanted, seen = metadata.grants, org.permission_set
    if seen is None:
        detail = f"gives access to {len(wanted.objects)} objects and {len(wanted.fields)} fields"
        return Step(what=What.PERMISSION_SET, name=name, state=State.CREATE, detail=detail)
    if seen.grants is None:
        detail = "exists; what it gives may not be read (permission View Setup and Configuration), so it is set again"
        return Step(what=What.PERMISSION_SET, name=name, state=State.CHANGE, detail=detail)
    lacks = list(_missing_grants(wanted, seen.grants))
    if not lacks:
        return Step(what=What.PERMISSION_SET, name=name, state=State.PRESENT, detail="gives all that is needed")
    return Step(
        what=What.PERMISSION_SET,
        name=name,
        state=State.CHANGE,
        detail=f"will also give {_some(lacks)}{_taken_away(wanted, seen.grants)}",
    )


def _missing_grants(wanted: Grants, seen: Grants) -> Iterator[str]:
    for name, rights in wanted.objects.items():
        lacking = rights - seen.objects.get(name, frozenset())
        if lacking:
            yield f"{name} ({', '.join(sorted(lacking))})"
    for name, editable in wanted.fields.items():
        if name not in seen.fields:
            yield f"{name} ({'edit' if editable else 'read'})"
        elif editable and not seen.fields[name]:
            yield f"{name} (edit)"


def _taken_away(wanted: Grants, seen: Grants) -> str:
    """A deployed permission set replaces the one that was there (Metadata API Developer Guide, meta_permissionset)."""
    extra = list(_missing_grants(seen, wanted))
    return f"; it is replaced as a whole, which takes away {_some(extra)}" if extra else ""


_SHOWN_MAX: Final = 5


def _some(names: list[str]) -> str:
    rest = len(names) - _SHOWN_MAX
    return ", ".join(names[:_SHOWN_MAX]) + (f" and {rest} more" if rest > 0 else "")


# -- assignment, rights, the whole ------------------------------------------------------------------------------


def _assignment_step(metadata: Metadata, org: OrgState) -> Step:
    who, name = org.assignee, org.assignee_name
    if who is None:
        return Step(
            what=What.ASSIGNMENT,
            name=name,
            state=State.BLOCKED,
            detail="the org has no such user, or the signed-in user may not see it",
            remedy="give the integration user's username with --user, as Setup, Users shows it",
        )
    if not who.is_active:
        return Step(
            what=What.ASSIGNMENT,
            name=name,
            state=State.BLOCKED,
            detail="this user is not active",
            remedy="activate the user in Setup, Users, or name another one with --user",
        )
    if org.is_assigned:
        return Step(what=What.ASSIGNMENT, name=name, state=State.PRESENT, detail=f"has {metadata.permission_set}")
    return Step(what=What.ASSIGNMENT, name=name, state=State.CREATE, detail=f"gets {metadata.permission_set}")


def _rights_step(org: OrgState, needed: Components) -> Iterator[Step]:
    if org.lacking and needed:
        yield Step(
            what=What.RIGHTS,
            name=org.signed_in.username,
            state=State.BLOCKED,
            detail=f"may not deploy: lacks {' and '.join(org.lacking)}",
            remedy="sign in as an administrator for this one command (docs/setup.md, step 4), or give the permissions for "
            "as long as it takes",
        )


def _whole_deployment(trial: DeployResult | None, known: Collection[str]) -> Iterator[Step]:
    """What is wrong with the deployment and with none of its known components, such as its package.xml."""
    if trial is None:
        return
    yield from (_refused(What.DEPLOYMENT, failure) for failure in trial.failures if failure.name not in known)
    if trial.message is not None:
        yield Step(
            what=What.DEPLOYMENT,
            name=trial.id,
            state=State.BLOCKED,
            detail=f"Salesforce refuses it: {trial.message}",
            remedy="correct what the message names (Setup, Deployment Status has the details), then run this command again",
        )


def _refused(what: What, tried: ComponentResult) -> Step:
    return Step(
        what=what,
        name=tried.name,
        state=State.BLOCKED,
        detail=f"Salesforce refuses it: {tried.problem}",
        remedy="correct what the message names in Setup, then run this command again",
    )
