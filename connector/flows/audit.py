"""Reads the audit trail whole: to check it, and to hand it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.chain_check import ChainReport, Expectation, check_chain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from connector.core.chain import AuditRow, ChainHead, Seal
    from connector.ports.trail import AuditTrail

#: rows in memory at a time
PAGE = 1000


def check_trail(
    trail: AuditTrail,
    seal: Seal,
    *,
    anchors: Sequence[ChainHead] = (),
    each: Callable[[AuditRow], None] | None = None,
) -> ChainReport:
    """Reads every row, gives it to `each`, and says what is wrong with the trail. Others may append meanwhile."""
    head = trail.load_head()

    def read() -> Iterator[AuditRow]:
        after = 0
        while rows := trail.load_rows(after_seq=after, limit=PAGE):
            for row in rows:
                # what was appended since the head was read is left for the next time
                if row.seq > head.seq and not _is_strange(trail, head):
                    return
                if each is not None:
                    each(row)
                yield row
                after = row.seq

    return check_chain(read(), Expectation(head=head, anchors=anchors), seal)


def _is_strange(trail: AuditTrail, head: ChainHead) -> bool:
    """Whether there are rows after the head though nothing was appended since it was read."""
    return trail.load_head() == head
