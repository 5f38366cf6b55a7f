"""What probes see of a Stripe account, one type per kind of evidence. Names of fields: the derived API description."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeKey:
    """The key in our settings, without its secret part."""

    livemode: bool
    restricted: bool
    #: `rk_live_...4f2a`
    hint: str
