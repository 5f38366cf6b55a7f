"""Query cursors: what is left of a result that did not fit one page. They die of age, or when an admin ends them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from connector.sandbox.salesforce.errors import ApiError

if TYPE_CHECKING:
    from connector.sandbox.salesforce.soql.execute import Result

_LIFETIME = timedelta(days=2)
_INVALID = "invalid query locator"


class Cursors:
    """Kept in memory only: like the real ones they need not survive a restart of the org."""

    def __init__(self, org_number: str) -> None:
        self._org_number = org_number
        self._open: dict[str, tuple[Result, int, datetime]] = {}
        self._count = 0

    def open(self, result: Result, batch_size: int, now: datetime) -> str:
        """A locator without its position; `-N` is appended by the page that names the next."""
        self._count += 1
        locator = f"01g{self._org_number}{self._count:09d}AAA"
        self._open[locator] = result, batch_size, now + _LIFETIME
        return locator

    def find(self, locator: str, now: datetime) -> tuple[Result, str, int, int]:
        """(result, locator, batch size, position) of `01g...-N`; raises INVALID_QUERY_LOCATOR."""
        name, _, position = locator.rpartition("-")
        known = self._open.get(name)
        if known is None or not position.isdecimal() or known[2] < now or int(position) >= known[0].total_size:
            raise ApiError(400, "INVALID_QUERY_LOCATOR", _INVALID)
        return known[0], name, known[1], int(position)

    def close(self, locator: str) -> None:
        self._open.pop(locator, None)

    def close_all(self) -> None:
        self._open.clear()
