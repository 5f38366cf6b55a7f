"""What the mapping needs of the org: all describes and the organisation, in one composite call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.verify.org_needs import OrgNeeds
from connector.salesforce.describes import read_org_shape, shape_questions
from connector.salesforce.inspect.probe import Probe, describe, soql
from connector.salesforce.needs import lacks_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.salesforce.inspect.probe import Answer, Ask, Known


def asks(known: Known) -> list[Ask]:
    asked = shape_questions(known.pack)
    texts = [asked.organization.text, *(probe.text for probe in asked.probes.values())]
    return [*(soql(text) for text in texts), *(describe(name) for name in asked.names)]


def read_needs(known: Known, answers: Sequence[Answer]) -> OrgNeeds:
    asked = shape_questions(known.pack)
    organization, rest = answers[0], answers[1:]
    probes, describes = rest[: len(asked.probes)], rest[len(asked.probes) :]
    shape = read_org_shape(
        asked,
        organization=organization.rows(),
        broken={
            name: answer.failure.removeprefix(f"{answer.code}: ")
            for name, answer in zip(asked.probes, probes, strict=True)
            if answer.failure is not None
        },
        described={
            name: answer.content()
            for name, answer in zip(asked.names, describes, strict=True)
            if answer.code != "NOT_FOUND"
        },
    )
    return OrgNeeds(
        org_id=shape.org_id,
        org_name=shape.name,
        multi_currency=shape.multi_currency,
        objects=len(shape.objects),
        lacks=lacks_of(shape, known.pack, currency=known.options.get("currency")),
    )


PROBES: Final = (Probe(name="org_needs", asks=asks, read=read_needs),)
