"""What the key may read, tried: a list of one per resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.verify.account import ReadRight, Rights
from connector.stripe.inspect.probe import Probe, get
from connector.stripe.rights import needed_reads, needed_writes, resource_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.stripe.inspect.probe import Answer, Ask, Known

_UNKNOWN_KEY: Final = 401


def ask_for(template: str) -> Ask:
    """The cheapest question that needs the right to read this resource."""
    return get(template, right=f"Read on {resource_name(template)}", limit=1)


def asks(known: Known) -> Sequence[Ask]:
    return [ask_for(need.template) for need in needed_reads(known.pack)]


def read_rights(known: Known, answers: Sequence[Answer]) -> Rights:
    """A right is missing only where Stripe says so; what failed otherwise is not known."""
    reads = tuple(
        ReadRight(
            template=need.template,
            resource=resource_name(need.template),
            kinds=need.kinds,
            allowed=_allowed(answer),
            reason=answer.failure or "",
        )
        for need, answer in zip(needed_reads(known.pack), answers, strict=True)
    )
    refused = [answer.failure for answer in answers if answer.status == _UNKNOWN_KEY and answer.failure]
    return Rights(reads=reads, writes=needed_writes(known.pack), unknown_key=refused[0] if refused else "")


def _allowed(answer: Answer) -> bool | None:
    if answer.failure is None:
        return True
    return False if answer.denied else None


PROBES: Final = (Probe(name="stripe_rights", asks=asks, read=read_rights),)
