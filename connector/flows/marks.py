"""Is this the store that wrote what the systems hold? Marks that nobody here knows say that it is not.

A backup that was restored, a database that was emptied, a second installation on the same pair: each would
make again what it does not know. The brake `store_restored` refuses every pass until `connector recover`
has linked everything by its marks (invariants.md I29).
"""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Final

from connector.core.brake import BrakeName, TrippedBrake
from connector.core.model import Key, Side
from connector.flows.subject import marked_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.marks import Mark
    from connector.core.model import Link
    from connector.flows.workspace import Workspace

#: examples kept with the brake
_EXAMPLES: Final = 2
#: until when the events of our own requests need no operation row: `recover` has looked at all they did
TRUSTED_UNTIL: Final = "marks_trusted_until"
#: whether the systems were searched for marks by a pass that did not read them from the beginning
LOOKED: Final = "marks_looked_for"


def compare_marks(workspace: Workspace, marks: Sequence[Mark]) -> bool:
    """Whether the store knows them all; trips the brake when it does not. To be called before what was read
    is stored: a death in between reads the same again.
    """
    strange = unknown_marks(workspace, marks)
    if strange:
        workspace.store.brakes.trip([_brake(strange, workspace.clock.now())])
    return not strange


def look_for_marks(workspace: Workspace) -> None:
    """Reads what changed and stores nothing of it, for a pass that would otherwise write without having looked."""
    cursors = {side: workspace.store.load_cursors(side) for side in Side}
    is_first = not cursors[Side.STRIPE]
    if is_first and workspace.store.load_note(LOOKED) is not None:
        return
    for side in Side:
        for page in workspace.system(side).changes(cursors[side], kinds=workspace.kinds()):
            if not compare_marks(workspace, page.marks):
                return
    if is_first:
        workspace.store.save_note(LOOKED, workspace.clock.now().isoformat())


def unknown_marks(workspace: Workspace, marks: Sequence[Mark]) -> list[Mark]:
    """Those marks that neither a link nor an operation of this store explains."""
    running = set(workspace.kinds())
    wanted = [mark for mark in marks if any(key.kind in running for key in mark.keys)]
    events = [mark for mark in wanted if mark.caused_by is not None]
    listed = [mark for mark in wanted if mark.caused_by is None and mark.keys[0].side is Side.STRIPE]
    polled = [mark for mark in wanted if mark.caused_by is None and mark.keys[0].side is Side.SALESFORCE]
    return [
        *_unknown_events(workspace, events),
        *_unknown_at_stripe(workspace, listed),
        *_unknown_in_salesforce(workspace, polled),
    ]


def _unknown_events(workspace: Workspace, marks: Sequence[Mark]) -> list[Mark]:
    """An operation's row is committed before its request goes out, by whatever worker: no row, not our store."""
    if not marks:
        return []
    known = workspace.store.marks.load_known_keys([str(mark.caused_by) for mark in marks])
    strange = [mark for mark in marks if mark.caused_by not in known]
    note = workspace.store.load_note(TRUSTED_UNTIL) if strange else None
    if note is None:
        return strange
    trusted = datetime.fromisoformat(note)
    return [mark for mark in strange if mark.at is None or mark.at > trusted]


def _unknown_at_stripe(workspace: Workspace, marks: Sequence[Mark]) -> list[Mark]:
    """Listed with our mark. A link that has another mate has a copy that somebody made, which is reported elsewhere;
    one whose create was begun may have been made by it.
    """
    if not marks:
        return []
    links = workspace.store.load_links([born for mark in marks for born in _named(mark)])
    unmated = [link.born for link in links.values() if link.mate_id is None]
    begun = workspace.store.marks.load_begun(unmated)
    return [
        mark
        for mark in marks
        if not any(born in links and (links[born].mate_id is not None or born in begun) for born in _named(mark))
    ]


def _unknown_in_salesforce(workspace: Workspace, marks: Sequence[Mark]) -> list[Mark]:
    """Rows that name a copy. What a person typed there is no evidence: the copy itself must carry our mark, or
    be a record that is born at Stripe.
    """
    if not marks:
        return []
    keys = [key for mark in marks for key in (*mark.keys, *_named(mark))]
    links = workspace.store.load_links(keys)
    doubtful = [mark for mark in marks if not _is_linked(mark, links)]
    ids: dict[str, set[str]] = {}
    for mark in doubtful:
        for key in mark.keys:
            if key.kind in workspace.kinds():
                ids.setdefault(key.kind, set()).add(mark.names)
    if not ids:
        return []
    copies = workspace.stripe.fetch_many({kind: sorted(found) for kind, found in ids.items()}, select={})
    return [
        mark
        for mark in doubtful
        if any(
            (copy := copies.get(named)) is not None
            and (
                workspace.pack.kinds[named.kind].born is Side.STRIPE
                or marked_id(copy, workspace.identity.org_id) == mark.keys[0].id
            )
            for named in _named(mark)
        )
    ]


def _is_linked(mark: Mark, links: Mapping[Key, Link]) -> bool:
    """Whether the row's link knows this copy, or the copy is another link's (a merged Account took it over)."""
    if any(named in links for named in _named(mark)):
        return True
    own = [links[key] for key in mark.keys if key in links]
    return any(mark.names in (*link.earlier_mates, link.mate_id) for link in own)


def _named(mark: Mark) -> tuple[Key, ...]:
    """The keys on the other side that the mark may mean."""
    return tuple(Key(side=key.side.other, kind=key.kind, id=mark.names) for key in mark.keys)


def _brake(strange: Sequence[Mark], at: datetime) -> TrippedBrake:
    # an event of a record is a mark each time: people count records
    strange = list({mark.keys[0]: mark for mark in strange}.values())
    return TrippedBrake(
        name=BrakeName.STORE_RESTORED,
        subject="",
        tripped_at=at,
        observed=f"{_counted(strange)} that this database does not know, "
        f"e.g. {'; '.join(_words(mark) for mark in strange[:_EXAMPLES])}",
        allowed="none: a restored or emptied database, or a second installation, would make them again",
        plan={},
    )


def _counted(strange: Sequence[Mark]) -> str:
    sides = sorted(mark.keys[0].side for mark in strange)
    numbers = {side: len(list(group)) for side, group in groupby(sides)}
    return " and ".join(
        f"1 record in {side.value} carries our mark"
        if number == 1
        else f"{number} records in {side.value} carry our mark"
        for side, number in numbers.items()
    )


def _words(mark: Mark) -> str:
    key = mark.keys[0]
    return f"{key.kind} {key.id} names {mark.names}"
