"""Signs on records that we wrote them: how a store notices that it is not the one that did.

A restored backup, an emptied database or a second installation would make everything again that it
does not know (invariants.md I29). The systems know better, and say so in what is read anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from connector.core.model import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One record that carries our mark, or an event that a write of ours caused."""

    #: the record, under every kind that may own it
    keys: tuple[Key, ...]
    #: the id on the other side that the mark names
    names: str
    #: the idempotency key, one of ours, of the request that caused the event
    caused_by: str | None = None
    #: when the event happened
    at: datetime | None = None
