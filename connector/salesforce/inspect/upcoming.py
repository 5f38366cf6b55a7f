"""Invoices and quotes the next pass would decide about. What a condition of SOQL settles is only counted.

The conditions say what core/lifecycle/invoice_birth decides; a test holds them together. SOQL cannot
compare two fields, so invoices with an open balance are read: the newest page of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from connector.core.lifecycle.invoice_birth import NEGATIVE, NO_TOTAL, SETTLED, ZERO
from connector.core.mapping import read_path
from connector.core.verify.evidence import NotReadable, Unreadable
from connector.core.verify.org_counts import Counted, OpenRecord, OpenRecords
from connector.salesforce import soql
from connector.salesforce.inspect import probe
from connector.salesforce.inspect.open_records import in_state, unmirrored
from connector.salesforce.reads import selection_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.mapping import KindMapping
    from connector.salesforce.inspect.probe import Answer, Ask, Known


# -- invoices ---------------------------------------------------------------------------------------------------------


def ask_invoices(known: Known) -> list[Ask]:
    mapping = _mapping(known, "invoice")
    spec = mapping.salesforce
    posted = [unmirrored(mapping), in_state(mapping, "live")]
    texts = [soql.count(spec.object, by=[_state(mapping)], where=[unmirrored(mapping)])]
    texts += [
        soql.count(spec.object, where=[*posted, condition], example="Name") for condition in _settled(mapping).values()
    ]
    total, balance = spec.roles["total"], spec.roles["balance"]
    in_question = [*posted, f"{total} > 0", f"{balance} > 0"]
    order = [f"{spec.roles['date']} DESC NULLS LAST", "Id"]
    texts += [soql.select(_paths(known, mapping), spec.object, where=in_question, order=order)]
    texts += [_long_invoices(known, mapping)]
    return [probe.sample(text) for text in texts]


def _settled(mapping: KindMapping) -> dict[str, str]:
    """The lifecycle's reason -> its condition on a posted invoice."""
    roles = mapping.salesforce.roles
    total, balance = soql.identifier(roles["total"]), soql.identifier(roles["balance"])
    return {
        NO_TOTAL: f"({total} = null OR {balance} = null)",
        ZERO: f"{total} = 0 AND {balance} != null",
        NEGATIVE: f"{total} < 0 AND {balance} != null",
        SETTLED: f"{total} > 0 AND {balance} <= 0",
    }


def _long_invoices(known: Known, mapping: KindMapping) -> str:
    """Invoices with more lines than Stripe takes, and how many."""
    lines = mapping.lines
    assert lines is not None
    prefix = f"{_relation(lines.parent)}."
    where = [unmirrored(mapping, prefix=prefix), in_state(mapping, "live", prefix=prefix)]
    where.append(f"{prefix}{mapping.salesforce.roles['total']} > 0")
    go_live = known.options.get("go_live")
    if go_live is not None:
        where.append(f"{prefix}{mapping.salesforce.roles['date']} >= {soql.literal(go_live)}")
    lines_max = int(mapping.options.get("lines_max", 250))
    return soql.count(lines.object, by=[lines.parent], where=where, more_than=lines_max)


def read_invoices(known: Known, answers: Sequence[Answer]) -> OpenRecords:
    mapping = _mapping(known, "invoice")
    statuses, *counts, rows, long_ones = answers
    lines = mapping.lines
    assert lines is not None
    lengths = {str(row[lines.parent]): int(row["found"]) for row in long_ones.rows()}
    return OpenRecords(
        statuses=_statuses(mapping, statuses),
        outside={reason: _counted(answer) for reason, answer in zip(_settled(mapping), counts, strict=True)},
        rows=tuple(_open_record(mapping, row, too_many_lines=lengths.get(row["Id"])) for row in rows.rows()),
        total=int(rows.content()["totalSize"]),
    )


# -- quotes -----------------------------------------------------------------------------------------------------------


def ask_quotes(known: Known) -> list[Ask]:
    mapping = _mapping(known, "quote")
    spec, lines = mapping.salesforce, mapping.lines
    assert lines is not None
    prefix = f"{_relation(lines.parent)}."
    states = ("live", "draft") if mapping.options.get("mirror_drafts") else ("live",)
    of_line = [unmirrored(mapping, prefix=prefix), in_state(mapping, *states, prefix=prefix)]
    if lines.where is not None:
        of_line.append(f"({lines.where})")
    line_paths = selection_of(mapping, multi_currency=_multi_currency(known)).lines[0].paths
    return [
        probe.sample(text)
        for text in (
            soql.count(spec.object, by=[_state(mapping)], where=[unmirrored(mapping)]),
            soql.select(
                _paths(known, mapping),
                spec.object,
                where=[unmirrored(mapping), in_state(mapping, *states)],
                order=["LastModifiedDate DESC", "Id"],
            ),
            soql.select(line_paths, lines.object, where=of_line, order=[lines.parent, lines.order, "Id"]),
        )
    ]


def read_quotes(known: Known, answers: Sequence[Answer]) -> OpenRecords:
    mapping = _mapping(known, "quote")
    statuses, rows, line_rows = answers
    assert mapping.lines is not None
    lines: dict[str, list[Mapping[str, Any]]] = {}
    for row in line_rows.rows():
        lines.setdefault(str(row[mapping.lines.parent]), []).append(row)
    all_lines = line_rows.content()["done"]
    if not all_lines:
        # they come quote by quote: the last one may have more
        lines.popitem()
    return OpenRecords(
        statuses=_statuses(mapping, statuses),
        outside={},
        rows=tuple(
            _open_record(mapping, row, lines=tuple(lines.get(row["Id"], ())))
            for row in rows.rows()
            if all_lines or row["Id"] in lines
        ),
        total=int(rows.content()["totalSize"]),
    )


# -- both -------------------------------------------------------------------------------------------------------------


def _mapping(known: Known, kind: str) -> KindMapping:
    mapping = known.pack.kinds.get(kind)
    if mapping is None:
        raise NotReadable(Unreadable(source="the mapping pack", reason=f"it has no kind {kind}"))
    return mapping


def _state(mapping: KindMapping) -> str:
    assert mapping.salesforce.state is not None
    return mapping.salesforce.state


def _multi_currency(known: Known) -> bool:
    return bool(known.value("org_needs").multi_currency)


def _paths(known: Known, mapping: KindMapping) -> tuple[str, ...]:
    """What the pass would read of the document, and of its Account."""
    paths: list[str | None] = ["Name", *selection_of(mapping, multi_currency=_multi_currency(known)).paths]
    customer = known.pack.kinds.get("customer")
    if customer is not None:
        relation = _relation(mapping.salesforce.roles["customer"])
        mine = ["Id", customer.salesforce.marker, *(rule.salesforce for rule in customer.fields)]
        paths += [f"{relation}.{path}" for path in mine if path is not None]
    return soql.unique_paths(paths)


def _relation(lookup: str) -> str:
    """The name by which a custom lookup is followed."""
    return lookup.removesuffix("__c") + "__r"


def _statuses(mapping: KindMapping, answer: Answer) -> dict[str, int]:
    state = _state(mapping)
    return {str(row[state]): int(row["found"]) for row in answer.rows()}


def _counted(answer: Answer) -> Counted:
    (row,) = answer.rows()
    names = [str(name) for name in (row["lowest"], row["highest"]) if name is not None]
    return Counted(found=int(row["found"]), examples=tuple(dict.fromkeys(names)))


def _open_record(mapping: KindMapping, row: Mapping[str, Any], **more: Any) -> OpenRecord:
    customer = read_path(row, _relation(mapping.salesforce.roles["customer"]))
    return OpenRecord(id=row["Id"], name=str(row["Name"]), fields=row, customer=customer, **more)


PROBES: Final = (
    probe.Probe(name="open_invoices", asks=ask_invoices, read=read_invoices, after=("org_needs",)),
    probe.Probe(name="open_quotes", asks=ask_quotes, read=read_quotes, after=("org_needs",)),
)
