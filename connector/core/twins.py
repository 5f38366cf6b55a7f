"""By what a record at Stripe that is nobody's is recognised as what we are about to make. Pure.

Evidence, never a decision: who shares a trait is kept from being made until a person says which it is.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from connector.core.match_values import folded
from connector.core.view import MARK_ORG

if TYPE_CHECKING:
    from connector.core.mapping import AdoptRule
    from connector.core.model import Record
    from connector.core.pair import Candidate

_TRAIT_BYTES: Final = 16


def traits_of(rule: AdoptRule, candidate: Candidate, *, home: str | None) -> frozenset[str]:
    """Each part of the reference as people recognise it; and an amount, with currency and whose it is at Stripe
    (`home`), where both are known. Nothing of the record itself can be read from them.
    """
    found = [(name, word) for name in rule.reference if (word := folded(candidate.values.get(name))) is not None]
    traits = [("reference", *pair) for pair in found]
    if rule.amount is not None and home is not None and candidate.amount_minor is not None:
        traits.append(("amount", home, f"{candidate.amount_minor} {candidate.currency}"))
    return frozenset(blake2b("\x1f".join(trait).encode(), digest_size=_TRAIT_BYTES).hexdigest() for trait in traits)


def is_anothers(record: Record) -> bool:
    """Whether it carries the mark of some org: then it is not nobody's."""
    return bool((record.fields.get("metadata") or {}).get(MARK_ORG))
