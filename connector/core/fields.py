"""One record's mapped fields: from a system's wire to neutral values, and back to nested parameters.

Pure. Which fields to write is the diff's matter; how they look on the wire is decided here.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from connector.core.mapping import read_path
from connector.core.model import Side

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from connector.core.mapping import Context, FieldRule, KindMapping
    from connector.core.model import Neutral

#: Stripe hashes that need one part before they may be sent at all (derived spec: customer `shipping`
#: requires `address`): hash -> the part without which the hash is left out or unset.
_NEEDED_PART: Final[Mapping[str, str]] = {"shipping": "address", "shipping_details": "address"}

#: The one Stripe hash whose parts are independent: keys given are merged, the others stay (platform.md C5).
_MERGED_HASH: Final = "metadata"


class FieldErrors(ValueError):
    """Fields that have no neutral value, or none on the wire: field name -> what is wrong, for people."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("; ".join(f"{name}: {problem}" for name, problem in self.problems.items()))


def decode_fields(mapping: KindMapping, side: Side, fields: Mapping[str, Any], context: Context) -> dict[str, Neutral]:
    """The neutral value of every mapped field that `side` holds, by field name.

    `fields` is a record as on the wire. Raises FieldErrors naming every field that cannot be read.
    """
    values: dict[str, Neutral] = {}
    problems: dict[str, str] = {}
    for rule in mapping.fields:
        path = rule.path(side)
        if path is None:
            continue
        try:
            values[rule.name] = rule.codec(side).decode(read_path(fields, path), context)
        except ValueError as error:
            problems[rule.name] = str(error)
    if problems:
        raise FieldErrors(problems)
    return values


def encode_fields(
    mapping: KindMapping, side: Side, values: Mapping[str, Neutral], context: Context, *, creating: bool
) -> dict[str, Any]:
    """`values` (by field name) as `side` takes them: dotted paths become nested parameters.

    Creating, fields without a value are left out. Updating, they are cleared: null in Salesforce, the
    empty string at Stripe. A whole hash without any value is cleared as one. Fields `side` does not
    hold are left out. Raises FieldErrors naming every value that has no wire form, and KeyError for a
    name that is no field of the kind.
    """
    rules = {rule.name: rule for rule in mapping.fields}
    wire: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, value in values.items():
        rule = rules[name]
        path = rule.path(side)
        if path is None:
            continue
        try:
            _place(wire, _steps(path), rule.codec(side).encode(value, context))
        except ValueError as error:
            problems[name] = str(error)
    if problems:
        raise FieldErrors(problems)
    if side is Side.STRIPE:
        wire = {name: _settle_hash(name, value) for name, value in wire.items()}
    if creating:
        return {name: value for name, value in ((n, _without_nulls(v)) for n, v in wire.items()) if value is not None}
    return wire if side is Side.SALESFORCE else {name: _nulls_as_empty(value) for name, value in wire.items()}


def with_hash_parts(mapping: KindMapping, side: Side, names: Iterable[str]) -> tuple[str, ...]:
    """`names` and the fields that share a Stripe hash with one of them, in the mapping's order.

    Stripe replaces a hash such as `address` as a whole, so an update must carry all its parts;
    metadata is merged and Salesforce fields are flat. Compared-only fields are never added.
    """
    wanted = set(names)
    if side is Side.STRIPE:
        hashes = {_hash_of(rule) for rule in mapping.fields if rule.name in wanted} - {None}
        wanted |= {rule.name for rule in mapping.fields if _hash_of(rule) in hashes and not rule.check}
    return tuple(rule.name for rule in mapping.fields if rule.name in wanted)


@cache
def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def _hash_of(rule: FieldRule) -> str | None:
    if rule.stripe is None or "." not in rule.stripe:
        return None
    head = _steps(rule.stripe)[0]
    return None if head == _MERGED_HASH else head


def _place(wire: dict[str, Any], steps: tuple[str, ...], value: Any) -> None:
    for step in steps[:-1]:
        wire = wire.setdefault(step, {})
    wire[steps[-1]] = value


def _settle_hash(name: str, value: Any) -> Any:
    """None for a hash that says nothing, or that lacks the part Stripe asks for."""
    if name == _MERGED_HASH or not isinstance(value, dict):
        return value
    needed = _NEEDED_PART.get(name)
    if needed is not None and _without_nulls(value.get(needed)) is None:
        return None
    return value if _without_nulls(value) is not None else None


def _without_nulls(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    kept = {name: part for name, part in ((n, _without_nulls(v)) for n, v in value.items()) if part is not None}
    return kept or None


def _nulls_as_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _nulls_as_empty(part) for name, part in value.items()}
    return "" if value is None else value
