"""Reads the deployable metadata that comes with the program: SFDX source, one file per field (deploy/salesforce)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from connector.core.metadata import FieldDefinition, Grants, Metadata

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAMESPACE: Final = "http://soap.sforce.com/2006/04/metadata"
_TAG: Final = f"{{{NAMESPACE}}}"

#: namespaces of the managed packages our fields stand on
_PACKAGES: Final = {
    "SBQQ": "Salesforce CPQ (namespace SBQQ)",
    "blng": "Salesforce Billing (namespace blng)",
}
_RIGHTS: Final = {
    "allowRead": "read",
    "allowCreate": "create",
    "allowEdit": "edit",
    "allowDelete": "delete",
    "viewAllRecords": "view all",
    "modifyAllRecords": "modify all",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    metadata: Metadata
    #: the XML of each field, by full name
    field_texts: Mapping[str, bytes]
    permission_set_text: bytes
    #: e.g. 67.0
    api_version: str


def read_source(folder: Path) -> Source:
    """`folder` holds sfdx-project.json. The files are ours: a damaged one is an error of the installation."""
    inner = folder / "force-app" / "main" / "default"
    texts = {
        f"{path.parent.parent.name}.{path.name.removesuffix('.field-meta.xml')}": path.read_bytes()
        for path in sorted(inner.glob("objects/*/fields/*.field-meta.xml"))
    }
    (set_path,) = inner.glob("permissionsets/*.permissionset-meta.xml")
    set_text = set_path.read_bytes()
    fields = tuple(_field(name, parse(text)) for name, text in texts.items())
    grants, label = _permission_set(parse(set_text))
    objects = {*(field.object for field in fields), *grants.objects}
    metadata = Metadata(
        fields=fields,
        permission_set=set_path.name.removesuffix(".permissionset-meta.xml"),
        permission_set_label=label,
        grants=grants,
        packages={name: package for name in sorted(objects) if (package := _package_of(name)) is not None},
    )
    project = json.loads((folder / "sfdx-project.json").read_text(encoding="utf-8"))
    return Source(
        metadata=metadata, field_texts=texts, permission_set_text=set_text, api_version=project["sourceApiVersion"]
    )


def parse(text: bytes) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - files that came with the program


def _package_of(name: str) -> str | None:
    namespace, mark, rest = name.partition("__")
    # Stripe_Id__c has one mark, blng__Invoice__c two: only the latter has a namespace
    return _PACKAGES.get(namespace, f"the package with namespace {namespace}") if mark and "__" in rest else None


def _field(full_name: str, root: ET.Element) -> FieldDefinition:
    told = {element.tag.removeprefix(_TAG): (element.text or "").strip() for element in root}
    numbers = {name: int(told[name]) for name in ("length", "precision", "scale") if name in told}
    return FieldDefinition(
        object=full_name.split(".", maxsplit=1)[0],
        name=told["fullName"],
        label=told["label"],
        type=told["type"],
        unique=told.get("unique") == "true",
        case_sensitive=told.get("caseSensitive") == "true",
        external_id=told.get("externalId") == "true",
        **numbers,
    )


def _permission_set(root: ET.Element) -> tuple[Grants, str]:
    objects: dict[str, frozenset[str]] = {}
    fields: dict[str, bool] = {}
    for element in root:
        told = {part.tag.removeprefix(_TAG): (part.text or "").strip() for part in element}
        if element.tag == f"{_TAG}objectPermissions":
            objects[told["object"]] = frozenset(right for tag, right in _RIGHTS.items() if told.get(tag) == "true")
        elif element.tag == f"{_TAG}fieldPermissions":
            fields[told["field"]] = told["editable"] == "true"
    label = root.findtext(f"{_TAG}label") or ""
    return Grants(objects=objects, fields=fields), label
