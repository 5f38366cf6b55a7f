"""The `fields` and `tables` of a kind's file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.config.codec_registry import NamedCodec, pair_fault
from connector.config.parsed import ParsedField
from connector.config.sections import did_you_mean
from connector.core.codecs import Table
from connector.core.mapping import FieldRule, Owner
from connector.core.model import Side

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.config.sections import Section
    from connector.config.yaml_reader import Node
    from connector.core.mapping import Codec

SIDES: Final = tuple(side.value for side in Side)
_OWNERS: Final = tuple(owner.value for owner in Owner)


def parse_tables(section: Section | None) -> dict[str, Table]:
    """`tables`: per table Salesforce value -> Stripe value or values."""
    tables: dict[str, Table] = {}
    for name in section.names() if section is not None else ():
        assert section is not None
        inner = section.section(name, required=True)
        if inner is None:
            continue
        rows: dict[str, tuple[str, ...]] = {}
        taken: dict[str, str] = {}
        for salesforce in inner.names():
            rows[salesforce] = inner.texts(salesforce, required=True)
            for stripe in rows[salesforce]:
                if stripe in taken:
                    inner.report(
                        f"table {name!r}: {stripe!r} stands for {taken[stripe]!r} and for {salesforce!r}",
                        "keep it in one row",
                        key=salesforce,
                    )
                taken[stripe] = salesforce
        tables[name] = Table(name=name, rows={value: stripe for value, stripe in rows.items() if stripe})
    return tables


def parse_fields(
    section: Section | None, *, codecs: Mapping[str, Codec], tables: Mapping[str, Table]
) -> tuple[ParsedField, ...]:
    if section is None:
        return ()
    parsed = [_parse_field(section, name, codecs, tables) for name in section.names()]
    return tuple(field for field in parsed if field is not None)


def _parse_field(
    fields: Section, name: str, codecs: Mapping[str, Codec], tables: Mapping[str, Table]
) -> ParsedField | None:
    section = fields.section(name, required=True)
    if section is None:
        return None
    section.where = fields.where_of(name)
    section.title = f"field {name!r}"
    owner = section.choice("owner", _OWNERS, required=True)
    salesforce, stripe = section.text("salesforce"), section.text("stripe")
    prefer = section.choice("prefer", SIDES)
    check, create_only = section.boolean("check"), section.boolean("create_only")
    on_drift = section.choice("on_drift", ("report", "revert")) or "report"
    ends = _parse_codecs(section, codecs, tables)
    section.finish()
    if salesforce is None and stripe is None:
        section.report(f"{section.title} names a path on neither side", "add `salesforce: ...` and `stripe: ...`")
        return None
    if owner is None or ends is None:
        return None
    rule = FieldRule(
        name=name,
        owner=Owner(owner),
        salesforce=salesforce,
        stripe=stripe,
        salesforce_codec=ends[0].codec,
        stripe_codec=ends[1].codec,
        prefer=Side(prefer) if prefer is not None else None,
        check=check,
        create_only=create_only,
        on_drift=on_drift,
        source=section.where,
    )
    table = ends[1].codec
    return ParsedField(
        rule=rule,
        salesforce_codec=ends[0],
        stripe_codec=ends[1],
        table_values=tuple(table.rows) if isinstance(table, Table) else (),
    )


def _parse_codecs(
    section: Section, codecs: Mapping[str, Codec], tables: Mapping[str, Table]
) -> tuple[NamedCodec, NamedCodec] | None:
    """`as: text` | `as: [date, epoch]` (Salesforce's, Stripe's) | `as: {table: payment_type}`."""
    node = section.node("as", required=True)
    if node is None:
        return None
    ends = node.value if isinstance(node.value, list) else [node]
    if len(ends) not in {1, 2}:
        section.report(
            f"{section.title}: `as` has {len(ends)} codecs", "write one, or [Salesforce's, Stripe's]", key="as"
        )
        return None
    found = [_parse_codec(section, end, codecs, tables) for end in ends]
    if None in found:
        return None
    salesforce, stripe = found[0], found[-1]
    assert salesforce is not None
    assert stripe is not None
    if isinstance(salesforce.codec, Table):
        # the neutral value of a table is Salesforce's own text: only Stripe's end goes through it
        salesforce = NamedCodec(name="text", codec=codecs["text"])
    fault = pair_fault(salesforce, stripe)
    if fault is not None:
        section.report(f"{section.title}: {fault}", "choose a pair that fits, see docs/mapping.md", key="as")
        return None
    return salesforce, stripe


def _parse_codec(
    section: Section, node: Node, codecs: Mapping[str, Codec], tables: Mapping[str, Table]
) -> NamedCodec | None:
    name = node.plain()
    if isinstance(name, dict) and set(name) == {"table"}:
        table = tables.get(name["table"]) if isinstance(name["table"], str) else None
        if table is not None:
            return NamedCodec(name=f"table {table.name}", codec=table)
        observed = f"{section.title}: no table {name['table']!r}{did_you_mean(str(name['table']), tables)}"
        section.report(observed, "describe it under `tables` of this file", key="as")
        return None
    if isinstance(name, str) and name in codecs:
        return NamedCodec(name=name, codec=codecs[name])
    known = ", ".join(sorted(codecs))
    section.report(
        f"{section.title}: unknown codec {name!r}{did_you_mean(str(name), codecs)}", f"known: {known}", key="as"
    )
    return None
