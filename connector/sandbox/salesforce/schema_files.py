"""Reads the carried schema data: data objects, Tooling objects, and the Setup objects written down by hand.

Every correction of the data for the Tooling API is a constant here with its reason.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

_DATA_DIR = Path(__file__).resolve().parents[2] / "data" / "salesforce"
SCHEMA_DIR = _DATA_DIR / "schema"
_FLAGS = {
    "f": "filterable",
    "g": "groupable",
    "s": "sortable",
    "c": "createable",
    "u": "updateable",
    "n": "nillable",
    "r": "required_on_create",
}
_COMPACT = re.compile(r"(\w+) (\w+)(?: > (\w+) as (\w+)(?: children (\w+))?)?\Z")
# Setup objects that both APIs answer for; one table serves both.
_IN_BOTH = frozenset(
    [
        "ApexClass",
        "ApexTrigger",
        "ConnectedApplication",
        "CspTrustedSite",
        "EntityDefinition",
        "NamedCredential",
        "PermissionSet",
        "PermissionSetAssignment",
        "PermissionSetGroup",
        "Profile",
        "User",
    ]
)
# The Tooling documentation lists these as plain ids or complex values; queries follow them as relationships
# (platform.md A1: the package list of the Salesforce CLI).
_RELATIONSHIPS = {
    ("InstalledSubscriberPackage", "SubscriberPackageId"): ("reference", "SubscriberPackage", "SubscriberPackage"),
    ("InstalledSubscriberPackage", "SubscriberPackageVersionId"): (
        "reference",
        "SubscriberPackageVersion",
        "SubscriberPackageVersion",
    ),
    ("ValidationRule", "EntityDefinitionId"): ("string", "EntityDefinition", "EntityDefinition"),
    ("ApexTrigger", "EntityDefinitionId"): ("string", "EntityDefinition", "EntityDefinition"),
}
# Names of the relationships above that the documentation lists as fields too, and the inner fields of complex values,
# which it lists as if they were the object's own.
_NOT_FIELDS = {"ValidationRule": frozenset({"EntityDefinition", "errorConditionFormula"})}
# Of the many fields of a definition, those the org can answer: a field that is always null would be a lie.
_ONLY_FIELDS = {
    "EntityDefinition": frozenset(
        [
            "Id",
            "DurableId",
            "QualifiedApiName",
            "DeveloperName",
            "NamespacePrefix",
            "KeyPrefix",
            "Label",
            "MasterLabel",
            "PluralLabel",
            "IsQueryable",
        ]
    )
}
# The describe-derived source gives its checkboxes as text.
_BOOLEANS = {("CspTrustedSite", "IsActive")}
_BOOLEAN_PREFIX = {"CspTrustedSite": ("IsApplicable", "CanAccess")}
# The documentation has no key prefixes for these; the ones commonly seen.
_KEY_PREFIXES = {"PlatformEventChannelMember": "0v8", "ValidationRule": "03d", "WorkflowRule": "01Q"}
# The documentation's lists were split from running text, or differ from what tools see; the values (platform.md A1).
_PICKLISTS = {
    ("PackageLicense", "Status"): ["Active", "Expired", "Free", "Trial"],
    ("PackageInstallRequest", "Status"): ["IN_PROGRESS", "SUCCESS", "ERROR", "UNKNOWN"],
}
# "This field isn't filterable in API version 64.0 or later" (UserLicense).
_NOT_FILTERABLE = {("UserLicense", "UsedLicenses")}
# "This field is hidden. It's not queryable, but you can include it in the WHERE clause" (SubscriberPackageVersion).
_FILTER_ONLY = {("SubscriberPackageVersion", "InstallationKey")}


@functools.cache
def raw_schema() -> dict[str, dict[str, Any]]:
    """Every object in the vocabulary of the schema files, with `apis` saying which APIs know it."""
    found = {path.stem: json.loads(path.read_bytes()) for path in sorted(SCHEMA_DIR.glob("*.json"))}
    for entry in found.values():
        entry["apis"] = ("data", "tooling") if entry["name"] in _IN_BOTH else ("data",)
    for path in sorted((_DATA_DIR / "tooling").glob("*.json")):
        entry = _tooling(json.loads(path.read_bytes()))
        entry["apis"] = ("data", "tooling") if path.stem in _IN_BOTH else ("tooling",)
        found[path.stem] = entry
    for name, field_name in (*_PICKLISTS, *_NOT_FILTERABLE):
        for field in found[name]["fields"]:
            if field["name"] == field_name:
                field["picklist_values"] = _PICKLISTS.get((name, field_name))
                field["filterable"] = field["filterable"] and (name, field_name) not in _NOT_FILTERABLE
    for name, entry in json.loads((_DATA_DIR / "setup.json").read_bytes())["objects"].items():
        found[name] = _by_hand(name, entry, found)
    return dict(sorted(found.items()))


def _tooling(entry: dict[str, Any]) -> dict[str, Any]:
    name, fields = entry["name"], []
    for field in entry["fields"]:
        known_as = (name, field["name"])
        if field["name"] in _NOT_FIELDS.get(name, ()) or field["name"] not in _ONLY_FIELDS.get(name, {field["name"]}):
            continue
        if field["name"][0].islower():
            continue  # a part of a complex value
        changed = dict(field)
        if known_as in _RELATIONSHIPS:
            changed["type"], target, relationship = _RELATIONSHIPS[known_as]
            changed |= {"reference_to": [target], "relationship_name": relationship}
        if known_as in _BOOLEANS or field["name"].startswith(_BOOLEAN_PREFIX.get(name, ("-",))):
            changed |= {"type": "boolean", "picklist_values": None}
        if known_as in _FILTER_ONLY:
            changed |= {"type": "string", "filterable": True, "length": 255}
        if changed["type"] == "picklist":
            changed["restricted_picklist"] = False
        if name not in _IN_BOTH:
            # Writing these means installing a package or changing Setup, which this org does not do: it refuses.
            changed |= {"createable": False, "updateable": False}
        fields.append(changed)
    calls = entry["supported_calls"] if name in _IN_BOTH else ["query"]
    prefix = _KEY_PREFIXES.get(name, entry["key_prefix"])
    return {**entry, "key_prefix": prefix, "supported_calls": calls, "fields": fields}


def _by_hand(name: str, entry: dict[str, Any], known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    fields = [_compact_field("Id", "id fgs"), *(_compact_field(*item) for item in entry["fields"].items())]
    if "permissions_of" in entry:
        permissions = known[entry["permissions_of"]]["fields"]
        fields += [
            {**field, "createable": False, "updateable": False}
            for field in permissions
            if field["name"].startswith("Permissions")
        ]
    apis = {"both": ("data", "tooling")}.get(entry["api"], (entry["api"],))
    shell = {"name": name, "label": entry.get("label"), "key_prefix": entry.get("key_prefix")}
    return {**shell, "supported_calls": ["query", *entry.get("calls", ())], "apis": apis, "fields": fields}


def _compact_field(name: str, text: str) -> dict[str, Any]:
    match = _COMPACT.match(text)
    assert match is not None, f"{name}: {text}"
    type_name, flags, target, relationship, children = match.groups()
    field: dict[str, Any] = {"name": name, "type": type_name, **dict.fromkeys(_FLAGS.values(), False)}
    field |= {_FLAGS[flag]: True for flag in flags}
    field["length"] = 255 if type_name == "string" else None
    if target is not None:
        field |= {"reference_to": [target], "relationship_name": relationship, "child_relationship_name": children}
    return field
