"""What the mapping needs of a Salesforce org and this org does not offer the connector's user, as plain facts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Need(StrEnum):
    """One rule each; `where` and `detail` of a Lack say what is meant."""

    #: an object cannot be read
    OBJECT = "object"
    #: a mapped field, or a path through a lookup (detail: why), cannot be read
    FIELD = "field"
    #: a field or object we write cannot be written; detail: createable | updateable
    WRITE = "write"
    #: a marker is no external id that is unique and case-sensitive; detail: what it is not
    MARKER = "marker"
    #: a status of the org that the mapping's `states` do not cover; detail: the value
    STATE = "state"
    #: a value we write that the picklist does not offer; detail: the value and what is offered
    VALUE = "value"
    #: a field that must be filled when a record is created, and that we do not fill
    REQUIRED = "required"
    #: records do not name their currency, and no setting does
    CURRENCY = "currency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    need: Need
    #: the kind of our mapping that needs it
    kind: str
    #: object or object.field
    where: str
    detail: str = ""

    @property
    def text(self) -> str:
        """For people: the place and what is wrong there."""
        if self.need in (Need.MARKER, Need.VALUE):
            return f"{self.where} {self.detail}"
        return f"{self.where} ({self.detail})" if self.detail else self.where


@dataclass(frozen=True, slots=True, kw_only=True)
class OrgNeeds:
    """The summary of all describes."""

    org_id: str
    org_name: str
    multi_currency: bool
    #: how many objects of the mapping the user can see
    objects: int
    lacks: tuple[Lack, ...] = ()

    def of(self, *needs: Need) -> tuple[Lack, ...]:
        """Lacks of these rules, each place once: several kinds share an object."""
        found: dict[tuple[Need, str, str], Lack] = {}
        for lack in self.lacks:
            if lack.need in needs:
                found.setdefault((lack.need, lack.where, lack.detail), lack)
        return tuple(found.values())
