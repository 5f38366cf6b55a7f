"""What the kinds of a pack mean to each other, judged without any schema."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Final

from connector.config import stripe_names
from connector.config.adopt_rules import check_adopt
from connector.config.condition import are_disjoint, demands_null, read_condition
from connector.config.field_rules import check_fields, check_secrets
from connector.config.sections import did_you_mean
from connector.core.errors import Problem
from connector.core.model import Side

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from connector.config.parsed import ParsedKind

#: The roles each lifecycle and line shape asks for, beside `fields`. A missing one would be found by
#: the first record; here it is found by the loader.
_ROLES: Final[Mapping[str, frozenset[str]]] = {
    "catalogue": frozenset(),
    "quote": frozenset({"customer", "total", "expires"}),
    "invoice": frozenset({"customer", "total", "tax", "balance", "date", "due", "number"}),
    "payment": frozenset({"account", "status", "amount"}),
    "offline_payment": frozenset({"account", "amount", "date"}),
}
_SHAPE_ROLES: Final[Mapping[str, frozenset[str]]] = {
    "invoice_line": frozenset({"amount", "tax", "quantity", "description", "product"}),
    "quote_line": frozenset({"amount", "quantity", "description", "product"}),
    "allocation": frozenset({"invoice", "amount", "type"}),
}


def check_pack(kinds: Sequence[ParsedKind]) -> Iterator[Problem]:
    """Every problem of the pack that the files alone show."""
    by_name = {parsed.mapping.kind: parsed for parsed in kinds}
    for parsed in kinds:
        yield from check_fields(parsed)
        yield from check_secrets(parsed)
        yield from _check_needs(parsed, by_name)
        yield from _check_roles(parsed)
        yield from _check_currency(parsed)
        yield from _check_watches(parsed, by_name)
        yield from _check_constants(parsed)
        yield from check_adopt(parsed)
    yield from _check_cycles(by_name)
    yield from _check_shared_objects(kinds)


def _check_needs(parsed: ParsedKind, by_name: Mapping[str, ParsedKind]) -> Iterator[Problem]:
    mapping, where = parsed.mapping, parsed.section.where_of("needs")
    for need in mapping.needs:
        other = by_name.get(need)
        if other is None:
            observed = f"kind {mapping.kind!r} needs {need!r}, which the pack does not have"
            yield Problem(
                where=where, observed=observed + did_you_mean(need, by_name), remedy=f"known: {_list(by_name)}"
            )
        elif other is parsed:
            yield Problem(where=where, observed=f"kind {mapping.kind!r} needs itself", remedy="remove it from `needs`")
        elif other.mapping.tier >= mapping.tier:
            yield Problem(
                where=where,
                observed=f"kind {mapping.kind!r} (tier {mapping.tier}) needs {need!r} (tier {other.mapping.tier})",
                remedy="what is needed goes first: give it a lower tier",
            )


def _check_cycles(by_name: Mapping[str, ParsedKind]) -> Iterator[Problem]:
    reported: set[frozenset[str]] = set()
    for start in by_name:
        trail = _find_cycle(start, by_name)
        if len(trail) > 1 and frozenset(trail) not in reported:
            reported.add(frozenset(trail))
            yield Problem(
                where=by_name[start].section.where_of("needs"),
                observed=f"kinds need each other in a circle: {' -> '.join((*trail, start))}",
                remedy="remove one of these `needs`",
            )


def _find_cycle(start: str, by_name: Mapping[str, ParsedKind]) -> tuple[str, ...]:
    """The kinds on a way from `start` back to it; empty when there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for need in by_name[way[-1]].mapping.needs:
            if need == start:
                return way
            if need in by_name and need not in seen:
                seen.add(need)
                ways.append((*way, need))
    return ()


def _check_roles(parsed: ParsedKind) -> Iterator[Problem]:
    mapping = parsed.mapping
    for role in sorted(_ROLES[mapping.lifecycle] - mapping.salesforce.roles.keys()):
        yield Problem(
            where=parsed.salesforce.where_of("roles"),
            observed=f"lifecycle {mapping.lifecycle!r} asks for role {role!r}",
            remedy=f"add `{role}: <field>` to `salesforce.roles`",
        )
    for lines in mapping.line_specs:
        key = "lines" if lines is mapping.lines else "more_lines"
        where = parsed.section.where_of(key)
        roles = _SHAPE_ROLES.get(lines.shape)
        if roles is None:
            observed = f"unknown shape {lines.shape!r}{did_you_mean(lines.shape, _SHAPE_ROLES)}"
            yield Problem(where=where, observed=observed, remedy=f"known: {_list(_SHAPE_ROLES)}")
            continue
        for role in sorted(roles - lines.roles.keys()):
            observed = f"shape {lines.shape!r} asks for role {role!r}"
            yield Problem(where=where, observed=observed, remedy=f"add `{role}: <field>` to `{key}.roles`")


def _check_currency(parsed: ParsedKind) -> Iterator[Problem]:
    mapping = parsed.mapping
    if mapping.salesforce.currency is None and any(field.is_money for field in parsed.fields):
        yield Problem(
            where=parsed.salesforce.where,
            observed=f"kind {mapping.kind!r} carries money and names no currency",
            remedy="add `currency: CurrencyIsoCode` (single-currency orgs answer by CONNECTOR_SALESFORCE__CURRENCY)",
        )


def _check_watches(parsed: ParsedKind, by_name: Mapping[str, ParsedKind]) -> Iterator[Problem]:
    for watch in parsed.mapping.salesforce.watches:
        for kind in watch.keys:
            if kind not in by_name:
                observed = f"watch on {watch.object} names kind {kind!r}{did_you_mean(kind, by_name)}"
                where = parsed.salesforce.where_of("watches")
                yield Problem(where=where, observed=observed, remedy=f"known: {_list(by_name)}")


def _check_constants(parsed: ParsedKind) -> Iterator[Problem]:
    spec, where = parsed.mapping.stripe, parsed.stripe.where_of("constants")
    for action, constants in spec.constants.items():
        known = stripe_names.actions(spec.object)
        if action not in known:
            observed = f"Stripe's {spec.object} has no action {action!r}{did_you_mean(action, known)}"
            yield Problem(where=where, observed=observed, remedy=f"known: {_list(known)}")
            continue
        parameters = stripe_names.parameters(spec.object, action)
        for name in constants:
            if parameters and name not in parameters:
                observed = f"{spec.object} {action} takes no {name!r}{did_you_mean(name, parameters)}"
                yield Problem(where=where, observed=observed, remedy="correct or remove it")


def _check_shared_objects(kinds: Sequence[ParsedKind]) -> Iterator[Problem]:
    """Two kinds on one Salesforce object must never both claim a record."""
    for one, other in combinations(kinds, 2):
        if one.mapping.salesforce.object != other.mapping.salesforce.object:
            continue
        born_here = [parsed for parsed in (one, other) if parsed.mapping.born is Side.SALESFORCE]
        names = f"{one.mapping.kind!r} and {other.mapping.kind!r} share {one.mapping.salesforce.object}"
        conditions = [read_condition(parsed.mapping.salesforce.where or "") for parsed in born_here]
        marker = one.mapping.salesforce.marker
        if len(born_here) == 1 and not demands_null(conditions[0], marker):
            yield Problem(
                where=born_here[0].salesforce.where_of("where"),
                observed=f"{names}; what is born at Stripe would be claimed as born in Salesforce",
                remedy=f"add `{marker} = null AND ...` to this `where`",
            )
        elif len(born_here) == 2 and not are_disjoint(*conditions):
            yield Problem(
                where=born_here[1].salesforce.where_of("where"),
                observed=f"{names}; their `where`s do not show that no record meets both",
                remedy="compare one field with different values in them, joined by AND",
            )


def _list(names: Mapping[str, object] | Sequence[str]) -> str:
    return ", ".join(sorted(names)) or "none"
