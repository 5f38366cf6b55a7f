"""The objects and fields of the simulated org, from the published schema and the deployed metadata.

Holds types only, no records. The schema data is used as it is; every correction is a constant below with its reason.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from connector.sandbox.salesforce.ids import custom_key_prefix
from connector.sandbox.salesforce.schema_files import SCHEMA_DIR, raw_schema

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["SCHEMA_DIR", "Field", "RollUp", "SObject", "build_objects"]

NUMBER_TYPES = frozenset({"currency", "double", "percent"})
TEXT_TYPES = frozenset({"string", "textarea", "phone", "email", "url", "picklist", "multipicklist", "encryptedstring"})

# The schema data knows no relationship names of standard children; these are the standard names every org has.
_STANDARD_CHILDREN = {
    ("Contact", "AccountId"): "Contacts",
    ("Opportunity", "AccountId"): "Opportunities",
    ("Order", "AccountId"): "Orders",
    ("OrderItem", "OrderId"): "OrderItems",
    ("Contract", "AccountId"): "Contracts",
    ("PricebookEntry", "Product2Id"): "PricebookEntries",
    ("PricebookEntry", "Pricebook2Id"): "PricebookEntries",
    ("PermissionSetAssignment", "PermissionSetId"): "Assignments",
}
# Deleting the parent of these standard lookups deletes the child.
_STANDARD_CASCADES = {("Contact", "AccountId"), ("OrderItem", "OrderId"), ("PricebookEntry", "Product2Id")}
# Marked required by the documentation of features this org has switched off, or set by the platform itself.
_NOT_REQUIRED = {("User", "Manager"), ("OrderItem", "RelatedOrderItemID")}
_MULTI_CURRENCY_OBJECTS = frozenset({"CurrencyType", "DatedConversionRate"})
# Exist only where state and country picklists are switched on; in this org people type names.
_PICKLIST_FEATURE = re.compile(r"(Billing|Shipping|Mailing|Other)?(State|Country)Code$")
# Standard money fields carry no scale in the schema data; two decimals is the platform's default.
_DEFAULT_SCALE = {"currency": 2, "double": 2, "percent": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class RollUp:
    operation: str
    child: str
    #: summarised field of the child; None when counting
    summed: str | None
    #: the child's reference to its parent
    foreign_key: str
    #: (child field, wanted value)
    filters: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    name: str
    label: str
    type: str
    length: int | None
    precision: int | None
    scale: int | None
    nillable: bool
    required: bool
    createable: bool
    updateable: bool
    filterable: bool
    sortable: bool
    groupable: bool
    calculated: bool
    external_id: bool
    unique: bool
    case_sensitive: bool
    id_lookup: bool
    auto_number: str | None
    default: Any
    restricted: bool
    picklist: tuple[str, ...]
    reference_to: tuple[str, ...]
    relationship_name: str | None
    child_relationship_name: str | None
    master_detail: bool
    reparentable: bool
    relationship_order: int | None
    #: what deleting the parent does: Cascade, SetNull or Restrict
    on_delete: str
    rollup: RollUp | None

    @property
    def is_number(self) -> bool:
        return self.type in NUMBER_TYPES

    @property
    def is_text(self) -> bool:
        return self.type in TEXT_TYPES

    @property
    def is_formula(self) -> bool:
        return self.calculated and self.rollup is None


@dataclass(frozen=True, slots=True, kw_only=True)
class SObject:
    name: str
    label: str
    plural_label: str
    key_prefix: str
    createable: bool
    updateable: bool
    deletable: bool
    custom_setting: bool
    #: the APIs that know the object: data, tooling
    apis: tuple[str, ...]
    fields: Mapping[str, Field]
    #: lower-case name to name: Salesforce does not care for the case of names
    names: Mapping[str, str] = field(repr=False)
    #: lower-case relationship name to the reference field
    parents: Mapping[str, Field] = field(repr=False)

    @property
    def custom(self) -> bool:
        return self.name.endswith("__c")

    def find(self, name: str) -> Field | None:
        """The field with this name in any case."""
        if (spelt_as_here := self.fields.get(name)) is not None:
            return spelt_as_here
        known = self.names.get(name.lower())
        return None if known is None else self.fields[known]


def build_objects(
    custom_fields: Mapping[str, list[dict[str, Any]]],
    *,
    multi_currency: bool,
    computed: Mapping[str, frozenset[str]],
    namespaces: Collection[str],
) -> dict[str, SObject]:
    """Every object of the org; of packages only what `namespaces`, those installed, bring.

    `computed` names the formulas the org can evaluate per object. A formula it cannot evaluate does not exist in this
    org: an absent field is an honest error where an eternal null would be a lie.
    Raises ValueError when metadata names an object the schema does not have.
    """
    raw = raw_schema()
    missing = sorted(set(custom_fields) - set(raw))
    if missing:
        raise ValueError(f"custom fields for unknown objects: {missing}")
    there = frozenset({None, *namespaces})
    fields: dict[str, dict[str, Field]] = {}
    for name in sorted(raw):
        if namespace_of(name) not in there or (name in _MULTI_CURRENCY_OBJECTS and not multi_currency):
            continue
        custom = (custom_field(name, entry) for entry in custom_fields.get(name, []))
        fields[name] = {
            f.name: f
            for f in (*_published_fields(name), *custom)
            if (multi_currency or f.name != "CurrencyIsoCode")
            and namespace_of(f.name) in there
            and (not f.is_formula or f.name in computed.get(name, frozenset()))
        }
    _drop_unfed_rollups(fields)
    installed = [name for name in raw if raw[name].get("key_prefix") is None]
    return {
        name: _sobject(
            name,
            raw[name],
            custom_key_prefix(installed.index(name)) if name in installed else raw[name]["key_prefix"],
            kept,
        )
        for name, kept in fields.items()
    }


def custom_field(obj: str, entry: Mapping[str, Any]) -> Field:
    """A field deployed by an administrator, from the vocabulary of the schema files."""
    return _field(obj, entry, raw_schema())


def namespace_of(name: str) -> str | None:
    """The package prefix of an API name: `SBQQ` of `SBQQ__Quote__c`, None of `Stripe_Id__c`."""
    prefix, _, rest = name.partition("__")
    return prefix if "__" in rest else None


def _drop_unfed_rollups(fields: dict[str, dict[str, Field]]) -> None:
    """Takes out roll-ups over fields the org does not have, and then the roll-ups over those."""
    while True:
        unfed = [
            (name, f.name)
            for name, kept in fields.items()
            for f in kept.values()
            if f.rollup is not None
            and f.rollup.child in fields
            and f.rollup.summed is not None
            and f.rollup.summed not in fields[f.rollup.child]
        ]
        if not unfed:
            return
        for name, field_name in unfed:
            del fields[name][field_name]


def with_picklist(obj: SObject, field_name: str, values: tuple[str, ...], *, restricted: bool) -> SObject:
    """The object with another value set on one picklist: what an admin does to a value set."""
    changed = {**obj.fields, field_name: replace(obj.fields[field_name], picklist=values, restricted=restricted)}
    return _rebuilt(obj, changed)


def with_fields(obj: SObject, added: Collection[Field]) -> SObject:
    """The object with fields added or replaced: what a deployment does."""
    return _rebuilt(obj, {**obj.fields, **{f.name: f for f in added}})


def without_field(obj: SObject, field_name: str) -> SObject:
    """The object as a user sees it who may not read the field."""
    kept = {name: f for name, f in obj.fields.items() if name != field_name}
    return _rebuilt(obj, kept)


def with_read_only_field(obj: SObject, field_name: str) -> SObject:
    """The object as a user sees it who may read but not write the field."""
    changed = {**obj.fields, field_name: replace(obj.fields[field_name], createable=False, updateable=False)}
    return _rebuilt(obj, changed)


def _rebuilt(obj: SObject, fields: dict[str, Field]) -> SObject:
    return replace(
        obj,
        fields=fields,
        names={name.lower(): name for name in fields},
        parents={f.relationship_name.lower(): f for f in fields.values() if f.relationship_name and f.reference_to},
    )


def _sobject(name: str, data: Mapping[str, Any], prefix: str, fields: dict[str, Field]) -> SObject:
    calls = set(data.get("supported_calls") or ())
    label = data.get("label") or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    shell = SObject(
        name=name,
        label=label,
        plural_label=data.get("plural_label") or f"{label}s",
        key_prefix=prefix,
        createable="create" in calls,
        updateable="update" in calls,
        deletable="delete" in calls,
        custom_setting=bool(data.get("custom_setting")),
        apis=data["apis"],
        fields={},
        names={},
        parents={},
    )
    return _rebuilt(shell, fields)


@functools.cache
def _published_fields(name: str) -> tuple[Field, ...]:
    raw = raw_schema()
    entries = [entry for entry in raw[name]["fields"] if not _PICKLIST_FEATURE.match(entry["name"])]
    return tuple(_field(name, entry, raw) for entry in entries)


def _field(obj: str, data: Mapping[str, Any], raw: Mapping[str, Any]) -> Field:
    name, type_name = data["name"], data["type"]
    references = tuple(data.get("reference_to") or ())
    master = data.get("relationship_type") == "master-detail"
    # A required reference to an object this org does not have belongs to a feature that is switched off.
    unreachable = type_name == "reference" and not any(target in raw for target in references)
    cascade = bool(data.get("cascade_delete")) or (obj, name) in _STANDARD_CASCADES
    calculated = (
        bool(data.get("calculated")) or type_name == "address" or (obj in {"Contact", "User"} and name == "Name")
    )
    scale = data.get("scale")
    relationship = data.get("relationship_name")
    return Field(
        name=name,
        label=data.get("label") or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name),
        type=type_name,
        length=data.get("length") or (18 if type_name == "reference" else None),
        precision=data.get("precision") or (18 if type_name in NUMBER_TYPES else None),
        scale=_DEFAULT_SCALE.get(type_name) if scale is None else scale,
        nillable=bool(data.get("nillable", True)),
        required=bool(data.get("required_on_create")) and not unreachable and (obj, name) not in _NOT_REQUIRED,
        createable=bool(data.get("createable")) and not calculated,
        updateable=bool(data.get("updateable")) and not calculated,
        filterable=bool(data.get("filterable")) and type_name != "address",
        sortable=bool(data.get("sortable")) and type_name != "address",
        groupable=bool(data.get("groupable")),
        calculated=calculated,
        external_id=bool(data.get("external_id")),
        unique=bool(data.get("unique")),
        case_sensitive=bool(data.get("case_sensitive")),
        id_lookup=bool(data.get("id_lookup")),
        auto_number=(data.get("display_format") or "{00000000}") if data.get("auto_number") else None,
        default=data.get("default"),
        restricted=bool(data.get("restricted_picklist")),
        picklist=tuple(data.get("picklist_values") or ()),
        reference_to=references,
        relationship_name=relationship,
        child_relationship_name=data.get("child_relationship_name") or _STANDARD_CHILDREN.get((obj, name)),
        master_detail=master,
        reparentable=bool(data.get("reparentable")),
        relationship_order=data.get("relationship_order"),
        on_delete="Cascade" if cascade else data.get("delete_constraint") or "SetNull",
        rollup=_rollup(data.get("rollup")),
    )


def _rollup(data: Mapping[str, Any] | None) -> RollUp | None:
    if data is None:
        return None
    child, foreign_key = data["foreign_key"].split(".")
    summed = data["summarized_field"]
    filters = []
    for entry in data["filters"]:
        assert entry["operation"] == "equals"
        value = {"True": True, "False": False}.get(entry["value"], entry["value"])
        filters.append((entry["field"].split(".")[1], value))
    return RollUp(
        operation=data["operation"],
        child=child,
        summed=summed.split(".")[1] if summed else None,
        foreign_key=foreign_key,
        filters=tuple(filters),
    )
