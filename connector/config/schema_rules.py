"""Whether the objects and fields a pack names exist, and allow what the program will do with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.config.options import status_options
from connector.config.parsed import SchemaUse, Use
from connector.config.schema import PathProblem, resolve_path
from connector.config.sections import did_you_mean
from connector.core.errors import Problem
from connector.core.mapping import Owner
from connector.core.model import Side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.config.parsed import ParsedField, ParsedKind
    from connector.config.schema import FieldSchema, SchemaSource

_DEPLOY: Final = "deploy/salesforce ships this program's fields; for others correct the name"


def check_schema(parsed: ParsedKind, schema: SchemaSource) -> Iterator[Problem]:
    unknown: set[str] = set()
    for name, where in parsed.objects:
        if schema.describe(name) is None and name not in unknown:
            unknown.add(name)
            observed = f"no object {name!r}{did_you_mean(name, schema.object_names())}"
            yield Problem(
                where=where, observed=observed, remedy="correct the name, or install the package it belongs to"
            )
    uses = [*parsed.uses, *(use for field in parsed.fields if (use := _field_use(parsed, field)) is not None)]
    for use in dict.fromkeys(uses):
        found = resolve_path(schema, use.object, use.path)
        if isinstance(found, PathProblem):
            observed = found.observed + did_you_mean(found.word, found.known)
            yield Problem(where=use.where, observed=observed, remedy=_DEPLOY)
        elif found is not None:
            yield from _check_use(use, found)
    for field in parsed.fields:
        yield from _check_field(parsed, field, schema)
    yield from _check_statuses(parsed, schema)


def _field_use(parsed: ParsedKind, field: ParsedField) -> SchemaUse | None:
    rule, mapping = field.rule, parsed.mapping
    if rule.salesforce is None:
        return None
    use = Use.READ
    if rule.owner is not Owner.SALESFORCE and not rule.check and "." not in rule.salesforce:
        born_there = Use.CREATE if rule.create_only else Use.WRITE
        use = Use.UPDATE if mapping.born is Side.SALESFORCE else born_there
    return SchemaUse(object=mapping.salesforce.object, path=rule.salesforce, use=use, where=rule.source)


def _check_use(use: SchemaUse, found: FieldSchema) -> Iterator[Problem]:
    lacks = []
    if use.use in {Use.CREATE, Use.WRITE, Use.MARK} and not found.createable:
        lacks.append("set when a record is created")
    if use.use in {Use.UPDATE, Use.WRITE, Use.MARK} and not found.updateable:
        lacks.append("changed")
    if lacks:
        yield Problem(
            where=use.where,
            observed=f"{use.object}.{use.path} cannot be {' or '.join(lacks)}",
            remedy="let Salesforce own it, or name a field that can be written",
        )
    if use.use is Use.MARK and not found.external_id:
        yield Problem(
            where=use.where,
            observed=f"marker {use.object}.{use.path} is no external id",
            remedy="use a unique, case-sensitive external id; deploy/salesforce ships Stripe_Id__c",
        )


def _check_field(parsed: ParsedKind, field: ParsedField, schema: SchemaSource) -> Iterator[Problem]:
    rule = field.rule
    if rule.salesforce is None:
        return
    found = resolve_path(schema, parsed.mapping.salesforce.object, rule.salesforce)
    if found is None or isinstance(found, PathProblem):
        return
    if found.type == "reference" and rule.owner is Owner.EITHER:
        yield Problem(
            where=rule.source,
            observed=f"field {rule.name!r}: a reference is never `either`",
            remedy="references follow the links; name one owner",
        )
    if found.type == "currency" and not field.is_money:
        yield Problem(
            where=rule.source,
            observed=f"field {rule.name!r}: {found.name} is money and {field.salesforce_codec.name!r} does not read money",
            remedy="write `as: [money, minor]`",
        )
    for value in field.table_values:
        yield from _check_value(rule.source, value, found, is_exact=True)


def _check_statuses(parsed: ParsedKind, schema: SchemaSource) -> Iterator[Problem]:
    mapping = parsed.mapping
    path = mapping.salesforce.state or mapping.salesforce.roles.get("status")
    found = resolve_path(schema, mapping.salesforce.object, path) if path is not None else None
    if found is None or isinstance(found, PathProblem):
        return
    # A status an org does not have is harmless in `states`, and orgs differ (Posted | Processed); a
    # spelling no org has is a slip, which only the bundled union over orgs can tell.
    if not schema.is_live and found.restricted_picklist:
        for value, where in parsed.states_where.items():
            yield from _check_value(where, value, found, is_exact=False)
    for option, also in status_options(mapping.lifecycle):
        chosen = mapping.options.get(option)
        if isinstance(chosen, str) and chosen not in also:
            where = parsed.options.where_of(option) if parsed.options is not None else parsed.section.where
            yield from _check_value(where, chosen, found, is_exact=True)


def _check_value(where: str, value: str, found: FieldSchema, *, is_exact: bool) -> Iterator[Problem]:
    known = found.picklist_values
    if not known or value in known or (is_exact and not found.restricted_picklist and not did_you_mean(value, known)):
        return
    observed = f"{value!r} is no value of {found.name}{did_you_mean(value, known)}"
    yield Problem(where=where, observed=observed, remedy=f"its values: {', '.join(known)}")
