"""The mark that somebody took off a copy at Stripe is written again; what still carries one is left to people.

A lost database finds the copy by it: without the mark it could be made a second time (invariants.md I29).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.model import Side
from connector.core.view import MARK_ID, MARK_ORG, OVER_AT_STRIPE, Act, mark

if TYPE_CHECKING:
    from connector.core.view import View

#: payment records take no metadata once they are reported (derived API description)
_UNMARKABLE: Final = frozenset({"payment_record"})


def mark_again(view: View) -> Act | None:
    """The write that marks this pair's copy, which was read and names nobody; None where there is none to make.

    A copy that names somebody else is not overwritten, whoever's it is: two pairs could claim it in turns.
    """
    record, mapping = view.stripe, view.mapping
    if mapping.born is Side.STRIPE or mapping.stripe.object in _UNMARKABLE or record is None or record.deleted:
        return None
    if view.salesforce is None or view.salesforce.deleted:
        return None
    if record.id != view.link.mate_id or record.fields.get("status") in OVER_AT_STRIPE:
        return None
    metadata = record.fields.get("metadata") or {}
    wanted = mark(view)
    names_nobody = not metadata.get(MARK_ID) and metadata.get(MARK_ORG) in (None, "", wanted[MARK_ORG])
    # half a mark names nobody either: without its org nobody takes it for theirs
    is_half = metadata.get(MARK_ID) == wanted[MARK_ID] and not metadata.get(MARK_ORG)
    if not names_nobody and not is_half:
        return None
    return Act(target=Side.STRIPE, action="mark", target_id=record.id, body={"metadata": wanted})
