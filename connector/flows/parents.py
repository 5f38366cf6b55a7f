"""What lifecycles ask about other pairs, answered from memory.

A lifecycle is pure, so it cannot load: what it asked for and nobody knew is collected, loaded in one
look-up, and the lifecycle is asked again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from connector.core.model import Key, Link, Side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from connector.flows.subject import Subject
    from connector.flows.workspace import Workspace

T = TypeVar("T")


class ParentBook:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._subjects: dict[Key, Subject] = {}
        self._links: dict[Key, Link | None] = {}
        self._names: dict[str, str] = {}
        self.asked: set[Key] = set()
        #: how often nobody knew; two pairs may ask for the same parent
        self.misses = 0

    def add(self, subject: Subject) -> None:
        """A pair of this drain: its link is taken from the subject, as it is at the moment of asking."""
        for side in Side:
            record_id = subject.link.id_on(side)
            if record_id is not None:
                self._subjects[Key(side=side, kind=subject.link.kind, id=record_id)] = subject

    def __call__(self, kind: str, side: Side, record_id: str) -> Link | None:
        key = Key(side=side, kind=kind, id=record_id)
        subject = self._subjects.get(key)
        if subject is None and key not in self._links:
            self.asked.add(key)
            self.misses += 1
            return None
        link = self._links[key] if subject is None else subject.link
        if link is not None and link.mate_id is not None:
            self._names[link.mate_id] = f"{{{link.kind} {link.born.id}}}"
        return link

    def subject(self, key: Key) -> Subject | None:
        return self._subjects.get(key)

    def name_of(self, record_id: str) -> str:
        """A parent's symbolic name for the id of its mate; any other text as it is."""
        return self._names.get(record_id, record_id)

    def answers(self, subjects: Iterable[Subject], ask: Callable[[Subject], T]) -> list[tuple[Subject, T]]:
        """What `ask` says of each; who asked for parents nobody knew is asked again once these are loaded."""
        found: list[tuple[Subject, T]] = []
        pending = list(subjects)
        while pending:
            unsure = []
            for subject in pending:
                before = self.misses
                answer = ask(subject)
                if self.misses > before:
                    unsure.append(subject)
                else:
                    found.append((subject, answer))
            self.load_asked()
            pending = unsure
        return found

    def load_asked(self) -> bool:
        """Loads what was asked in vain; False when nothing was."""
        if not self.asked:
            return False
        keys = sorted(self.asked)
        self.asked.clear()
        found = self._workspace.store.load_links(keys)
        for key in keys:
            self._links[key] = found.get(key)
        return True
