"""One state machine per kind, by the name a mapping gives under `lifecycle`.

`decide` is the only door: a record whose values cannot be read parks by name, whatever its kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.conditions import normalised
from connector.core.fields import FieldErrors
from connector.core.lifecycle import catalogue, invoice, offline_payment, payment, quote
from connector.core.lifecycle.marking import mark_again
from connector.core.lifecycle.undecided import undecided
from connector.core.model import Side
from connector.core.view import Decision, Ignore, Park, View

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LIFECYCLES: Final[Mapping[str, Callable[[View], Decision]]] = {
    "catalogue": catalogue.decide,
    "quote": quote.decide,
    "invoice": invoice.decide,
    "payment": payment.decide,
    "offline_payment": offline_payment.decide,
}


def decide(view: View) -> Decision:
    """The next step for one pair. Pure; never raises for anything a record can hold."""
    held_back = undecided(view)
    if held_back is not None:
        return held_back
    if view.mapping.born is Side.SALESFORCE and Side.SALESFORCE in view.read and view.salesforce is None:
        return _not_shown(view)
    vanished = _vanished(view)
    if vanished:
        names = ", ".join(vanished)
        reason = f"{names}: {view.link.mate_id or view.link.born.id} no longer shows what it showed before"
        return Park(code=f"{view.mapping.kind}.field_vanished", reason=reason, about=names)
    unmarked = mark_again(view)
    if unmarked is not None:
        return unmarked
    try:
        return LIFECYCLES[view.mapping.lifecycle](view)
    except FieldErrors as error:
        about = "; ".join(f"{name}: {normalised(problem)}" for name, problem in sorted(error.problems.items()))
        return Park(code=f"{view.mapping.kind}.value_unreadable", reason=str(error), about=about)
    except ValueError as error:
        return Park(code=f"{view.mapping.kind}.value_unreadable", reason=str(error), about=normalised(str(error)))


def _not_shown(view: View) -> Decision:
    """Absent from the answer to its own id. Salesforce says so of a record that is hidden by sharing as well as of
    one that was deleted for good, so it is no evidence of a deletion (invariants.md I10).
    """
    if view.link.mate_id is None:
        return Ignore(reason="not shown in Salesforce")
    return Park(
        code=f"{view.mapping.kind}.not_shown",
        reason=f"Salesforce does not show {view.link.born.id} to the connector's user; "
        f"{view.link.mate_id} at Stripe is left as it is, because hidden and deleted for good look the same",
    )


def _vanished(view: View) -> list[str]:
    """Mapped fields that Stripe's record once had a value in and now does not even name: no value is not
    emptiness, which would be there as null. (Salesforce's reader refuses such an answer as a whole.)
    """
    record = view.stripe
    if record is None or record.deleted:
        return []
    return [
        rule.name
        for rule in view.mapping.fields
        if rule.stripe is not None
        and rule.stripe.partition(".")[0] not in record.fields
        and view.link.shadow.get(rule.name, (None, None))[1] is not None
    ]
