"""Accounts that carry our mark, and marks that several of them carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.verify.evidence import NotReadable, Unreadable
from connector.core.verify.org_counts import AccountMarks, MarkedAccount
from connector.salesforce import soql
from connector.salesforce.inspect import probe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.mapping import SalesforceSpec
    from connector.salesforce.inspect.probe import Answer, Ask, Known


def _spec(known: Known) -> SalesforceSpec:
    mapping = known.pack.kinds.get("customer")
    if mapping is None:
        raise NotReadable(Unreadable(source="the mapping pack", reason="it has no kind customer"))
    return mapping.salesforce


def asks(known: Known) -> list[Ask]:
    spec = _spec(known)
    marked = [f"{soql.identifier(spec.marker)} != null"]
    return [
        probe.soql(soql.select(["Id", "Name", spec.marker], spec.object, where=marked, order=["Name", "Id"])),
        probe.soql(soql.count(spec.object, by=[spec.marker], where=marked, more_than=1)),
    ]


def read(known: Known, answers: Sequence[Answer]) -> AccountMarks:
    marker = _spec(known).marker
    rows, several = answers
    return AccountMarks(
        rows=tuple(MarkedAccount(id=row["Id"], name=str(row["Name"]), mark=str(row[marker])) for row in rows.rows()),
        total=int(rows.content()["totalSize"]),
        repeated={str(row[marker]): int(row["found"]) for row in several.rows()},
    )


PROBES: Final = (probe.Probe(name="account_marks", asks=asks, read=read),)
