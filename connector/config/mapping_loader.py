"""A folder of YAML -> a Pack, or every problem in it at once with file, line and remedy.

`pack.yaml` names the pack and its kinds; each kind has a file of its own name beside it. The
vocabulary is documented in docs/mapping.md. Nothing here talks to a remote system: an org's own
describe comes in through SchemaSource.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector.config.codec_registry import load_codecs
from connector.config.kind_parser import parse_kind
from connector.config.pack_rules import check_pack
from connector.config.schema import BundledSchema
from connector.config.schema_rules import check_schema
from connector.config.sections import Section, did_you_mean
from connector.config.text_file import exists
from connector.config.yaml_reader import read_yaml_file
from connector.core.errors import MappingError, Problem
from connector.core.mapping import Pack

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from connector.config.parsed import ParsedKind
    from connector.config.schema import SchemaSource
    from connector.config.yaml_reader import Node
    from connector.core.mapping import Codec

VERSION = 1


def load_pack(
    folder: Path,
    *,
    schema: SchemaSource | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    codecs: Mapping[str, Codec] | None = None,
) -> Pack:
    """The checked pack in `folder`.

    `schema` answers for the org (default: the bundled one), `overrides` are options per kind that the
    settings decide, `codecs` all codecs by name (default: built-in and installed plug-ins). Raises
    MappingError holding every problem found.
    """
    problems: list[Problem] = []
    codecs = load_codecs() if codecs is None else codecs
    schema = BundledSchema() if schema is None else schema
    overrides = overrides or {}
    files = read_pack_files(folder, problems)
    name, kinds = "", []
    if files is not None:
        name = files.name
        kinds = _parse_kinds(files, codecs=codecs, overrides=overrides, problems=problems)
        problems += _check_overrides(overrides, kinds, folder)
        problems += check_pack(kinds)
        for parsed in kinds:
            problems += check_schema(parsed, schema)
    if problems:
        raise MappingError(list(dict.fromkeys(problems)))
    assert files is not None
    mappings = sorted((parsed.mapping for parsed in kinds), key=lambda mapping: mapping.tier)
    return Pack(name=name, kinds={mapping.kind: mapping for mapping in mappings}, digest=_digest(files, overrides))


@dataclass(frozen=True, slots=True, kw_only=True)
class PackFiles:
    """The files of a pack as read, before anything is made of them."""

    name: str
    #: kind -> its file
    nodes: Mapping[str, Node]


def read_pack_files(folder: Path, problems: list[Problem]) -> PackFiles | None:
    """None when there is no pack to read; everything wrong is appended to `problems`."""
    if not exists(folder / "pack.yaml"):
        remedy = "point CONNECTOR_MAPPINGS at a folder that holds a pack.yaml"
        problems.append(Problem(where=str(folder), observed="no mapping pack here", remedy=remedy))
        return None
    root = _read(folder, "pack.yaml", problems)
    if root is None:
        return None
    section = Section(root, title="pack", problems=problems)
    name, version = section.text("name", required=True), section.integer("version", required=True)
    kinds = section.texts("kinds", required=True)
    section.finish()
    if version is not None and version != VERSION:
        section.report(f"version {version} is not known", f"this program reads version {VERSION}", key="version")
    present = {path.stem for path in folder.glob("*.yaml")} - {"pack"}
    for kind in sorted(present - set(kinds)):
        where = str(folder / f"{kind}.yaml")
        problems.append(
            Problem(where=where, observed="not named by pack.yaml", remedy="add it to `kinds`, or remove it")
        )
    nodes: dict[str, Node] = {}
    for kind in dict.fromkeys(kinds):
        if kind not in present:
            observed = f"no file {kind}.yaml{did_you_mean(kind, present)}"
            section.report(observed, "write it, or remove the kind", key="kinds")
            continue
        node = _read(folder, f"{kind}.yaml", problems)
        if node is not None:
            nodes[kind] = node
    return PackFiles(name=name or folder.name, nodes=nodes)


def _read(folder: Path, file: str, problems: list[Problem]) -> Node | None:
    name = str(folder / file)
    count = len(problems)
    node = read_yaml_file(folder / file, problems)
    if node is None and len(problems) == count:
        problems.append(Problem(where=name, observed="the file is empty", remedy="see docs/mapping.md"))
    return node


def _parse_kinds(
    files: PackFiles,
    *,
    codecs: Mapping[str, Codec],
    overrides: Mapping[str, Mapping[str, Any]],
    problems: list[Problem],
) -> list[ParsedKind]:
    kinds = []
    for kind, node in files.nodes.items():
        section = Section(node, title=kind, problems=problems)
        parsed = parse_kind(section, codecs=codecs, overrides=overrides.get(kind, {}))
        if parsed is None:
            continue
        if parsed.mapping.kind != kind:
            section.report(
                f"kind is {parsed.mapping.kind!r} in {kind}.yaml", "name the file after the kind", key="kind"
            )
            continue
        kinds.append(parsed)
    return kinds


def _check_overrides(
    overrides: Mapping[str, Mapping[str, Any]], kinds: list[ParsedKind], folder: Path
) -> list[Problem]:
    known = {parsed.mapping.kind for parsed in kinds}
    return [
        Problem(
            where=folder.name, observed=f"settings override kind {kind!r}, which the pack lacks", remedy="remove them"
        )
        for kind in overrides
        if kind not in known
    ]


def _digest(files: PackFiles, overrides: Mapping[str, Mapping[str, Any]]) -> str:
    """Changes with what the pack means: not with comments, layout or examples."""
    kinds = {}
    for kind, node in files.nodes.items():
        kinds[kind] = {key: value for key, value in node.plain().items() if key != "examples"}
    content = {"name": files.name, "kinds": kinds, "overrides": overrides}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=_decimal_text)
    return hashlib.sha256(text.encode()).hexdigest()


def _decimal_text(value: object) -> str:
    assert isinstance(value, Decimal)
    return str(value)
