"""Whether two listings agree, and on which records they do not, from 32 bytes a record.

Each record is kept as a name, a period and a fingerprint of its content; the record itself is gone as
soon as its page is. A digest of a period is the sum of its fingerprints, so the order of a listing
does not matter, and a record listed twice does not cancel itself out. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAME_BYTES: Final = 14
_PERIOD_BYTES: Final = 2
_CONTENT_BYTES: Final = 16
ENTRY_BYTES: Final = NAME_BYTES + _PERIOD_BYTES + _CONTENT_BYTES
#: the period of what has no date
UNDATED: Final = "undated"


def name_of(record_id: str) -> bytes:
    """The short name of a pair, the same on both sides: made of the id at its birthplace."""
    return blake2b(record_id.encode(), digest_size=NAME_BYTES).digest()


class Ledger:
    """One side of one kind, as it is listed."""

    __slots__ = ("_entries", "_periods")

    def __init__(self) -> None:
        self._entries = bytearray()
        self._periods: dict[str, int] = {}

    def add(self, record_id: str, content: tuple[object, ...], *, period: str | None) -> None:
        """`content` holds texts, whole numbers, truths and nothings: their repr is the same in every process."""
        number = self._periods.setdefault(period or UNDATED, len(self._periods))
        self._entries += name_of(record_id) + number.to_bytes(_PERIOD_BYTES, "big")
        self._entries += blake2b(repr(content).encode(), digest_size=_CONTENT_BYTES).digest()

    def __len__(self) -> int:
        return len(self._entries) // ENTRY_BYTES

    @property
    def size_bytes(self) -> int:
        return len(self._entries)

    def rows(self) -> Iterator[tuple[bytes, str, bytes]]:
        """(name, period, fingerprint) in order of the names, a record that was listed twice once."""
        whole = bytes(self._entries)
        periods = list(self._periods)
        last = b""
        for entry in sorted(whole[start : start + ENTRY_BYTES] for start in range(0, len(whole), ENTRY_BYTES)):
            if entry == last:
                continue
            last = entry
            middle = NAME_BYTES + _PERIOD_BYTES
            yield entry[:NAME_BYTES], periods[int.from_bytes(entry[NAME_BYTES:middle], "big")], entry[middle:]


class Tally:
    """How many records, and their digest."""

    __slots__ = ("_total", "count")

    def __init__(self) -> None:
        self.count = 0
        self._total = 0

    def add(self, name: bytes, fingerprint: bytes) -> None:
        self.count += 1
        mixed = blake2b(name + fingerprint, digest_size=_CONTENT_BYTES).digest()
        self._total = (self._total + int.from_bytes(mixed, "big")) % (1 << 8 * _CONTENT_BYTES)

    @property
    def digest(self) -> str:
        return f"{self._total:0{2 * _CONTENT_BYTES}x}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One period of one kind on both sides."""

    born: Tally = field(default_factory=Tally)
    mate: Tally = field(default_factory=Tally)

    @property
    def agrees(self) -> bool:
        return (self.born.count, self.born.digest) == (self.mate.count, self.mate.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    periods: Mapping[str, Period]
    #: names that are in both ledgers with one content
    agreed: frozenset[bytes]
    #: name -> period of those that are in both with different contents
    differing: Mapping[bytes, str]
    #: name -> period of those that are in one ledger only
    alone: Mapping[bytes, str]

    def is_on_both(self, name: bytes) -> bool:
        return name in self.agreed or name in self.differing

    def period_of(self, name: bytes) -> str | None:
        """None for a name that agrees or is unknown."""
        return self.differing.get(name, self.alone.get(name))


def compare(born: Ledger, mate: Ledger) -> Comparison:
    """A pair belongs to the period its birthplace says; what is on the other side only, to its own."""
    merge = _Merge()
    there = mate.rows()
    other = next(there, None)
    for name, period, content in born.rows():
        while other is not None and other[0] < name:
            merge.mate_alone(other)
            other = next(there, None)
        contents = []
        while other is not None and other[0] == name:
            contents.append(other[2])
            other = next(there, None)
        merge.pair(name, period, content, contents)
    while other is not None:
        merge.mate_alone(other)
        other = next(there, None)
    return Comparison(
        periods=merge.periods, agreed=frozenset(merge.agreed), differing=merge.differing, alone=merge.alone
    )


class _Merge:
    __slots__ = ("agreed", "alone", "differing", "periods")

    def __init__(self) -> None:
        self.periods: dict[str, Period] = {}
        self.agreed: set[bytes] = set()
        self.differing: dict[bytes, str] = {}
        self.alone: dict[bytes, str] = {}

    def pair(self, name: bytes, period: str, content: bytes, contents: list[bytes]) -> None:
        """A record of the birthplace, and what the other side says under its name."""
        tally = self.periods.setdefault(period, Period())
        tally.born.add(name, content)
        for each in contents:
            tally.mate.add(name, each)
        if name in self.agreed or name in self.differing or name in self.alone:
            # it changed while it was listed and stands there twice: to be looked at again
            self.agreed.discard(name)
            self.alone.pop(name, None)
            self.differing[name] = period
        elif not contents:
            self.alone[name] = period
        elif contents == [content]:
            self.agreed.add(name)
        else:
            self.differing[name] = period

    def mate_alone(self, row: tuple[bytes, str, bytes]) -> None:
        name, period, content = row
        self.periods.setdefault(period, Period()).mate.add(name, content)
        self.alone[name] = period
