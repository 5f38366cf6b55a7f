"""What a mapping pack needs and this org does not offer: the one place that compares them. Pure.

The start-up check says it as findings (`inspection.py`), the verifier as results of its checks.
Absent is not null: a field the user may not read would look empty, and an empty value would be copied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.codecs import Table
from connector.core.mapping import Nature, Owner
from connector.core.model import Side
from connector.core.verify.org_needs import Lack, Need
from connector.salesforce.describes import objects_of, read_paths_of
from connector.salesforce.reads import CURRENCY_FIELD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from connector.core.mapping import CompanionSpec, KindMapping, Pack
    from connector.salesforce.describes import OrgShape


def lacks_of(org: OrgShape, pack: Pack, *, currency: str | None) -> tuple[Lack, ...]:
    """Everything missing, kind by kind; `currency` is the setting for orgs without multi-currency."""
    found: list[Lack] = []
    objects, paths = objects_of(pack), read_paths_of(pack)
    for mapping in pack.kinds.values():
        found += _objects(org, objects, mapping)
        found += _fields(org, paths, mapping)
        found += _unwritable(org, mapping)
        found += _markers(org, mapping)
        found += _states(org, mapping)
        found += _values(org, mapping)
        found += _required(org, mapping)
        if mapping.salesforce.currency is not None and not org.multi_currency and currency is None:
            found.append(Lack(need=Need.CURRENCY, kind=mapping.kind, where=mapping.salesforce.object))
    # a field that is read and written is missing once
    return tuple(dict.fromkeys(found))


def _objects(org: OrgShape, objects: Mapping[str, Sequence[KindMapping]], mapping: KindMapping) -> Iterator[Lack]:
    for name, kinds in objects.items():
        if mapping in kinds and (name not in org.objects or not org.objects[name].queryable):
            yield Lack(need=Need.OBJECT, kind=mapping.kind, where=name)


def _fields(org: OrgShape, paths: Mapping[str, Mapping[str, set[str]]], mapping: KindMapping) -> Iterator[Lack]:
    for name, kinds_of in paths.items():
        shape = org.objects.get(name)
        if shape is None:
            continue
        mine = sorted(path for path, kinds in kinds_of.items() if mapping.kind in kinds)
        for path in mine:
            exists = "." in path or (path == CURRENCY_FIELD and not org.multi_currency)
            if not exists and shape.field(path) is None:
                yield Lack(need=Need.FIELD, kind=mapping.kind, where=f"{name}.{path}")
        if name in org.broken_paths and any("." in path for path in mine):
            yield Lack(need=Need.FIELD, kind=mapping.kind, where=name, detail=org.broken_paths[name])


def _unwritable(org: OrgShape, mapping: KindMapping) -> Iterator[Lack]:
    for name, field, right in _writes(mapping):
        shape = org.objects.get(name)
        if shape is None:
            continue
        found = shape.field(field)
        if found is None:
            yield Lack(need=Need.FIELD, kind=mapping.kind, where=f"{name}.{field}")
        elif not found.get(right):
            yield Lack(need=Need.WRITE, kind=mapping.kind, where=f"{name}.{field}", detail=right)
    shape = org.objects.get(mapping.salesforce.object)
    if shape is not None and mapping.born is Side.STRIPE and not shape.createable:
        yield Lack(need=Need.WRITE, kind=mapping.kind, where=shape.name, detail="createable")


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
    for companion in _companions(mapping):
        for field in _filled_in(companion):
            yield companion.object, field, "createable"
    if "posted_status" in mapping.options and "status" in spec.roles:
        yield spec.object, spec.roles["status"], "updateable"


def _companions(mapping: KindMapping) -> list[CompanionSpec]:
    """Those that are written: a payment is allocated to the invoice or to its lines, never to both."""
    used = "line" if mapping.options.get("allocate_to") == "lines" else "invoice"
    return [companion for companion in mapping.also if used in companion.roles]


def _filled_in(companion: CompanionSpec) -> tuple[str, ...]:
    return (companion.marker, *companion.roles.values(), *companion.constants)


def _markers(org: OrgShape, mapping: KindMapping) -> Iterator[Lack]:
    markers = [(mapping.salesforce.object, mapping.salesforce.marker)]
    markers += [(companion.object, companion.marker) for companion in _companions(mapping)]
    for name, marker in markers:
        found = org.objects[name].field(marker) if name in org.objects else None
        lacks = [
            right for right in ("externalId", "unique", "caseSensitive") if found is not None and not found.get(right)
        ]
        if lacks:
            detail = f"is not {' and not '.join(lacks)}"
            yield Lack(need=Need.MARKER, kind=mapping.kind, where=f"{name}.{marker}", detail=detail)


def _states(org: OrgShape, mapping: KindMapping) -> Iterator[Lack]:
    spec = mapping.salesforce
    if spec.state is None or not spec.states or spec.object not in org.objects:
        return
    offered = org.objects[spec.object].picklist(spec.state) or frozenset()
    for value in sorted(offered - spec.states.keys()):
        yield Lack(need=Need.STATE, kind=mapping.kind, where=f"{spec.object}.{spec.state}", detail=value)


def _values(org: OrgShape, mapping: KindMapping) -> Iterator[Lack]:
    """Values this kind writes into picklists that do not offer them."""
    for name, field, value in _written_values(mapping):
        offered = org.objects[name].picklist(field) if name in org.objects else None
        if offered is not None and value not in offered:
            detail = f"has no {value!r}; it offers {', '.join(sorted(offered))}"
            yield Lack(need=Need.VALUE, kind=mapping.kind, where=f"{name}.{field}", detail=detail)


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


def _required(org: OrgShape, mapping: KindMapping) -> Iterator[Lack]:
    """Fields without which Salesforce refuses a record we create, and that we leave empty."""
    for name, filled in _created(mapping):
        shape = org.objects.get(name)
        if shape is None:
            continue
        known = {field.lower() for field in filled if field is not None}
        for key, field in shape.fields.items():
            may_be_empty = field.get("nillable", True) or field.get("defaultedOnCreate", False)
            if field.get("createable") and not may_be_empty and key not in known:
                yield Lack(need=Need.REQUIRED, kind=mapping.kind, where=f"{name}.{field['name']}")


def _created(mapping: KindMapping) -> Iterator[tuple[str, tuple[str | None, ...]]]:
    """Objects this kind creates records of, each with the fields it fills."""
    spec = mapping.salesforce
    if mapping.born is not Side.STRIPE:
        return
    written = (rule.salesforce for rule in mapping.fields if not rule.check)
    roles = (spec.roles.get("account"), spec.roles.get("status") if mapping.options.get("draft_status") else None)
    yield spec.object, (spec.marker, spec.currency, *roles, *spec.constants, *written)
    for companion in _companions(mapping):
        yield companion.object, (spec.currency, *_filled_in(companion))
