"""Reads deployable metadata, custom fields and permission sets, the way a deployment would.

Only what is listed here is understood; anything else is an error, because a setting that is quietly ignored here would
be a field that differs in a real org.
"""

from __future__ import annotations

from dataclasses import dataclass
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


_MAX_TEXT_LENGTH = 255
#: settings of a permission set and of its parts
_PERMISSION_SET_TAGS = frozenset(
    [
        "description",
        "fieldPermissions",
        "hasActivationRequired",
        "label",
        "license",
        "objectPermissions",
        "userPermissions",
    ]
)
_OBJECT_RIGHTS = {
    "allowCreate": "PermissionsCreate",
    "allowDelete": "PermissionsDelete",
    "allowEdit": "PermissionsEdit",
    "allowRead": "PermissionsRead",
    "modifyAllRecords": "PermissionsModifyAllRecords",
    "viewAllRecords": "PermissionsViewAllRecords",
    "viewAllFields": "PermissionsViewAllFields",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionSet:
    name: str
    label: str
    description: str | None
    #: object to its rights, by the field names of ObjectPermissions
    objects: dict[str, dict[str, bool]]
    #: `Object.Field` to whether it may be edited; readable all of them
    fields: dict[str, bool]
    #: fields of PermissionSet that are true
    permissions: tuple[str, ...]


def load_custom_fields(metadata_dir: Path) -> dict[str, list[dict[str, Any]]]:
    """Custom fields per object of SFDX source, in the vocabulary of the schema files.

    Raises ValueError for a file a deployment would refuse or this reader does not understand.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(metadata_dir.glob("**/objects/*/fields/*.field-meta.xml")):
        field = custom_field(_root(path), where=path.name)
        if path.name != f"{field['name']}.field-meta.xml":
            raise ValueError(f"{path.name}: fullName {field['name']!r} does not fit the file name")
        found.setdefault(path.parent.parent.name, []).append(field)
    return found


def load_permission_sets(metadata_dir: Path) -> list[PermissionSet]:
    """Every permission set of SFDX source. Raises ValueError as above."""
    return [
        permission_set(_root(path), path.name.removesuffix(".permissionset-meta.xml"))
        for path in sorted(metadata_dir.glob("**/permissionsets/*.permissionset-meta.xml"))
    ]


def shipped_metadata_dir() -> Path:
    """The metadata this repository (or the installed package) ships."""
    package = Path(__file__).resolve().parents[2]
    installed = package / "_share" / "salesforce"
    return installed if installed.is_dir() else package.parent / "deploy" / "salesforce"


def parse_xml(text: bytes) -> ET.Element:
    """The root element. Raises ValueError for text that is no XML, and for entities, which metadata never needs."""
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise ValueError("document types are not allowed")
    try:
        return ET.fromstring(text)  # noqa: S314 - without entities there is nothing to expand
    except ET.ParseError as error:
        raise ValueError(f"not well-formed: {error}") from None


def parts(root: ET.Element, tag: str) -> list[ET.Element]:
    return root.findall(_NAMESPACE + tag)


def tags(root: ET.Element) -> dict[str, str]:
    """Child elements by name with their text."""
    return {child.tag.removeprefix(_NAMESPACE): (child.text or "").strip() for child in root}


def permission_set(root: ET.Element, name: str) -> PermissionSet:
    """Raises ValueError for a setting this reader does not understand."""
    given = tags(root)
    unknown = sorted(set(given) - _PERMISSION_SET_TAGS)
    if unknown or not given.get("label"):
        raise ValueError(f"{name}: cannot deploy {unknown or 'a permission set without a label'}")
    objects = {}
    for part in parts(root, "objectPermissions"):
        rights = tags(part)
        sobject = rights.pop("object")
        objects[sobject] = {_OBJECT_RIGHTS[tag]: value == "true" for tag, value in rights.items()}
    fields = {}
    for part in parts(root, "fieldPermissions"):
        rights = tags(part)
        if rights.get("readable") == "true" or rights.get("editable") == "true":
            fields[rights["field"]] = rights.get("editable") == "true"
    return PermissionSet(
        name=name,
        label=given["label"],
        description=given.get("description") or None,
        objects=objects,
        fields=fields,
        permissions=tuple(
            f"Permissions{tags(part)['name']}"
            for part in parts(root, "userPermissions")
            if tags(part).get("enabled") == "true"
        ),
    )


def _root(path: Path) -> ET.Element:
    return parse_xml(path.read_bytes())


def custom_field(root: ET.Element, *, where: str) -> dict[str, Any]:
    """A CustomField element in the vocabulary of the schema files. Raises ValueError; `where` names the file."""
    given = tags(root)
    unknown = set(given) - _KNOWN_TAGS
    if unknown or given.get("type") not in _TYPES:
        raise ValueError(f"{where}: cannot deploy {sorted(unknown) or given.get('type')}")
    name = given.get("fullName", "")
    if not name.endswith("__c"):
        raise ValueError(f"{where}: {name!r} is not the name of a custom field")
    field: dict[str, Any] = {
        "name": name,
        "label": given["label"],
        "type": _TYPES[given["type"]],
        "nillable": given.get("required") != "true" and given["type"] != "Checkbox",
        "required_on_create": given.get("required") == "true",
        "createable": True,
        "updateable": True,
        "filterable": True,
        "sortable": True,
        "groupable": given["type"] in {"Text", "Url", "Email", "Date", "Checkbox"},
        "calculated": False,
        "external_id": given.get("externalId") == "true",
        "unique": given.get("unique") == "true",
        "case_sensitive": given.get("caseSensitive") == "true",
        "id_lookup": given.get("externalId") == "true" or given.get("unique") == "true",
    }
    if given["type"] == "Text":
        field["length"] = int(given["length"])
        if not 1 <= field["length"] <= _MAX_TEXT_LENGTH:
            raise ValueError(f"{where}: the length of {name} must be between 1 and {_MAX_TEXT_LENGTH}")
    elif given["type"] == "Url":
        field["length"] = 255
    elif given["type"] == "Email":
        field["length"] = 80
    elif given["type"] in {"Currency", "Number"}:
        field["precision"], field["scale"] = int(given["precision"]), int(given["scale"])
    elif given["type"] == "Checkbox":
        field["default"] = given.get("defaultValue") == "true"
    return field
