"""YAML with line numbers, without YAML's traps. The one reader of every YAML file of ours.

A scalar is what it looks like to a stranger: `true`/`false`, `null`, whole numbers, decimals (as
Decimal, never float); everything else is text, so `NO` is Norway, `2026-01-31` a text and `010` no
octal eight. Refused, all with their line: duplicate keys, anchors and aliases (so no "billion laughs"),
tags, several documents, keys that are not plain text, files too large or too deep.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import yaml

from connector.config.text_file import UnreadableFile, read_text_file
from connector.core.errors import Problem
from connector.core.words import shortened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BYTES_MAX: Final = 1_000_000
DEPTH_MAX: Final = 20
#: in one file: whoever has more is helped by the first of them
PROBLEMS_MAX: Final = 100

_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_DECIMAL: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,18}")
_WORDS: Final = {"true": True, "false": False, "null": None, "~": None, "": None}

#: libyaml's parser where PyYAML was built with it: ten times faster, the same events
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Scalar: TypeAlias = str | int | bool | Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One value and where it stands."""

    value: dict[str, Node] | list[Node] | Scalar
    #: `file:line`
    where: str
    #: where each key stands, for mappings
    key_where: dict[str, str]

    def plain(self) -> Any:
        """The value without positions: dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


def read_yaml_file(
    path: Path, problems: list[Problem], *, remedy: str = "make it a readable UTF-8 file"
) -> Node | None:
    """The document in this file; None when there is none or it cannot be read, which is then reported."""
    try:
        text = read_text_file(path, bytes_max=BYTES_MAX)
    except UnreadableFile as error:
        problems.append(Problem(where=str(path), observed=f"cannot be read: {error}", remedy=remedy))
        return None
    return read_yaml(text, name=str(path), problems=problems)


def read_yaml(text: str, *, name: str, problems: list[Problem]) -> Node | None:
    """The document in `text`; None when it is empty or cannot be read at all.

    `name` is what messages call the file. Everything wrong with the text is appended to `problems`, up to
    PROBLEMS_MAX and a word that there may be more.
    """
    if len(text) > BYTES_MAX:
        size = f"the file has {len(text)} characters, more than {BYTES_MAX}"
        problems.append(Problem(where=name, observed=size, remedy="split it, or check that it is the right file"))
        return None
    try:
        return _Reader(name, problems).read(text)
    except _Stop:
        return None
    except UnicodeEncodeError:
        remedy = "remove the character that is none; it may come from a file of another encoding"
        problems.append(Problem(where=name, observed="it holds half of a character", remedy=remedy))
        return None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problems.append(
            Problem(
                where=f"{name}:{mark.line + 1}" if mark is not None else name,
                observed=f"not YAML: {getattr(error, 'problem', None) or error}",
                remedy="check indentation, quotes and colons on this line and the one before",
            )
        )
        return None


class _Stop(Exception):
    """Reading further would only repeat what is already reported."""


class _Reader:
    def __init__(self, name: str, problems: list[Problem]) -> None:
        self._name = name
        self._problems = problems
        self._depth = 0
        self._refused = 0

    def read(self, text: str) -> Node | None:
        events = yaml.parse(text, Loader=_LOADER)
        next(events)  # the stream's start
        event = next(events)
        if isinstance(event, yaml.StreamEndEvent):
            return None
        root = self._node(next(events), events)
        next(events)  # the document's end
        event = next(events)
        if not isinstance(event, yaml.StreamEndEvent):
            self._refuse(event, "a second document starts here", "keep one document per file")
        return root

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event]) -> Node:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            self._refuse(event, "anchors and aliases are not read", "write the value out where it is used")
            raise _Stop
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._refuse(event, f"the tag {tag!r} is not read", "remove it; a value is text, a number or true/false")
            raise _Stop
        where = self._where(event)
        if isinstance(event, yaml.ScalarEvent):
            return Node(value=_scalar(event), where=where, key_where={})
        self._depth += 1
        if self._depth > DEPTH_MAX:
            self._refuse(event, f"nested deeper than {DEPTH_MAX} levels", "flatten it; no setting is that deep")
            raise _Stop
        if isinstance(event, yaml.SequenceStartEvent):
            items = [self._node(inner, events) for inner in self._until(yaml.SequenceEndEvent, events)]
            node = Node(value=items, where=where, key_where={})
        else:
            node = self._mapping(where, events)
        self._depth -= 1
        return node

    def _mapping(self, where: str, events: Iterator[yaml.Event]) -> Node:
        values: dict[str, Node] = {}
        key_where: dict[str, str] = {}
        for event in self._until(yaml.MappingEndEvent, events):
            if not isinstance(event, yaml.ScalarEvent):
                self._refuse(event, "a key that is not a plain word", "write `name: value`")
                raise _Stop
            key = event.value
            node = self._node(next(events), events)
            if key in values:
                self._refuse(event, f"{key!r} is written twice", f"keep one; the first is at {key_where[key]}")
                continue
            values[key] = node
            key_where[key] = self._where(event)
        return Node(value=values, where=where, key_where=key_where)

    @staticmethod
    def _until(end: type[yaml.Event], events: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
        for event in events:
            if isinstance(event, end):
                return
            yield event

    def _where(self, event: yaml.Event) -> str:
        mark = event.start_mark
        return self._name if mark is None else f"{self._name}:{mark.line + 1}"

    def _refuse(self, event: yaml.Event, observed: str, remedy: str) -> None:
        self._problems.append(Problem(where=self._where(event), observed=shortened(observed), remedy=remedy))
        self._refused += 1
        if self._refused == PROBLEMS_MAX:
            more = f"{PROBLEMS_MAX} problems so far; the rest of the file was not read"
            self._problems.append(Problem(where=self._where(event), observed=more, remedy="mend these, then try again"))
            raise _Stop


def _scalar(event: yaml.ScalarEvent) -> Scalar:
    text: str = event.value
    if not event.implicit[0]:
        return text  # quoted or block text is text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return Decimal(text)
    return text
