"""What time alone changes, and no event tells: quotes that expire, hosted links that run out.

Each such link has one moment time counts from. That moment is a fact of the link, so a store can keep the links in its
order; how long after it something is due may be a setting of the mapping, which is only applied when asking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.model import LinkState, Side

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from connector.core.model import Link

#: kind -> where its links remember the moment: a quote's expiry, when an invoice's hosted link was last read
_REMEMBERED: Final = {"quote": "expires_at", "invoice": "link_seen_at"}
#: the kinds that time alone changes
TIMED: Final = tuple(_REMEMBERED)
_DAY_S: Final = 86_400


def counts_from_epoch(link: Link) -> int | None:
    """The moment time counts from, for a link that is to be looked at when its time has come; None for any other.

    A store keeps this beside the link. Who changes the rule must have it worked out anew for the links that are stored.
    """
    if link.state is not LinkState.OPEN or link.mate is None or link.mate.side is not Side.STRIPE:
        return None
    return _moment(link)


def newest_due_epoch(kind: str, *, options: Mapping[str, Any], now: datetime) -> int:
    """A link of this kind is due now when its time counts from this moment or an earlier one."""
    epoch = int(now.timestamp())
    if kind == "invoice":
        return epoch - int(options.get("link_refresh_days", 20)) * _DAY_S - 1
    return epoch


def is_due(link: Link, *, options: Mapping[str, Any], now: datetime) -> bool:
    """Whether the copy at Stripe has to be read though nobody changed it."""
    moment = _moment(link)
    return moment is not None and moment <= newest_due_epoch(link.kind, options=options, now=now)


def _moment(link: Link) -> int | None:
    remembered = link.progress.get(_REMEMBERED.get(link.kind, ""))
    if remembered is None or link.progress.get("status") != "open":
        return None
    return int(remembered)
