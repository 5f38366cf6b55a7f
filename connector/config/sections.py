"""Reading a mapping of a YAML file key by key, so that every problem is found in one run.

A Section hands out checked values and remembers which keys were asked for; `finish` reports the
others with the nearest known name. A wrong value is reported once and read as missing, so that the
caller can go on.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from connector.core.errors import Problem
from connector.core.words import shortened, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from connector.config.yaml_reader import Node


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)`, or nothing when no known word is near."""
    by_folded = {name.casefold(): str(name) for name in known}
    near = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return f" (did you mean {by_folded[near[0]]!r}?)" if near else ""


class Section:
    """One YAML mapping. `title` names it in messages, e.g. `field 'total'`."""

    def __init__(self, node: Node, *, title: str, problems: list[Problem]) -> None:
        self.where = node.where
        self.title = title
        self._problems = problems
        self._asked: set[str] = set()
        self._key_where: Mapping[str, str] = node.key_where
        self._values: Mapping[str, Node] = {}
        if isinstance(node.value, dict):
            self._values = node.value
        else:
            self.report(f"{title} is not a mapping", "write `name: value` lines, indented below it")

    def report(self, observed: str, remedy: str, *, key: str | None = None) -> None:
        """Adds a problem at `key`'s line, or at the section's."""
        where = self._key_where.get(key, self.where) if key is not None else self.where
        self._problems.append(Problem(where=where, observed=shortened(observed), remedy=remedy))

    def where_of(self, key: str) -> str:
        return self._key_where.get(key, self.where)

    def names(self) -> tuple[str, ...]:
        """Every key, all of which count as asked for: a mapping whose names are the user's own."""
        self._asked.update(self._values)
        return tuple(self._values)

    def has(self, key: str) -> bool:
        return key in self._values

    def node(self, key: str, *, required: bool = False) -> Node | None:
        self._asked.add(key)
        node = self._values.get(key)
        if required and (node is None or node.value is None):
            self.report(f"{self.title} has no {key!r}", f"add `{key}: ...`")
        return node if node is not None and node.value is not None else None

    def text(self, key: str, *, required: bool = False) -> str | None:
        node = self.node(key, required=required)
        if node is None:
            return None
        if not isinstance(node.value, str) or not node.value:
            self._wrong(key, node, "a text")
            return None
        return node.value

    def boolean(self, key: str, *, default: bool = False) -> bool:
        node = self.node(key)
        if node is None:
            return default
        if not isinstance(node.value, bool):
            self._wrong(key, node, "`true` or `false`")
            return default
        return node.value

    def integer(self, key: str, *, required: bool = False) -> int | None:
        node = self.node(key, required=required)
        if node is None:
            return None
        if isinstance(node.value, bool) or not isinstance(node.value, int):
            self._wrong(key, node, "a whole number")
            return None
        return node.value

    def choice(self, key: str, choices: Collection[str], *, required: bool = False) -> str | None:
        value = self.text(key, required=required)
        if value is not None and value not in choices:
            self.report(
                f"{self.title}: {key} is {value!r}{did_you_mean(value, choices)}",
                f"write one of {', '.join(sorted(choices))}",
                key=key,
            )
            return None
        return value

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        node = self.node(key, required=required)
        if node is None:
            return ()
        items: Sequence[Any] = node.plain() if isinstance(node.value, list) else [None]
        if not all(isinstance(item, str) and item for item in items):
            self._wrong(key, node, "a list of texts like [one, two]")
            return ()
        return tuple(items)

    def text_mapping(self, key: str, *, required: bool = False) -> dict[str, str]:
        section = self.section(key, required=required)
        if section is None:
            return {}
        pairs = {name: section.text(name, required=True) for name in section.names()}
        return {name: value for name, value in pairs.items() if value is not None}

    def plain_mapping(self, key: str) -> dict[str, Any]:
        node = self.node(key)
        if node is None:
            return {}
        if not isinstance(node.value, dict):
            self._wrong(key, node, "a mapping")
            return {}
        plain = node.plain()
        assert isinstance(plain, dict)
        return plain

    def section(self, key: str, *, required: bool = False) -> Section | None:
        node = self.node(key, required=required)
        if node is None:
            return None
        return Section(node, title=f"{self.title}.{key}" if self.title else key, problems=self._problems)

    def sections(self, key: str) -> tuple[Section, ...]:
        """A list of mappings."""
        node = self.node(key)
        if node is None:
            return ()
        if not isinstance(node.value, list):
            self._wrong(key, node, "a list")
            return ()
        title = f"{self.title}.{key}" if self.title else key
        return tuple(
            Section(item, title=f"{title}[{number}]", problems=self._problems) for number, item in enumerate(node.value)
        )

    def finish(self) -> None:
        """Reports every key nobody asked for."""
        for key in self._values:
            if key not in self._asked:
                self.report(
                    f"{self.title}: unknown key {key!r}{did_you_mean(key, self._asked)}",
                    f"known here: {', '.join(sorted(self._asked))}",
                    key=key,
                )

    def _wrong(self, key: str, node: Node, wanted: str) -> None:
        self.report(f"{self.title}: {key} is {shown(node.plain())}", f"write {wanted}", key=key)
