"""What a mapping pack needs and this org does not offer, as findings. Pure.

A blocker has the kind's name as subject and stops that kind. One finding per rule and kind, naming
everything it found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.core.model import Finding, Severity
from connector.core.verify.org_needs import Need
from connector.salesforce.needs import lacks_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.mapping import Pack
    from connector.core.verify.org_needs import Lack
    from connector.salesforce.describes import OrgShape

_PERMISSIONS: Final = "assign the permission set of deploy/salesforce to the connector's user, or deploy the fields"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """How one rule is told; `{}` stands for what was found."""

    code: str
    observed: str
    wanted: str
    why: str
    remedy: str
    severity: Severity = Severity.BLOCKER


_WORDS: Final[Mapping[Need, _Words]] = {
    Need.OBJECT: _Words(
        code="salesforce.object_missing",
        observed="cannot be read: {}",
        wanted="every object of the mapping is readable",
        why="without the object nothing of this kind can be compared",
        remedy=f"install the package, or {_PERMISSIONS}",
    ),
    Need.FIELD: _Words(
        code="salesforce.field_missing",
        observed="cannot be read: {}",
        wanted="every mapped field is readable",
        why="a hidden field looks empty, and emptiness would be copied",
        remedy=_PERMISSIONS,
    ),
    Need.WRITE: _Words(
        code="salesforce.field_not_writable",
        observed="cannot be written: {}",
        wanted="every field that Stripe owns can be written by the connector's user",
        why="what happens at Stripe could not be recorded in Salesforce",
        remedy=_PERMISSIONS,
    ),
    Need.MARKER: _Words(
        code="salesforce.marker_not_unique",
        observed="{}",
        wanted="the marker is an external id, unique and case-sensitive",
        why="two records could carry one Stripe id, and a repeated write could make a twin",
        remedy="deploy the fields of deploy/salesforce",
    ),
    Need.STATE: _Words(
        code="salesforce.states_not_covered",
        observed="the org offers {}",
        wanted="every value of the picklist stands under `states` of the mapping",
        why="records in such a status are parked",
        remedy="add it to `states` in the mapping of this kind",
        severity=Severity.WARNING,
    ),
    Need.VALUE: _Words(
        code="salesforce.picklist_value_missing",
        observed="{}",
        wanted="every value the mapping writes is one of the org's picklist",
        why="Salesforce would refuse the record, or accept a value nobody reports on",
        remedy="change the option or table in the mapping to a value the org offers",
    ),
    Need.REQUIRED: _Words(
        code="salesforce.required_field_empty",
        observed="must be filled when a record is created, and the mapping does not: {}",
        wanted="every required field of a record we create is mapped, constant or has a default in the org",
        why="Salesforce would refuse each such record, and each would be parked",
        remedy="give the field a default value or make it optional in Salesforce, or map it",
        severity=Severity.ERROR,
    ),
    Need.CURRENCY: _Words(
        code="salesforce.currency_unknown",
        observed="the org has a single currency and its records do not name it",
        wanted="CONNECTOR_SALESFORCE__CURRENCY is set",
        why="an amount without a currency cannot be copied, and a guess would be wrong money",
        remedy="set CONNECTOR_SALESFORCE__CURRENCY to the org's currency, e.g. USD",
    ),
}


def inspect(org: OrgShape, pack: Pack, *, currency: str | None) -> tuple[Finding, ...]:
    """All findings; `currency` is the setting for orgs without multi-currency."""
    grouped: dict[tuple[str, Need], list[Lack]] = {}
    for lack in lacks_of(org, pack, currency=currency):
        grouped.setdefault((lack.kind, lack.need), []).append(lack)
    return tuple(_finding(kind, _WORDS[need], lacks) for (kind, need), lacks in grouped.items())


def _finding(kind: str, words: _Words, lacks: Sequence[Lack]) -> Finding:
    found = ", ".join(dict.fromkeys(lack.text for lack in lacks))
    return Finding(
        code=words.code,
        subject=kind,
        severity=words.severity,
        observed=words.observed.format(found),
        wanted=words.wanted,
        why=words.why,
        remedy=words.remedy,
    )
