"""What may exist on the other side already is not made until somebody says that it does not (`connector adopt`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.view import UNDECIDED, Park

if TYPE_CHECKING:
    from connector.core.model import Link
    from connector.core.view import View


def undecided(view: View) -> Park | None:
    """The park of a birth that is held back; what is gone at its birthplace has nothing to be held back from."""
    side = view.link.born.side
    record = view.record(side)
    if side in view.read and (record is None or record.deleted):
        return None
    return held(view.link)


def held(link: Link) -> Park | None:
    mates = link.progress.get(UNDECIDED)
    if not mates or link.mate_id is not None:
        return None
    return Park(
        code=f"{link.kind}.adopt_undecided",
        reason=f"may be {', '.join(mates)} already; somebody decides by `connector adopt` which it is, if any",
    )
