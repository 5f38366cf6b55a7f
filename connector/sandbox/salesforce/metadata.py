"""Reads deployable metadata (SFDX source format) the way a deployment would.

Only what the shipped files use is understood; anything else is an error, because a setting that is
quietly ignored here would be a field that differs in a real org.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

_NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"
_KNOWN_TAGS = frozenset(
    [
        "fullName",
        "label",
        "type",
        "length",
        "precision",
        "scale",
        "externalId",
        "unique",
        "caseSensitive",
        "required",
        "description",
        "inlineHelpText",
        "defaultValue",
    ]
)
_TYPES = {
    "Text": "string",
    "Url": "url",
    "Email": "email",
    "Currency": "currency",
    "Number": "double",
    "Checkbox": "boolean",
    "Date": "date",
    "DateTime": "datetime",
}


def load_custom_fields(metadata_dir: Path) -> dict[str, list[dict[str, Any]]]:
    """Custom fields per object, in the vocabulary of the schema files.

    Raises ValueError for a file a deployment would refuse or this reader does not understand.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(metadata_dir.glob("**/objects/*/fields/*.field-meta.xml")):
        found.setdefault(path.parent.parent.name, []).append(_custom_field(path))
    return found


def load_permission_sets(metadata_dir: Path) -> list[tuple[str, str]]:
    """(API name, label) of every permission set in the folder."""
    return [
        (path.name.removesuffix(".permissionset-meta.xml"), _tags(path).get("label", ""))
        for path in sorted(metadata_dir.glob("**/permissionsets/*.permissionset-meta.xml"))
    ]


def shipped_metadata_dir() -> Path:
    """The metadata this repository (or the installed package) ships."""
    package = Path(__file__).resolve().parents[2]
    installed = package / "_share" / "salesforce"
    return installed if installed.is_dir() else package.parent / "deploy" / "salesforce"


def _tags(path: Path) -> dict[str, str]:
    # The files are our own, read from the repository: no untrusted XML reaches this parser.
    root = ET.parse(path).getroot()  # noqa: S314 - see above
    return {child.tag.removeprefix(_NAMESPACE): (child.text or "").strip() for child in root}


def _custom_field(path: Path) -> dict[str, Any]:
    tags = _tags(path)
    unknown = set(tags) - _KNOWN_TAGS
    if unknown or tags.get("type") not in _TYPES:
        raise ValueError(f"{path.name}: cannot deploy {sorted(unknown) or tags.get('type')}")
    name = tags["fullName"]
    if not name.endswith("__c") or path.name != f"{name}.field-meta.xml":
        raise ValueError(f"{path.name}: fullName {name!r} does not fit the file name")
    field: dict[str, Any] = {
        "name": name,
        "label": tags["label"],
        "type": _TYPES[tags["type"]],
        "nillable": tags.get("required") != "true" and tags["type"] != "Checkbox",
        "required_on_create": tags.get("required") == "true",
        "createable": True,
        "updateable": True,
        "filterable": True,
        "sortable": True,
        "groupable": tags["type"] in {"Text", "Url", "Email", "Date", "Checkbox"},
        "calculated": False,
        "external_id": tags.get("externalId") == "true",
        "unique": tags.get("unique") == "true",
        "case_sensitive": tags.get("caseSensitive") == "true",
        "id_lookup": tags.get("externalId") == "true" or tags.get("unique") == "true",
    }
    if tags["type"] == "Text":
        field["length"] = int(tags["length"])
    elif tags["type"] == "Url":
        field["length"] = 255
    elif tags["type"] == "Email":
        field["length"] = 80
    elif tags["type"] in {"Currency", "Number"}:
        field["precision"], field["scale"] = int(tags["precision"]), int(tags["scale"])
    elif tags["type"] == "Checkbox":
        field["default"] = tags.get("defaultValue") == "true"
    return field
