"""The key itself. Needs no request: kind and mode stand in its prefix (platform.md C9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.stripe.inspect.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.verify.account import StripeKey
    from connector.stripe.inspect.probe import Answer, Known


def read_stripe_key(known: Known, _: Sequence[Answer]) -> StripeKey:
    return known.key


PROBES: Final = (Probe(name="stripe_key", asks=lambda _: (), read=read_stripe_key),)
