"""A record was merged into another one in Salesforce: the mate goes over to the one that is left."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from connector.core.model import Link, LinkState, Signal
from connector.core.settle import PENDING, retire_mate
from connector.core.view import Ignore, Moved, Park
from connector.ports import Settlement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.view import Decision
    from connector.flows.parents import ParentBook
    from connector.flows.subject import Subject
    from connector.flows.workspace import Workspace


def hand_on(
    workspace: Workspace, decided: Sequence[tuple[Subject, Decision]], book: ParentBook
) -> tuple[list[tuple[Subject, Decision]], list[Subject]]:
    """Moves the mates of what was merged, each in one transaction: what is left to be done, and the heirs whose
    decision no longer holds because they have a mate now.
    """
    left: list[tuple[Subject, Decision]] = []
    heirs: list[Subject] = []
    for subject, decision in decided:
        if isinstance(decision, Moved):
            left += _move(workspace, subject, decision, book, heirs)
        else:
            left.append((subject, decision))
    return [pair for pair in left if pair[0] not in heirs], heirs


def _move(
    workspace: Workspace, subject: Subject, moved: Moved, book: ParentBook, heirs: list[Subject]
) -> list[tuple[Subject, Decision]]:
    link, present = subject.link, book.subject(moved.to)
    over = Ignore(reason=f"merged into {moved.to.id}")
    if PENDING in link.progress:
        # a write of another worker is under way: left alone, and looked at again
        return [(subject, over)]
    stored = workspace.store.load_links([moved.to]).get(moved.to)
    heir = present.link if present is not None and stored is None else stored or Link(born=moved.to)
    if PENDING in heir.progress:
        # its own record may have been made: known first, or nobody would ever know of that one
        return []
    if heir.mate_id is not None:
        reason = f"{link.born.id} was merged into {heir.born.id}, which is {heir.mate_id} at Stripe; "
        reason += f"{link.mate_id} is left as it is: what it still owes stays on it"
        return [(subject, Park(code=f"{link.kind}.merged", reason=reason, gone=True))]
    given_up = replace(retire_mate(link), state=LinkState.CLOSED, reason=over.reason, reason_code=None)
    taken = replace(
        heir,
        mate_id=link.mate_id,
        # what was agreed with the other record: what this one says differently is news
        shadow=link.shadow,
        progress={**{name: value for name, value in link.progress.items() if name != PENDING}, **heir.progress},
        state=LinkState.OPEN,
        reason=None,
        reason_code=None,
        waiting_on=None,
        shard=link.shard,
    )
    assert taken.mate is not None
    again = tuple(Signal(key=key, cause="settle") for key in (taken.born, taken.mate))
    workspace.store.settle(
        [
            Settlement(link=given_up, event=f"{link.kind} merged into {heir.born.id}", cause=subject.cause),
            Settlement(link=taken, event=f"{link.kind} inherited {link.mate_id}", cause=subject.cause, signals=again),
        ]
    )
    subject.link = subject.stored = given_up
    if present is not None:
        present.link = present.stored = taken
        present.stale = True
        book.add(present)
        heirs.append(present)
    return [(subject, over)]
