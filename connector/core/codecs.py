"""The named codecs of a mapping line's `as`: one wire form of a neutral value each.

A mapping names codecs, it does not compute; what a line cannot say, a codec says. Every codec keeps
`decode(encode(value)) == value` and offers `samples`, neutral values the loader tries that on.
Users add their own by entry point (group `connector.codecs`), see docs/mapping.md.

An absent value and an empty text are the same thing (None) on both sides: Salesforce stores no empty
strings and Stripe unsets a parameter given as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final

from connector.core.countries import CODE_BY_SPELLING, NAME_BY_CODE
from connector.core.money import DIGITS_MAX, from_minor, to_minor
from connector.core.words import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.core.mapping import Codec, Context
    from connector.core.model import Neutral

#: platform.md C5
METADATA_VALUE_CHARACTERS_MAX: Final = 500


def _refuse(value: object, wanted: str) -> ValueError:
    return ValueError(f"{shown(value)} is not {wanted}")


class Text:
    """Text without surrounding blanks (Stripe trims); empty is None."""

    samples: ClassVar[tuple[Neutral, ...]] = ("Acme GmbH", "two\nlines", None)

    def decode(self, wire: Any, context: Context) -> Neutral:  # noqa: ARG002 - the Codec protocol
        if wire is None:
            return None
        if not isinstance(wire, str):
            raise _refuse(wire, "text")
        return wire.strip() or None

    def encode(self, value: Neutral, context: Context) -> Any:
        return self.decode(value, context)


class Email(Text):
    """One address, as typed: its letters' case may matter to the mailbox."""

    samples = ("AP@acme.example", None)

    def decode(self, wire: Any, context: Context) -> Neutral:
        text = super().decode(wire, context)
        if text is not None:
            assert isinstance(text, str)
            local, _, domain = text.rpartition("@")
            if not local or not domain or any(character.isspace() for character in text):
                raise _refuse(wire, "an e-mail address")
        return text


class OneLine(Text):
    """A multi-line street as one line: Stripe's `line1`. Written back it stays one line."""

    samples = ("Hauptstr. 1, Hinterhaus", None)

    def decode(self, wire: Any, context: Context) -> Neutral:
        text = super().decode(wire, context)
        if text is None:
            return None
        assert isinstance(text, str)
        return ", ".join(line.strip() for line in text.splitlines() if line.strip())


class Country(Text):
    """Free-text country of Salesforce <-> the ISO code, which is the neutral value.

    A text the table does not know passes through: the person who typed it sees Stripe's own refusal.
    """

    samples = ("DE", "US", None)

    def decode(self, wire: Any, context: Context) -> Neutral:
        text = super().decode(wire, context)
        return CODE_BY_SPELLING.get(text.casefold(), text) if isinstance(text, str) else None

    def encode(self, value: Neutral, context: Context) -> Any:
        text = super().decode(value, context)
        return NAME_BY_CODE.get(text, text) if isinstance(text, str) else None


class Metadata(Text):
    """Text in a Stripe metadata value, at most 500 characters (platform.md C5); longer is refused, never cut."""

    samples = ("SEAT-1", None)

    def encode(self, value: Neutral, context: Context) -> Any:
        text = super().encode(value, context)
        if isinstance(text, str) and len(text) > METADATA_VALUE_CHARACTERS_MAX:
            raise ValueError(
                f"{len(text)} characters are more than metadata holds ({METADATA_VALUE_CHARACTERS_MAX}): {text[:40]!r}..."
            )
        return text


class Boolean:
    samples: ClassVar[tuple[Neutral, ...]] = (True, False)

    def decode(self, wire: Any, context: Context) -> Neutral:  # noqa: ARG002 - the Codec protocol
        if wire is not None and not isinstance(wire, bool):
            raise _refuse(wire, "true or false")
        return wire

    def encode(self, value: Neutral, context: Context) -> Any:
        return self.decode(value, context)


class Integer:
    """A whole number; Salesforce's number fields send it as a decimal."""

    samples: ClassVar[tuple[Neutral, ...]] = (0, 12, -3, None)

    def decode(self, wire: Any, context: Context) -> Neutral:  # noqa: ARG002 - the Codec protocol
        if wire is None:
            return None
        if isinstance(wire, bool) or not isinstance(wire, int | Decimal) or not _is_countable(wire):
            raise _refuse(wire, "a whole number")
        return int(wire)

    def encode(self, value: Neutral, context: Context) -> Any:
        return self.decode(value, context)


class Minor(Integer):
    """Money as Stripe sends it: whole minor units."""

    samples = (0, 120_000, -500, None)


class Money:
    """Money as Salesforce sends it: a decimal in the currency of the record's context."""

    samples: ClassVar[tuple[Neutral, ...]] = Minor.samples

    def decode(self, wire: Any, context: Context) -> Neutral:
        if wire is None:
            return None
        if isinstance(wire, bool) or not isinstance(wire, int | Decimal):
            raise _refuse(wire, "an exact amount of money")
        return to_minor(Decimal(wire), _currency(context), context.currencies)

    def encode(self, value: Neutral, context: Context) -> Any:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise _refuse(value, "a whole number of minor units")
        return from_minor(value, _currency(context), context.currencies)


class Date:
    """A calendar day without a zone, `2026-01-31`: what Salesforce's date fields hold."""

    samples: ClassVar[tuple[Neutral, ...]] = ("2026-01-31", "2024-02-29", None)

    def decode(self, wire: Any, context: Context) -> Neutral:  # noqa: ARG002 - the Codec protocol
        return None if wire is None else _parse_date(wire).isoformat()

    def encode(self, value: Neutral, context: Context) -> Any:
        return self.decode(value, context)


class Epoch:
    """A day at Stripe, which has only seconds since 1970: written as noon in the org's time zone.

    Noon, so that a dashboard some hours east or west of the org still shows the org's day. Read, any
    second of the local day is that day.
    """

    samples: ClassVar[tuple[Neutral, ...]] = Date.samples
    local_time: ClassVar[time] = time(12)

    def decode(self, wire: Any, context: Context) -> Neutral:
        if wire is None:
            return None
        if isinstance(wire, bool) or not isinstance(wire, int):
            raise _refuse(wire, "a time in seconds since 1970")
        try:
            return datetime.fromtimestamp(wire, UTC).astimezone(context.time_zone).date().isoformat()
        except (OverflowError, OSError, ValueError):
            raise _refuse(wire, "a time in seconds since 1970") from None

    def encode(self, value: Neutral, context: Context) -> Any:
        if value is None:
            return None
        local = datetime.combine(_parse_date(value), self.local_time, context.time_zone)
        return int(local.timestamp())


class EpochEndOfDay(Epoch):
    """A last valid day: written as its last second in the org's time zone, so that the whole day counts."""

    local_time = time(23, 59, 59)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A picklist through a table of the mapping; the neutral value is Salesforce's.

    Several Stripe values may mean one Salesforce value; written back, the first of them is used.
    """

    name: str
    #: Salesforce value -> Stripe values, the first is the one written
    rows: Mapping[str, tuple[str, ...]]

    @property
    def samples(self) -> tuple[Neutral, ...]:
        return (*self.rows, None)

    def decode(self, wire: Any, context: Context) -> Neutral:  # noqa: ARG002 - the Codec protocol
        if wire is None:
            return None
        for salesforce, stripe in self.rows.items():
            if wire in stripe:
                return salesforce
        raise ValueError(f"{shown(wire)} stands for nothing in table {self.name!r}; add it there")

    def encode(self, value: Neutral, context: Context) -> Any:  # noqa: ARG002 - the Codec protocol
        if value is None:
            return None
        if value not in self.rows:
            raise ValueError(f"{shown(value)} is no row of table {self.name!r}; add it there")
        return self.rows[str(value)][0]


BUILT_IN: Final[Mapping[str, Codec]] = {
    "boolean": Boolean(),
    "country": Country(),
    "date": Date(),
    "email": Email(),
    "epoch": Epoch(),
    "epoch_end_of_day": EpochEndOfDay(),
    "integer": Integer(),
    "metadata": Metadata(),
    "minor": Minor(),
    "money": Money(),
    "one_line": OneLine(),
    "text": Text(),
}

#: codecs whose neutral value is money: the loader holds them to the money rules
MONEY_CODECS: Final = frozenset({"money", "minor"})


def _is_countable(number: int | Decimal) -> bool:
    """Whole, and with no more digits than anything that is counted has."""
    if isinstance(number, int):
        return bool(abs(number) < 10**DIGITS_MAX)
    # the size first: a thousand zeros would be written out to look whether they are whole
    return bool(number.is_finite() and number.adjusted() < DIGITS_MAX and number == number.to_integral_value())


def _currency(context: Context) -> str:
    if context.currency is None:
        raise ValueError("an amount of money needs the record's currency")
    return context.currency


def _parse_date(value: object) -> date:
    # fromisoformat alone also reads 20260131 and 2026-W05-6, which no Salesforce date field sends
    if not isinstance(value, str) or len(value) != len("2026-01-31"):
        raise _refuse(value, "a date like 2026-01-31")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise _refuse(value, "a date like 2026-01-31") from None
