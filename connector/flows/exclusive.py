"""One after the other: pairs of one drain that write about the same record.

Two cheques for one invoice, or two payments over its lines, are each decided by what is still open
there. The first one finishes before the second one looks; pairs that share nothing never wait here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.core.model import Key
    from connector.flows.subject import Subject


class Exclusive:
    def __init__(self) -> None:
        self._holders: dict[Key, Subject] = {}
        self._queue: list[tuple[Subject, Key]] = []

    @property
    def queued(self) -> list[Subject]:
        return [subject for subject, _ in self._queue]

    def admit(self, subject: Subject, key: Key | None) -> bool:
        """Whether it may write now; else it is queued until the one before it came to rest."""
        if key is None or self._holders.setdefault(key, subject) is subject:
            return True
        self._queue.append((subject, key))
        return False

    def release(self, busy: Iterable[Subject]) -> list[Subject]:
        """Those whose turn it is, now that only `busy` are still at work. What they read of the record is old."""
        at_work = set(busy)
        self._holders = {key: subject for key, subject in self._holders.items() if subject in at_work}
        queue, self._queue = self._queue, []
        released = []
        for subject, key in queue:
            if self._holders.setdefault(key, subject) is subject:
                subject.others.pop(key, None)
                released.append(subject)
            else:
                self._queue.append((subject, key))
        return released
