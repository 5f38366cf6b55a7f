"""What a mapping pack needs and this org does not offer, as findings. Pure.

Absent is not null: a field the user may not read would look empty, and an empty value would be
copied; so a missing field stops its kinds (BLOCKER, with the kind's name as subject). One finding
per rule and kind, naming everything it found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.codecs import Table
from connector.core.mapping import Nature, Owner
from connector.core.model import Finding, Severity, Side
from connector.salesforce.describes import objects_of, read_paths_of
from connector.salesforce.reads import CURRENCY_FIELD

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connector.core.mapping import KindMapping, Pack
    from connector.salesforce.describes import OrgShape

_PERMISSIONS: Final = "assign the permission set of deploy/salesforce to the connector's user, or deploy the fields"


def inspect(org: OrgShape, pack: Pack, *, currency: str | None) -> tuple[Finding, ...]:
    """All findings; `currency` is the setting for orgs without multi-currency."""
    found: list[Finding] = []
    for mapping in pack.kinds.values():
        found += _missing_objects(org, pack, mapping)
        found += _missing_fields(org, pack, mapping)
        found += _unwritable(org, mapping)
        found += _bad_markers(org, mapping)
        found += _states(org, mapping)
        found += _picklists(org, mapping)
        found += _currency(org, mapping, currency)
    return tuple(found)


def _missing_objects(org: OrgShape, pack: Pack, mapping: KindMapping) -> Iterator[Finding]:
    missing = [
        name
        for name, kinds in objects_of(pack).items()
        if mapping in kinds and (name not in org.objects or not org.objects[name].queryable)
    ]
    if missing:
        yield _blocker(
            "salesforce.object_missing",
            mapping.kind,
            observed=f"cannot be read: {_names(missing)}",
            wanted="every object of the mapping is readable",
            why="without the object nothing of this kind can be compared",
            remedy=f"install the package, or {_PERMISSIONS}",
        )


def _missing_fields(org: OrgShape, pack: Pack, mapping: KindMapping) -> Iterator[Finding]:
    missing: list[str] = []
    reasons: list[str] = []
    for name, paths in read_paths_of(pack).items():
        shape = org.objects.get(name)
        if shape is None:
            continue
        mine = sorted(path for path, kinds in paths.items() if mapping.kind in kinds)
        missing += [
            f"{name}.{path}"
            for path in mine
            if "." not in path and shape.field(path) is None and (org.multi_currency or path != CURRENCY_FIELD)
        ]
        if name in org.broken_paths and any("." in path for path in mine):
            reasons.append(f"{name}: {org.broken_paths[name]}")
    if missing or reasons:
        yield _blocker(
            "salesforce.field_missing",
            mapping.kind,
            observed="; ".join([*([f"cannot be read: {_names(missing)}"] if missing else []), *reasons]),
            wanted="every mapped field is readable",
            why="a hidden field looks empty, and emptiness would be copied",
            remedy=_PERMISSIONS,
        )


def _unwritable(org: OrgShape, mapping: KindMapping) -> Iterator[Finding]:
    closed: list[str] = []
    for name, field, right in _writes(mapping):
        shape = org.objects.get(name)
        found = shape.field(field) if shape is not None else None
        if found is not None and not found.get(right):
            closed.append(f"{name}.{field} ({right})")
    shape = org.objects.get(mapping.salesforce.object)
    if shape is not None and mapping.born is Side.STRIPE and not shape.createable:
        closed.append(f"{shape.name} (createable)")
    if closed:
        yield _blocker(
            "salesforce.field_not_writable",
            mapping.kind,
            observed=f"cannot be written: {_names(closed)}",
            wanted="every field that Stripe owns can be written by the connector's user",
            why="what happens at Stripe could not be recorded in Salesforce",
            remedy=_PERMISSIONS,
        )


def _writes(mapping: KindMapping) -> Iterator[tuple[str, str, str]]:
    """(object, field, createable | updateable) of everything this kind writes in Salesforce."""
    spec = mapping.salesforce
    is_born_here = mapping.born is Side.SALESFORCE
    yield spec.object, spec.marker, "updateable" if is_born_here else "createable"
    for rule in mapping.fields:
        path = rule.salesforce
        if path is None or rule.check or rule.owner is Owner.SALESFORCE or "." in path:
            continue
        if not is_born_here:
            yield spec.object, path, "createable"
        if not rule.create_only and mapping.nature is not Nature.FACT:
            yield spec.object, path, "updateable"
    for field in spec.constants:
        yield spec.object, field, "createable"
    for companion in mapping.also:
        for field in (companion.marker, *companion.roles.values(), *companion.constants):
            yield companion.object, field, "createable"
    if "posted_status" in mapping.options and "status" in spec.roles:
        yield spec.object, spec.roles["status"], "updateable"


def _bad_markers(org: OrgShape, mapping: KindMapping) -> Iterator[Finding]:
    markers = [(mapping.salesforce.object, mapping.salesforce.marker)]
    markers += [(companion.object, companion.marker) for companion in mapping.also]
    bad: list[str] = []
    for name, marker in markers:
        found = org.objects[name].field(marker) if name in org.objects else None
        lacks = [
            right for right in ("externalId", "unique", "caseSensitive") if found is not None and not found.get(right)
        ]
        if lacks:
            bad.append(f"{name}.{marker} is not {' and not '.join(lacks)}")
    if bad:
        yield _blocker(
            "salesforce.marker_not_unique",
            mapping.kind,
            observed="; ".join(bad),
            wanted="the marker is an external id, unique and case-sensitive",
            why="two records could carry one Stripe id, and a repeated write could make a twin",
            remedy="deploy the fields of deploy/salesforce",
        )


def _states(org: OrgShape, mapping: KindMapping) -> Iterator[Finding]:
    spec = mapping.salesforce
    if spec.state is None or not spec.states or spec.object not in org.objects:
        return
    uncovered = sorted((org.objects[spec.object].picklist(spec.state) or frozenset()) - spec.states.keys())
    if uncovered:
        yield Finding(
            code="salesforce.states_not_covered",
            subject=mapping.kind,
            severity=Severity.WARNING,
            observed=f"{spec.object}.{spec.state} offers {_names(uncovered)}",
            wanted="every value of the picklist stands under `states` of the mapping",
            why="records in such a status are parked",
            remedy=f"add {_names(uncovered)} to `states` in the mapping of {mapping.kind}",
        )


def _picklists(org: OrgShape, mapping: KindMapping) -> Iterator[Finding]:
    """Values this kind writes into picklists that do not offer them."""
    unknown: list[str] = []
    for name, field, value in _written_values(mapping):
        offered = org.objects[name].picklist(field) if name in org.objects else None
        if offered is not None and value not in offered:
            unknown.append(f"{name}.{field} has no {value!r} (it offers {_names(sorted(offered))})")
    if unknown:
        yield _blocker(
            "salesforce.picklist_value_missing",
            mapping.kind,
            observed="; ".join(unknown),
            wanted="every value the mapping writes is one of the org's picklist",
            why="Salesforce would refuse the record, or accept a value nobody reports on",
            remedy="change the option or table in the mapping to a value the org offers",
        )


def _written_values(mapping: KindMapping) -> Iterator[tuple[str, str, str]]:
    spec = mapping.salesforce
    state = spec.roles.get("status") or spec.state
    for option in ("posted_status", "draft_status", "accepted_status"):
        value = mapping.options.get(option)
        if state is not None and isinstance(value, str):
            yield spec.object, state, value
    for name, constants in [(spec.object, spec.constants), *((also.object, also.constants) for also in mapping.also)]:
        for field, value in constants.items():
            if isinstance(value, str):
                yield name, field, value
    if mapping.born is Side.STRIPE:
        for rule in mapping.fields:
            if rule.salesforce is not None and isinstance(rule.stripe_codec, Table):
                for value in rule.stripe_codec.rows:
                    yield spec.object, rule.salesforce, value


def _currency(org: OrgShape, mapping: KindMapping, currency: str | None) -> Iterator[Finding]:
    if mapping.salesforce.currency is None or org.multi_currency or currency is not None:
        return
    yield _blocker(
        "salesforce.currency_unknown",
        mapping.kind,
        observed="the org has a single currency and its records do not name it",
        wanted="CONNECTOR_SALESFORCE__CURRENCY is set",
        why="an amount without a currency cannot be copied, and a guess would be wrong money",
        remedy="set CONNECTOR_SALESFORCE__CURRENCY to the org's currency, e.g. USD",
    )


def _blocker(code: str, kind: str, *, observed: str, wanted: str, why: str, remedy: str) -> Finding:
    return Finding(
        code=code, subject=kind, severity=Severity.BLOCKER, observed=observed, wanted=wanted, why=why, remedy=remedy
    )


def _names(names: Sequence[str]) -> str:
    return ", ".join(names)
