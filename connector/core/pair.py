"""What `core/match` compares and finds: candidates, and pairs of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.core.model import Neutral, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One record, reduced to what it is compared by."""

    side: Side
    id: str
    #: what people call it
    label: str
    #: mapped fields that are compared, by name
    values: Mapping[str, Neutral] = field(default_factory=dict)
    amount_minor: int | None = None
    #: lower case
    currency: str | None = None
    #: the id of the other side that its mark names
    mark: str | None = None
    #: on its own side, the record it belongs to
    parent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two records that are, or may be, the same thing."""

    salesforce: Candidate
    stripe: Candidate
    #: what agrees, in words
    reasons: tuple[str, ...]
    #: what speaks against it, or why a person has to say; none for a match
    doubts: tuple[str, ...] = ()
    #: of 100: how much of what both have agrees
    score: int = 100

    @property
    def ids(self) -> tuple[str, str]:
        return self.salesforce.id, self.stripe.id
