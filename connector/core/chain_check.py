"""Reads an audit trail from its first row to its last and says where it was tampered with.

What a chain can show by itself: a row that was edited, taken away, put in or put elsewhere. Whoever may
write to the database can compute the chain anew from any row on, or cut off its end; that is seen only
against an anchor (number and hash of a row, kept elsewhere), or where rows are sealed with a key.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from connector.core.chain import KEYED, NOTHING_BEFORE, AuditRow, ChainHead, Seal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: faults told one by one; of a trail that is wrong throughout the first ones say enough
FAULTS_MAX = 100


class Tampering(StrEnum):
    EDITED = "edited"
    MOVED = "moved"
    MISSING = "missing"
    REWRITTEN = "rewritten"
    CUT_OFF = "cut_off"
    ADDED = "added"
    UNSEALED = "unsealed"
    KEY_MISSING = "key_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFault:
    #: the row, or the first of those that are missing
    seq: int
    what: Tampering
    expected: str
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReport:
    rows: int
    first_seq: int | None
    last: ChainHead
    #: the first row sealed with a key: what stands before it is only as good as an anchor
    keyed_from: int | None
    #: the first FAULTS_MAX of them, in the order of rows
    faults: tuple[ChainFault, ...]
    fault_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What is known of a trail besides its rows."""

    #: as the store remembers it
    head: ChainHead
    #: as people kept them elsewhere
    anchors: Sequence[ChainHead] = ()


def check_chain(rows: Iterable[AuditRow], expected: Expectation, seal: Seal) -> ChainReport:
    """`rows` by rising number."""
    check = _Check(seal, expected)
    for row in rows:
        check.take(row)
    check.end()
    moved = dict(_moved(check.edited, check.places, seal))
    faults = [_told_as_moved(fault, moved) for fault in check.faults]
    # stable: of one row, what its content says before what its neighbours say
    faults.sort(key=lambda fault: fault.seq)
    return ChainReport(
        rows=check.rows,
        first_seq=check.first_seq,
        last=check.last or ChainHead(seq=0, hash=NOTHING_BEFORE),
        keyed_from=check.keyed_from,
        faults=tuple(faults),
        fault_count=check.count,
    )


class _Check:
    def __init__(self, seal: Seal, expected: Expectation) -> None:
        self._seal = seal
        self._head = expected.head
        self._anchors = {anchor.seq: anchor for anchor in expected.anchors}
        self._unmet = dict(self._anchors)
        self.rows = 0
        self.first_seq: int | None = None
        self.last: ChainHead | None = None
        self._last_is_true = True
        self.keyed_from: int | None = None
        self.faults: list[ChainFault] = []
        self.count = 0
        #: rows whose content does not fit their hash: edited, or put elsewhere
        self.edited: list[AuditRow] = []
        #: numbers at which such a row may have stood
        self.places: list[int] = []

    def take(self, row: AuditRow) -> None:
        is_true = self._look_at(row)
        if is_true:
            self._compare_with_last(row)
        anchor = self._unmet.pop(row.seq, None)
        if anchor is not None and anchor.hash != row.hash:
            self._found(row.seq, Tampering.REWRITTEN, f"the anchor's hash {anchor.hash}", row.hash)
        self.rows += 1
        self.first_seq = row.seq if self.first_seq is None else self.first_seq
        self.last, self._last_is_true = ChainHead(seq=row.seq, hash=row.hash), is_true

    def end(self) -> None:
        last = self.last or ChainHead(seq=0, hash=NOTHING_BEFORE)
        head = self._head
        if last.seq < head.seq:
            self._found(last.seq + 1, Tampering.CUT_OFF, f"rows up to {head.seq}", f"the trail ends at {last.seq}")
        elif last.seq > head.seq:
            found = f"rows up to {last.seq}"
            self._found(head.seq + 1, Tampering.ADDED, f"the end at {head.seq}, as the store remembers", found)
        elif last.hash != head.hash and self._last_is_true:
            self._found(last.seq, Tampering.REWRITTEN, f"the hash the store remembers, {head.hash}", last.hash)
        for anchor in self._unmet.values():
            what = Tampering.CUT_OFF if anchor.seq > last.seq else Tampering.MISSING
            self._found(anchor.seq, what, f"the anchor's row {anchor.seq}", f"no such row; the last is {last.seq}")
        if self._seal and self.rows and self.keyed_from is None:
            self._found(last.seq, Tampering.UNSEALED, "a row sealed with the key that is set", "not one of them is")

    def _look_at(self, row: AuditRow) -> bool:
        """Whether the row is what its hash says."""
        expected = self._seal.expected_hash(row)
        if row.hash.startswith(KEYED):
            self.keyed_from = row.seq if self.keyed_from is None else self.keyed_from
        elif self.keyed_from is not None and self._seal:
            self._found(row.seq, Tampering.UNSEALED, "a hash with the key, as rows before it have", row.hash)
        if expected is None:
            self._found(row.seq, Tampering.KEY_MISSING, "the key this row was sealed with", row.hash)
            return True
        if expected == row.hash:
            return True
        self._found(row.seq, Tampering.EDITED, f"the hash of what the row says, {expected}", row.hash or "no hash")
        if len(self.edited) < FAULTS_MAX:
            self.edited.append(row)
            self.places.append(row.seq)
        return False

    def _compare_with_last(self, row: AuditRow) -> None:
        last = self.last or ChainHead(seq=0, hash=NOTHING_BEFORE)
        if row.previous_hash == last.hash:
            return
        if row.seq > last.seq + 1:
            found = f"row {row.seq} follows on {last.seq}" if last.seq else f"the trail begins with {row.seq}"
            self._found(last.seq + 1, Tampering.MISSING, f"rows up to {row.seq - 1}", found)
            self.places += range(last.seq + 1, min(row.seq, last.seq + 1 + FAULTS_MAX))
        elif self._last_is_true:
            expected = f"the hash that row {row.seq} remembers, {row.previous_hash or 'none'}"
            self._found(last.seq, Tampering.REWRITTEN, expected, last.hash)

    def _found(self, seq: int, what: Tampering, expected: str, found: str) -> None:
        self.count += 1
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(ChainFault(seq=seq, what=what, expected=expected, found=found))


def _moved(edited: Sequence[AuditRow], places: Sequence[int], seal: Seal) -> Iterator[tuple[int, int]]:
    """(number, number it was written as) of those rows that fit their hash at another place."""
    for row in edited:
        for place in places[: 2 * FAULTS_MAX]:
            if row.hash == seal.expected_hash(replace(row, seq=place)):
                yield row.seq, place


def _told_as_moved(fault: ChainFault, moved: dict[int, int]) -> ChainFault:
    if fault.what is not Tampering.EDITED or fault.seq not in moved:
        return fault
    expected = f"the row that was written as number {fault.seq}"
    return replace(fault, what=Tampering.MOVED, expected=expected, found=f"the one written as {moved[fault.seq]}")
