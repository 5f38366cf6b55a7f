"""What the lifecycles would do about pairs as they are now; nothing is done. Reads, never writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.view import Read
from connector.flows.chunks import fetch
from connector.flows.drain import ask_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.view import Decision
    from connector.flows.parents import ParentBook
    from connector.flows.subject import Subject
    from connector.flows.workspace import Workspace

#: a lifecycle reads its two sides, then what they lead to
_READS_MAX = 10


def verdicts(workspace: Workspace, subjects: Sequence[Subject], book: ParentBook) -> list[tuple[Subject, Decision]]:
    """The first decision of each that is not to read more. Parents are not pulled in: who waits, waits."""
    found: list[tuple[Subject, Decision]] = []
    active = list(subjects)
    for _ in range(_READS_MAX):
        reading = []
        for subject, decision in ask_all(workspace, active, book):
            if isinstance(decision, Read):
                subject.want(decision)
                reading.append(subject)
            else:
                found.append((subject, decision))
        if not reading:
            return found
        fetch(workspace, reading)
        active = reading
    raise AssertionError(f"{active[0].link.born} wants to read for ever")
