"""Whether a kind's `adopt` can recognise anything, and never takes one document for another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.config.sections import did_you_mean
from connector.core.errors import Problem
from connector.core.mapping import Nature

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.config.parsed import ParsedField, ParsedKind


def check_adopt(parsed: ParsedKind) -> Iterator[Problem]:
    """Names are fields both systems hold; what carries money is never recognised without its amount."""
    rule = parsed.mapping.adopt
    if rule is None:
        return
    where = parsed.section.where_of("adopt")
    fields = {field.rule.name: field for field in parsed.fields}
    named = [("reference", name) for name in rule.reference] + [("hints", name) for name in rule.hints]
    if rule.amount is not None:
        named.append(("amount", rule.amount))
    for key, name in named:
        yield from _check_name(fields, name, key=key, where=where)
    amount = None if rule.amount is None else fields.get(rule.amount)
    if amount is not None and not amount.is_money:
        yield Problem(
            where=where, observed=f"adopt.amount names {rule.amount!r}, which is no money", remedy="name a money field"
        )
    if rule.amount is None and parsed.mapping.nature is not Nature.CATALOGUE:
        yield Problem(
            where=where,
            observed=f"adopt of a {parsed.mapping.nature.value} compares no amount",
            remedy="add `amount: <money field>`: two documents with one number may differ in what they ask for",
        )
    if not rule.reference and not rule.hints and rule.amount is None:
        yield Problem(where=where, observed="adopt compares nothing", remedy="name a `reference`, or remove `adopt`")
    if rule.parent is not None and rule.parent not in parsed.mapping.salesforce.roles:
        roles = parsed.mapping.salesforce.roles
        yield Problem(
            where=where,
            observed=f"adopt.parent names role {rule.parent!r}{did_you_mean(rule.parent, roles)}",
            remedy=f"known in `salesforce.roles`: {', '.join(sorted(roles)) or 'none'}",
        )


def _check_name(fields: dict[str, ParsedField], name: str, *, key: str, where: str) -> Iterator[Problem]:
    field = fields.get(name)
    if field is None:
        yield Problem(
            where=where,
            observed=f"adopt.{key} names {name!r}{did_you_mean(name, fields)}, which is no field of this kind",
            remedy=f"known: {', '.join(sorted(fields)) or 'none'}",
        )
    elif field.rule.salesforce is None or field.rule.stripe is None:
        yield Problem(
            where=where,
            observed=f"adopt.{key} names {name!r}, which only one system holds",
            remedy="name a field with a path on both sides",
        )
