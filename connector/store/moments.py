"""Moments that processes of several hosts compare with each other."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import DateTime, func, literal

from connector.store.tables import UtcDateTime

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from connector.store.database import Tx


def shared_moment(tx: Tx, *, in_s: float = 0.0) -> ColumnElement[datetime]:
    """Now, or so much later, within a statement: by the server where hosts share its clock, else by this host."""
    span = timedelta(seconds=in_s)
    if tx.by_server:
        # not the transaction's own moment: it may have waited for a lock since it began
        now: ColumnElement[Any] = func.clock_timestamp(type_=DateTime(timezone=True))
        return now + span if in_s else now
    return literal(tx.now + span, UtcDateTime())
