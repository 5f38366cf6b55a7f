"""What a mapped field may and may not be: the rules of architecture.md 5 that need no schema."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from connector.config import stripe_names
from connector.config.sections import did_you_mean
from connector.core.errors import Problem
from connector.core.mapping import Nature, Owner
from connector.core.model import Side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.config.parsed import ParsedField, ParsedKind

#: Fields that hold what must never pass through this program (platform.md, PCI): compared without
#: underscores and case, anywhere in a step of a path ...
_FORBIDDEN_PARTS: Final = (
    "cardnumber",
    "creditcardno",
    "cvv",
    "securitycode",
    "bankaccountnumber",
    "bankaccountno",
    "bankroutingcode",
    "routingnumber",
)
#: ... or as a whole word of it.
_FORBIDDEN_WORDS: Final = frozenset({"cvc", "iban", "pan"})


def check_fields(parsed: ParsedKind) -> Iterator[Problem]:
    writers: dict[tuple[Side, str], str] = {}
    for field in parsed.fields:
        rule = field.rule
        problems = [
            *_ownership(parsed, field),
            *_money(field),
            *_flags(field),
            *_stripe_name(parsed, field),
        ]
        for observed, remedy in problems:
            yield Problem(where=rule.source, observed=f"field {rule.name!r}: {observed}", remedy=remedy)
        for side in _written_sides(field):
            path = rule.path(side)
            assert path is not None
            other = writers.setdefault((side, path), rule.name)
            if other != rule.name:
                observed = f"field {rule.name!r} writes {side.value} {path!r}, and so does {other!r}"
                yield Problem(where=rule.source, observed=observed, remedy="let one field write it")


def check_secrets(parsed: ParsedKind) -> Iterator[Problem]:
    """Card numbers, CVV and bank accounts: refused wherever a path may stand."""
    named = [(use.path, use.where) for use in parsed.uses]
    for field in parsed.fields:
        paths = (field.rule.salesforce, field.rule.stripe)
        named += [(path, field.rule.source) for path in paths if path is not None]
    for path, where in dict.fromkeys(named):
        if is_forbidden(path):
            yield Problem(
                where=where,
                observed=f"{path!r} looks like a card number, a card's security code or a bank account",
                remedy="remove it; such data must not pass through this program (PCI), Stripe keeps it",
            )


def is_forbidden(path: str) -> bool:
    steps = path.split(".")
    if steps[-2:] == ["card", "number"]:
        return True
    return any(
        any(part in step.replace("_", "").lower() for part in _FORBIDDEN_PARTS)
        or not _FORBIDDEN_WORDS.isdisjoint(re.split(r"[_\W]+", step.lower()))
        for step in steps
    )


def _ownership(parsed: ParsedKind, field: ParsedField) -> Iterator[tuple[str, str]]:
    rule, mapping = field.rule, parsed.mapping
    if rule.owner is Owner.EITHER:
        if field.is_money:
            yield "money is never `either`", "name the side that owns the amount"
        if rule.salesforce == mapping.salesforce.state or rule.stripe == "status":
            yield "a status is never `either`", "let Stripe's status flow into a field of its own, `owner: stripe`"
        if rule.salesforce is None or rule.stripe is None:
            yield "`either` needs a path on both sides", "add the missing path, or name one owner"
    elif rule.prefer is not None:
        yield f"`prefer` means nothing with `owner: {rule.owner.value}`", "remove `prefer`"
    if rule.salesforce is not None and "." in rule.salesforce and rule.owner is not Owner.SALESFORCE:
        yield (
            f"{rule.salesforce!r} goes through a lookup and cannot be written",
            "use `owner: salesforce`, or a field of the object itself",
        )
    if mapping.nature is Nature.FACT and rule.owner.value != mapping.born.value:
        yield (
            f"a fact is born whole in {mapping.born.value}, which does not own this field",
            f"write `owner: {mapping.born.value}`, or remove the field",
        )
    if rule.salesforce == mapping.salesforce.state and rule.owner is Owner.STRIPE:
        yield (
            "the Salesforce status changes only by the lifecycle",
            "let Stripe's status flow into a field of its own, e.g. Stripe_Status__c",
        )
    if rule.salesforce == mapping.salesforce.marker or rule.stripe in {"id", "metadata.salesforce_id"}:
        yield "the marker is written by the program", "remove the field"


def _money(field: ParsedField) -> Iterator[tuple[str, str]]:
    rule = field.rule
    if not field.is_money:
        return
    if rule.salesforce is None or rule.stripe is None or (rule.create_only and not rule.check):
        yield (
            "money that is neither checked nor read back",
            "give it a path on both sides and `check: true`, and remove `create_only`",
        )


def _flags(field: ParsedField) -> Iterator[tuple[str, str]]:
    rule = field.rule
    if rule.check and (rule.salesforce is None or rule.stripe is None):
        yield "`check` compares two sides, one is missing", "add the missing path, or remove `check`"
    if rule.check and rule.create_only:
        yield "`check` is never sent and `create_only` is sent once", "keep one of them"
    if rule.on_drift == "revert" and (rule.check or rule.create_only):
        yield "`on_drift: revert` on a field that is not sent again", "remove it"


def _stripe_name(parsed: ParsedKind, field: ParsedField) -> Iterator[tuple[str, str]]:
    rule, resource = field.rule, parsed.mapping.stripe.object
    if rule.stripe is None:
        return
    head = rule.stripe.split(".", 1)[0]
    readable = stripe_names.properties(resource)
    sendable = stripe_names.parameters(resource, "create") | stripe_names.parameters(resource, "update")
    if Side.STRIPE in _written_sides(field) and sendable and head not in sendable:
        yield (
            f"Stripe's {resource} takes no {head!r}{did_you_mean(head, sendable)}",
            "correct the path, or let Stripe own the field if it is only read",
        )
    elif readable and head not in readable and head not in sendable:
        yield f"Stripe's {resource} has no {head!r}{did_you_mean(head, readable)}", "correct the path"


def _written_sides(field: ParsedField) -> tuple[Side, ...]:
    """Where values of this field are sent to."""
    rule = field.rule
    if rule.check:
        return ()
    targets = {
        Owner.SALESFORCE: (Side.STRIPE,),
        Owner.STRIPE: (Side.SALESFORCE,),
        Owner.EITHER: (Side.SALESFORCE, Side.STRIPE),
    }[rule.owner]
    return tuple(side for side in targets if rule.path(side) is not None)
