"""One state machine per kind, by the name a mapping gives under `lifecycle`.

`decide` is the only door: a record whose values cannot be read parks by name, whatever its kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.lifecycle import catalogue, invoice, offline_payment, payment, quote
from connector.core.view import Decision, Park, View

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
    try:
        return LIFECYCLES[view.mapping.lifecycle](view)
    except ValueError as error:
        return Park(code=f"{view.mapping.kind}.value_unreadable", reason=str(error))
