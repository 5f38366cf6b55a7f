"""Codecs by name: the built-in ones and those of installed plug-ins, and the check that a pair fits.

A plug-in package declares `[project.entry-points."connector.codecs"]` with `name = "module:object"`;
the object is a codec (core/mapping.py) with a `samples` tuple. Built-in names cannot be taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from connector.core.codecs import BUILT_IN, MONEY_CODECS
from connector.core.errors import MappingError, Problem
from connector.core.mapping import Context

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.metadata import EntryPoint

    from connector.core.mapping import Codec
    from connector.core.model import Neutral

GROUP: Final = "connector.codecs"

#: Contexts a pair is tried in: decimals 2, 0 and 3, and zones on both ends of the day.
_CONTEXTS: Final = (
    Context(currency="usd", time_zone=ZoneInfo("America/Los_Angeles")),
    Context(currency="jpy", time_zone=ZoneInfo("Pacific/Auckland")),
    Context(currency="kwd", time_zone=ZoneInfo("Europe/Berlin")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedCodec:
    name: str
    codec: Codec

    @property
    def is_money(self) -> bool:
        return self.name in MONEY_CODECS

    @property
    def samples(self) -> tuple[Neutral, ...]:
        return tuple(getattr(self.codec, "samples", ()))


def load_codecs(found: Iterable[EntryPoint] | None = None) -> Mapping[str, Codec]:
    """Every codec by name. Raises MappingError naming each plug-in that cannot be used."""
    codecs: dict[str, Codec] = dict(BUILT_IN)
    problems: list[Problem] = []
    for point in entry_points(group=GROUP) if found is None else found:
        where = f"codec {point.name!r} ({point.value})"
        if point.name in BUILT_IN:
            problems.append(
                Problem(where=where, observed="takes the name of a built-in codec", remedy="give it a name of its own")
            )
            continue
        try:
            codec = point.load()
        except Exception as error:  # noqa: BLE001 - a plug-in may fail in any way; it is named, not hidden
            problems.append(
                Problem(where=where, observed=f"cannot be loaded: {error}", remedy="repair or uninstall it")
            )
            continue
        if callable(getattr(codec, "decode", None)) and callable(getattr(codec, "encode", None)):
            codecs[point.name] = codec
        else:
            remedy = "point the entry at an object with decode(wire, context) and encode(value, context)"
            problems.append(Problem(where=where, observed="is no codec", remedy=remedy))
    if problems:
        raise MappingError(problems)
    return codecs


def pair_fault(salesforce: NamedCodec, stripe: NamedCodec) -> str | None:
    """What is wrong with two codecs as the two ends of one field; None when they fit.

    Each must read back every neutral value it writes, and all the values one of them offers as
    samples must have a form on the other side.
    """
    if not salesforce.samples and not stripe.samples:
        return f"neither {salesforce.name!r} nor {stripe.name!r} offers samples to try them on"
    fits = []
    for values in {salesforce.name: salesforce.samples, stripe.name: stripe.samples}.values():
        answers = [_try(end, value) for value in values for end in (salesforce, stripe)]
        broken = next((answer for answer in answers if isinstance(answer, str)), None)
        if broken is not None:
            return broken
        fits.append(bool(values) and all(answers))
    if not any(fits):
        return f"{salesforce.name!r} and {stripe.name!r} do not carry the same kind of value"
    return None


def _try(end: NamedCodec, value: Neutral) -> bool | str:
    """True: writes and reads back; False: does not carry such a value; a text: carries it wrongly."""
    for context in _CONTEXTS:
        try:
            wire = end.codec.encode(value, context)
        except (ValueError, TypeError):
            return False
        again = _decode(end, wire, context)
        if again != value or type(again) is not type(value):
            return f"{end.name!r} is not its own inverse: {value!r} is written as {_shown(wire)} and read as {again!r}"
    return True


def _decode(end: NamedCodec, wire: Any, context: Context) -> Any:
    try:
        return end.codec.decode(wire, context)
    except (ValueError, TypeError) as error:
        return error


def _shown(wire: Any) -> str:
    return str(wire) if isinstance(wire, Decimal) else repr(wire)
