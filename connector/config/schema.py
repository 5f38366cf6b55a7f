"""What a Salesforce org's objects hold, as far as a mapping must know: the bundled answer.

The bundled schema is the published one plus the custom fields this program ships as metadata. A live
org's describe answers the same questions through the same protocol; it knows more, and it wins.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol
from xml.etree import ElementTree as ET

from connector.config.places import DATA, share

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_METADATA: Final = "{http://soap.sforce.com/2006/04/metadata}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSchema:
    name: str
    #: describe's type: string, currency, reference, picklist, ...
    type: str
    createable: bool
    updateable: bool
    external_id: bool = False
    #: the objects a reference points to
    reference_to: tuple[str, ...] = ()
    #: the step that follows the reference in a path, e.g. `blng__Account__r`
    relationship_name: str | None = None
    picklist_values: tuple[str, ...] = ()
    restricted_picklist: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectSchema:
    name: str
    fields: Mapping[str, FieldSchema]
    #: relationship name -> the reference it follows
    relationships: Mapping[str, FieldSchema] = field(default_factory=dict)


class SchemaSource(Protocol):
    #: True for an org's own describe: its picklists are exact, the bundled ones a union over orgs
    is_live: bool

    def describe(self, object_name: str) -> ObjectSchema | None:
        """None when there is no such object."""
        ...

    def object_names(self) -> tuple[str, ...]:
        """For `did you mean`."""
        ...


class BundledSchema:
    """Reads `data/salesforce/schema/<Object>.json` and the `*.field-meta.xml` of deploy/salesforce."""

    is_live = False

    def __init__(self, *, schema: Path | None = None, metadata: Path | None = None) -> None:
        self._schema = schema if schema is not None else DATA / "salesforce" / "schema"
        metadata = metadata if metadata is not None else share("salesforce")
        self._objects = metadata / "force-app" / "main" / "default" / "objects"
        self._read: dict[str, ObjectSchema | None] = {}

    def object_names(self) -> tuple[str, ...]:
        return tuple(sorted(path.stem for path in self._schema.glob("*.json")))

    def describe(self, object_name: str) -> ObjectSchema | None:
        if object_name not in self._read:
            self._read[object_name] = self._load(object_name)
        return self._read[object_name]

    def _load(self, object_name: str) -> ObjectSchema | None:
        if object_name not in self.object_names():
            return None
        content = json.loads((self._schema / f"{object_name}.json").read_text(encoding="utf-8"))
        fields = [_published(entry) for entry in content["fields"]]
        fields += [_shipped(path) for path in sorted(self._objects.glob(f"{object_name}/fields/*.field-meta.xml"))]
        return ObjectSchema(
            name=object_name,
            fields={entry.name: entry for entry in fields},
            relationships={entry.relationship_name: entry for entry in fields if entry.relationship_name is not None},
        )


def _published(entry: Mapping[str, Any]) -> FieldSchema:
    return FieldSchema(
        name=entry["name"],
        type=entry["type"],
        createable=entry["createable"],
        updateable=entry["updateable"],
        external_id=entry.get("external_id", False),
        reference_to=tuple(entry.get("reference_to", ())),
        relationship_name=entry.get("relationship_name"),
        picklist_values=tuple(entry.get("picklist_values", ())),
        restricted_picklist=entry.get("restricted_picklist", False),
    )


def _shipped(path: Path) -> FieldSchema:
    # our own files, shipped with the program: no entity or network reference can hide in them
    root = ET.parse(path).getroot()  # noqa: S314 - the file is ours, see above
    text = {child.tag.removeprefix(_METADATA): (child.text or "") for child in root}
    return FieldSchema(
        name=text["fullName"],
        type={"Text": "string", "LongTextArea": "textarea", "Number": "double"}.get(text["type"], text["type"].lower()),
        createable=True,
        updateable=True,
        external_id=text.get("externalId") == "true",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PathProblem:
    observed: str
    #: names that exist where the path went wrong
    known: tuple[str, ...]
    word: str


def resolve_path(source: SchemaSource, object_name: str, path: str) -> FieldSchema | PathProblem | None:
    """The field at the end of `path`, walked from `object_name` through its lookups.

    None when the path passes through an object `source` does not know: nothing can be said.
    """
    *steps, last = path.split(".")
    current = source.describe(object_name)
    for step in steps:
        if current is None:
            return None
        reference = current.relationships.get(step)
        if reference is None:
            known = tuple(sorted(current.relationships))
            return PathProblem(observed=f"{current.name} has no relationship {step!r}", known=known, word=step)
        current = source.describe(reference.reference_to[0]) if reference.reference_to else None
    if current is None:
        return None
    found = current.fields.get(last)
    if found is None:
        return PathProblem(
            observed=f"{current.name} has no field {last!r}", known=tuple(sorted(current.fields)), word=last
        )
    return found
