"""The audit trail as the flows and the command line know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.chain import AuditEntry, AuditRow, ChainHead


class AuditTrail(Protocol):
    """What was decided and done, append-only and chained. Every method is one transaction."""

    def append(self, entries: Sequence[AuditEntry]) -> None:
        """For decisions that change nothing else here; all others are told in their own transaction."""
        ...

    def load_rows(self, *, after_seq: int = 0, limit: int = 1000) -> Sequence[AuditRow]:
        """In their order."""
        ...

    def load_of_trace(self, trace_id: str, *, limit: int = 1000) -> Sequence[AuditRow]:
        """What was written in this unit of work, in its order."""
        ...

    def load_head(self) -> ChainHead:
        """The newest row, as it is remembered apart from the rows."""
        ...
