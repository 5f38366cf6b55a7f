"""The zip file of a deployment, in the Metadata API's format: package.xml, objects/, permissionsets/. Pure.

The form is that of "Working with the Zip File" (Metadata API Developer Guide, file_based_zip_file): one file per
object with all its fields, where the SFDX source has one per field. The same input makes the same bytes.
"""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from connector.salesforce.deploy.source import NAMESPACE, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from connector.core.metadata import Components
    from connector.salesforce.deploy.source import Source

#: the oldest time a zip can hold: a package built twice must not differ
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_TAG: Final = f"{{{NAMESPACE}}}"


def build_archive(source: Source, components: Components) -> bytes:
    """The package of these components and nothing else."""
    files: dict[str, bytes] = {"package.xml": _manifest(source, components)}
    for name, fields in _by_object(components.fields).items():
        files[f"objects/{name}.object"] = _object([source.field_texts[field] for field in fields])
    if components.permission_set:
        files[f"permissionsets/{source.metadata.permission_set}.permissionset"] = source.permission_set_text
    return _zip(files)


def _by_object(fields: Iterable[str]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for field in sorted(fields):
        grouped.setdefault(field.split(".")[0], []).append(field)
    return grouped


def _manifest(source: Source, components: Components) -> bytes:
    root = ET.Element(f"{_TAG}Package")
    if components.fields:
        _types(root, "CustomField", sorted(components.fields))
    if components.permission_set:
        _types(root, "PermissionSet", [source.metadata.permission_set])
    ET.SubElement(root, f"{_TAG}version").text = source.api_version
    return _text(root)


def _types(root: ET.Element, kind: str, members: Iterable[str]) -> None:
    types = ET.SubElement(root, f"{_TAG}types")
    for member in members:
        ET.SubElement(types, f"{_TAG}members").text = member
    ET.SubElement(types, f"{_TAG}name").text = kind


def _object(fields: Iterable[bytes]) -> bytes:
    root = ET.Element(f"{_TAG}CustomObject")
    for text in fields:
        field = parse(text)
        field.tag = f"{_TAG}fields"
        root.append(field)
    return _text(root)


def _text(root: ET.Element) -> bytes:
    ET.indent(root, space="    ")
    text: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True, default_namespace=NAMESPACE)
    return text + b"\n"


def _zip(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    # Stored, not deflated: compressed bytes would depend on the zlib of the machine.
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name, date_time=_EPOCH)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, text)
    return buffer.getvalue()
