"""What a key must be allowed, from the mapping pack and from what this adapter calls. Pure.

Missing rights are 403 (platform.md C9). A read tells of reading only: whether a key may write is
known when it writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.stripe.writes import STEPS

if TYPE_CHECKING:
    from connector.core.mapping import Pack

#: What reading each Stripe object needs, tried with a list of one.
READS: Final = {
    "customer": ("/v1/customers", "/v1/events"),
    "product": ("/v1/products", "/v1/events"),
    "quote": ("/v1/quotes", "/v1/events"),
    "invoice": ("/v1/invoices", "/v1/events"),
    "payment": ("/v1/invoice_payments", "/v1/payment_intents", "/v1/charges", "/v1/payment_records", "/v1/events"),
    "payment_record": ("/v1/payment_records",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededRead:
    template: str
    #: the kinds that cannot be followed without it
    kinds: tuple[str, ...]


def resource_name(template: str) -> str:
    """`/v1/payment_intents/{id}` is `Payment intents`: in words, as people look for it in the dashboard."""
    return template.split("/")[2].replace("_", " ").capitalize()


def needed_reads(pack: Pack) -> tuple[NeededRead, ...]:
    """In the order of the pack's kinds, each resource once."""
    kinds: dict[str, list[str]] = {}
    for mapping in pack.kinds.values():
        for template in READS[mapping.stripe.object]:
            kinds.setdefault(template, []).append(mapping.kind)
    return tuple(NeededRead(template=template, kinds=tuple(names)) for template, names in kinds.items())


def needed_writes(pack: Pack) -> tuple[str, ...]:
    """Names of the resources that operations on the pack's kinds write, in alphabetical order."""
    objects = {mapping.stripe.object for mapping in pack.kinds.values()}
    return tuple(sorted({resource_name(step.template) for (name, _), step in STEPS.items() if name in objects}))
