"""The examples beside a mapping, run through the compiled mapping: `connector mapping test`.

An example gives a record as one side sends it and what the other side would be given when the mate
is created. It concerns `fields` only; lines and steps belong to the lifecycles.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connector.config.field_parser import SIDES
from connector.config.mapping_loader import read_pack_files
from connector.config.sections import Section
from connector.core.errors import MappingError, Problem
from connector.core.fields import FieldErrors, decode_fields, encode_fields
from connector.core.mapping import Context, Owner, read_path
from connector.core.model import Side
from connector.core.money import currency_code

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from connector.core.mapping import KindMapping, Pack
    from connector.core.model import Neutral


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    kind: str
    name: str
    where: str
    #: the side the record is read from
    source: Side
    #: the record as `source` sends it
    record: Mapping[str, Any]
    #: what the other side is given; None when the example only looks at `values` or `refused`
    gives: Mapping[str, Any] | None
    #: neutral values the record must have, by field name
    values: Mapping[str, Neutral] = field(default_factory=dict)
    #: words the refusal must contain; None when the record is fine
    refused: str | None = None
    #: what an org without CurrencyIsoCode has set as its currency
    currency: str | None = None
    time_zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    #: written to a mate that exists: what has no value is cleared instead of left out
    update: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleResult:
    example: Example
    #: what differs, for people; empty when the example holds
    faults: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.faults


def run_examples(folder: Path, pack: Pack) -> list[ExampleResult]:
    """Every example of the pack loaded from `folder`. Raises MappingError when one is ill-formed."""
    return [run_example(example, pack.kinds[example.kind]) for example in load_examples(folder)]


def load_examples(folder: Path) -> list[Example]:
    """The examples of all kinds, in their order. Raises MappingError with every ill-formed one."""
    problems: list[Problem] = []
    examples: list[Example] = []
    files = read_pack_files(folder, problems)
    for kind, node in files.nodes.items() if files is not None else ():
        file = Section(node, title=kind, problems=problems)
        born = file.choice("born", SIDES)
        parsed = [_parse(section, kind, born or Side.SALESFORCE.value) for section in file.sections("examples")]
        examples += [example for example in parsed if example is not None]
    if problems:
        raise MappingError(problems)
    return examples


def run_example(example: Example, mapping: KindMapping) -> ExampleResult:
    try:
        values, wire = _convert(example, mapping)
    except FieldErrors as error:
        return ExampleResult(example=example, faults=_judge_refusal(example, error.problems))
    except ValueError as error:
        return ExampleResult(example=example, faults=_judge_refusal(example, {"record": str(error)}))
    faults = []
    if example.refused is not None:
        faults.append(f"should be refused with {example.refused!r} and is not")
    for name, value in example.values.items():
        if name not in values:
            faults.append(f"values.{name}: no field of this name is read from {example.source.value}")
        elif not _same(values[name], value):
            faults.append(f"values.{name}: is {values[name]!r}, the example says {value!r}")
    if example.gives is not None:
        faults += _differences(wire, example.gives, path="")
    return ExampleResult(example=example, faults=tuple(faults))


def _convert(example: Example, mapping: KindMapping) -> tuple[dict[str, Neutral], dict[str, Any]]:
    context = Context(currency=_currency(example, mapping), time_zone=example.time_zone)
    values = decode_fields(mapping, example.source, example.record, context)
    owners = {Owner(example.source.value), Owner.EITHER}
    sent = {rule.name: values[rule.name] for rule in mapping.fields if rule.owner in owners and not rule.check}
    return values, encode_fields(mapping, example.source.other, sent, context, creating=not example.update)


def _currency(example: Example, mapping: KindMapping) -> str | None:
    path = mapping.salesforce.currency
    if path is None:
        return None
    held = read_path(example.record, path if example.source is Side.SALESFORCE else "currency")
    return currency_code(held or example.currency)


def _judge_refusal(example: Example, problems: Mapping[str, str]) -> tuple[str, ...]:
    text = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
    if example.refused is None:
        return (f"is refused: {text}",)
    return () if example.refused in text else (f"is refused with {text!r}, the example says {example.refused!r}",)


def _differences(actual: Any, expected: Any, *, path: str) -> list[str]:
    if isinstance(actual, dict) and isinstance(expected, dict):
        names = dict.fromkeys((*expected, *actual))
        found = []
        for name in names:
            inner = f"{path}.{name}" if path else name
            if name not in actual:
                found.append(f"{inner}: is not given, the example says {expected[name]!r}")
            elif name not in expected:
                found.append(f"{inner}: is {actual[name]!r}, the example does not have it")
            else:
                found += _differences(actual[name], expected[name], path=inner)
        return found
    return [] if _same(actual, expected) else [f"{path}: is {actual!r}, the example says {expected!r}"]


def _same(actual: Any, expected: Any) -> bool:
    # an amount keeps its decimals: 10 and 10.00 are not the same thing in a body; YAML writes a Decimal
    # without decimals as a whole number; and `true` is not 1
    if isinstance(actual, Decimal) and type(expected) is int:
        return str(actual) == str(expected)
    return type(actual) is type(expected) and bool(actual == expected) and str(actual) == str(expected)


def _parse(section: Section, kind: str, born: str) -> Example | None:
    name, source = section.text("name", required=True), Side(section.choice("from", SIDES) or born)
    records = {side: section.plain_mapping(side) if section.has(side) else None for side in SIDES}
    values, refused = section.plain_mapping("values"), section.text("refused")
    currency, update = section.text("currency"), section.boolean("update")
    zone = _zone(section)
    section.finish()
    record, gives = records[source.value], records[source.other.value]
    if record is None:
        section.report(f"example {name!r} has no {source.value} record to start from", f"add `{source.value}: ...`")
    if gives is None and not values and refused is None:
        remedy = f"add `{source.other.value}: ...`, `values: ...` or `refused: ...`"
        section.report(f"example {name!r} expects nothing", remedy)
    if name is None or record is None or zone is None:
        return None
    return Example(
        kind=kind,
        name=name,
        where=section.where,
        source=source,
        record=record,
        gives=gives,
        values=values,
        refused=refused,
        currency=currency,
        time_zone=zone,
        update=update,
    )


def _zone(section: Section) -> ZoneInfo | None:
    name = section.text("time_zone") or "UTC"
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        section.report(f"no time zone {name!r}", "write a name such as Europe/Berlin", key="time_zone")
        return None
