"""What is deployed into an org, what an org has of it already, and what became of a deployment. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDefinition:
    """A custom field: what decides whether one that exists will do."""

    object: str
    name: str
    label: str
    #: in the words of the Metadata API: Text, Url, Currency
    type: str
    #: characters; None where the type has no length of its own
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    unique: bool = False
    case_sensitive: bool = False
    external_id: bool = False

    @property
    def full_name(self) -> str:
        return f"{self.object}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What a permission set gives."""

    #: object -> its rights: read, create, edit, delete, view all, modify all
    objects: Mapping[str, frozenset[str]]
    #: `Object.Field` -> whether it may be written, too
    fields: Mapping[str, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """All that belongs into the org."""

    fields: tuple[FieldDefinition, ...]
    permission_set: str
    permission_set_label: str
    grants: Grants
    #: object -> the package it comes with, for people; standard objects are absent
    packages: Mapping[str, str]

    @property
    def objects(self) -> tuple[str, ...]:
        """Every object a field is put on or a right is given to."""
        return tuple(dict.fromkeys([*(field.object for field in self.fields), *self.grants.objects]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A user of the org."""

    id: str
    username: str
    is_active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionSetSeen:
    id: str
    #: None where the signed-in user may not read what permission sets give
    grants: Grants | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgState:
    org_id: str
    org_name: str
    is_sandbox: bool
    #: who is signed in
    signed_in: Person
    #: who gets the permission set; None when the org has no such user
    assignee: Person | None
    #: the username that was asked for
    assignee_name: str
    #: permissions for deploying that the signed-in user has not, as Setup names them
    lacking: tuple[str, ...]
    #: objects that exist, whether or not the signed-in user sees them
    objects: frozenset[str]
    #: our fields as the signed-in user sees them, by full name; a hidden one is absent
    fields: Mapping[str, FieldDefinition]
    #: full names of fields that exist for certain, because a permission set or profile gives them
    given_fields: frozenset[str]
    permission_set: PermissionSetSeen | None
    is_assigned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """A part of the metadata."""

    #: full names
    fields: tuple[str, ...] = ()
    permission_set: bool = False

    def __bool__(self) -> bool:
        return bool(self.fields) or self.permission_set


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentResult:
    #: `Object.Field`, or the permission set's name
    name: str
    #: it did not exist before
    created: bool
    #: why Salesforce refused it, in its words; None when it did not
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployResult:
    """How a deployment, or the trial of one, ended."""

    id: str
    components: Mapping[str, ComponentResult]
    #: why the whole failed, where no component says so
    message: str | None = None

    @property
    def failures(self) -> tuple[ComponentResult, ...]:
        return tuple(result for result in self.components.values() if result.problem is not None)

    @property
    def succeeded(self) -> bool:
        return not self.failures and self.message is None
