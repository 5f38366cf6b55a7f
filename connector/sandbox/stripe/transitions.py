"""Which call is allowed in which state, and how a refused one is answered: the one table.

The life cycles are documented (platform.md C6, C7, C8). Which of the existing codes a refused call
carries is NOT (platform.md "Not settled"): the pairing below is inferred and kept in this file only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.sandbox.stripe.errors import StripeError

if TYPE_CHECKING:
    from connector.sandbox.stripe.engine import Fields
    from connector.sandbox.stripe.store import Object

#: (object, call) -> (states it may be called in, code of the refusal)
ALLOWED: dict[tuple[str, str], tuple[frozenset[str], str | None]] = {
    ("invoice", "delete"): (frozenset({"draft"}), "invoice_not_editable"),
    ("invoice", "edit_lines"): (frozenset({"draft"}), "invoice_not_editable"),
    ("invoice", "finalize"): (frozenset({"draft"}), "invoice_not_editable"),
    ("invoice", "send"): (frozenset({"open"}), "status_transition_invalid"),
    ("invoice", "pay"): (frozenset({"open", "uncollectible"}), "status_transition_invalid"),
    ("invoice", "attach_payment"): (frozenset({"open", "uncollectible"}), "status_transition_invalid"),
    ("invoice", "void"): (frozenset({"open", "uncollectible"}), "status_transition_invalid"),
    ("invoice", "mark_uncollectible"): (frozenset({"open"}), "status_transition_invalid"),
    ("quote", "finalize"): (frozenset({"draft"}), "status_transition_invalid"),
    ("quote", "accept"): (frozenset({"open"}), "status_transition_invalid"),
    ("quote", "cancel"): (frozenset({"draft", "open"}), "status_transition_invalid"),
    ("payment_intent", "update"): (
        frozenset({"requires_payment_method", "requires_confirmation", "requires_action"}),
        "payment_intent_unexpected_state",
    ),
    ("payment_intent", "confirm"): (
        frozenset({"requires_payment_method", "requires_confirmation", "requires_action"}),
        "payment_intent_unexpected_state",
    ),
    ("payment_intent", "cancel"): (
        frozenset({"requires_payment_method", "requires_confirmation", "requires_action", "requires_capture"}),
        "payment_intent_unexpected_state",
    ),
}

#: Parameters that may still be set in a state; a state that is absent lets everything through.
#: After finalisation "most details" freeze (platform.md C6); that these stay is inferred.
EDITABLE: dict[tuple[str, str], frozenset[str]] = {
    ("invoice", status): frozenset(
        {"metadata", "auto_advance", "default_payment_method", "default_source", "payment_settings", "expand"}
    )
    for status in ("open", "paid", "void", "uncollectible")
} | {
    ("quote", "open"): frozenset({"description", "expires_at", "metadata", "expand"}),
    ("quote", "accepted"): frozenset({"metadata", "expand"}),
    ("quote", "canceled"): frozenset({"metadata", "expand"}),
}
_EDIT_CODES = {"invoice": "invoice_not_editable", "quote": "status_transition_invalid"}


def check_state(item: Object, call: str) -> None:
    """Raises StripeError when the object's state does not allow the call."""
    states, code = ALLOWED[item["object"], call]
    if item["status"] not in states:
        spoken = item["object"].replace("_", " ")
        raise StripeError(
            f"You cannot {call.replace('_', ' ')} this {spoken} because it has a status of {item['status']}. "
            f"Only {_spoken(states)} {spoken}s allow it.",
            code=code,
        )


def check_editable(item: Object, params: Fields) -> None:
    """Raises StripeError when a parameter can no longer be changed in the object's state."""
    allowed = EDITABLE.get((item["object"], item["status"]))
    if allowed is None:
        return
    for name in params:
        if name not in allowed:
            raise StripeError(
                f"This {item['object']} is {item['status']}: `{name}` can no longer be changed.",
                code=_EDIT_CODES[item["object"]],
                param=name,
            )


def _spoken(states: frozenset[str]) -> str:
    return " or ".join(sorted(states))
