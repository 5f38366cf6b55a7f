"""Subjects in chunks, and what they want read: the next chunk is read while one is worked on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.errors import RemoteError
from connector.core.model import Key, Side
from connector.flows.route import link_by_marker

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from connector.flows.subject import Subject
    from connector.flows.workspace import Workspace

#: pairs read and written together: what one Salesforce call takes
CHUNK = 200
#: chunks read ahead at the same time: one is read from Salesforce while the one before it is read from Stripe
AHEAD = 2


def read_ahead(workspace: Workspace, subjects: Sequence[Subject]) -> Generator[tuple[list[Subject], bool], None, None]:
    """Chunks as they are read, the next one while the caller works; ends when told to stop.

    With each: whether the next one is read from Salesforce alone. Stripe would be idle until it gets
    something to write from that chunk, so what this one still has to write in Salesforce may go with it.
    """
    chunks = [list(subjects[start : start + CHUNK]) for start in range(0, len(subjects), CHUNK)]
    idle_stripe = [not any(Side.STRIPE in subject.wanted for subject in chunk) for chunk in chunks]
    with workspace.workers.pool(size=AHEAD, name="read-ahead") as reader:
        coming = [reader.submit(fetch, workspace, chunk) for chunk in chunks[:AHEAD]]
        try:
            for place, chunk in enumerate(chunks, 1):
                try:
                    coming.pop(0).result()
                except RemoteError:
                    # what the chunk before left to be written does not suffer from it
                    yield [], False
                    raise
                if workspace.stop():
                    return
                coming += [
                    reader.submit(fetch, workspace, after) for after in chunks[place + AHEAD - 1 : place + AHEAD]
                ]
                yield chunk, any(idle_stripe[place : place + 1])
        finally:
            # whoever stops here does not wait for what nobody will look at
            for each in coming:
                each.cancel()


def fetch(workspace: Workspace, subjects: Sequence[Subject]) -> None:
    """Reads what these subjects want and have not read."""
    for side in Side:
        asking = [subject for subject in subjects if side in subject.wanted and side not in subject.records]
        wanted: dict[str, set[str]] = {}
        select: dict[str, list[str]] = {}
        for subject in asking:
            record_id = subject.id_on(side)
            if record_id is None:
                continue
            wanted.setdefault(subject.mapping.kind, set()).add(record_id)
            if subject.link.mate_id is None and subject.mapping.salesforce.where is not None:
                select.setdefault(subject.mapping.kind, []).append(record_id)
        others = {key for subject in subjects for key in subject.wanted_others if key.side is side}
        for key in others:
            wanted.setdefault(key.kind, set()).add(key.id)
        ids = {kind: sorted(found) for kind, found in wanted.items()}
        records = workspace.system(side).fetch_many(ids, select=select) if ids else {}
        for subject in asking:
            record_id = subject.id_on(side)
            found = None
            if record_id is not None:
                found = records.get(Key(side=side, kind=subject.mapping.kind, id=record_id))
            subject.records[side] = found
        for subject in subjects:
            subject.others |= {key: records.get(key) for key in subject.wanted_others & others}
    for subject in subjects:
        subject.wanted.clear()
        subject.wanted_others.clear()
    link_by_marker(subjects)
