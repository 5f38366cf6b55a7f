"""What is parked as CSV: a line for each record, for a spreadsheet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.conditions import group_of
from connector.core.csv_text import csv_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.core.csv_text import Cell
    from connector.core.model import Link

COLUMNS: Final = (
    "group",
    "kind",
    "id",
    "mate",
    "code",
    "condition",
    "subject",
    "wanted",
    "reason",
    "since",
    "next_look",
)


def parked_table(links: Iterable[Link]) -> str:
    """With a line of names first; records of one group stand together. Moments are ISO 8601, in UTC."""
    rows = sorted((group_of(link).id, link.kind, link.born.id, link) for link in links)
    return "".join([csv_line(COLUMNS), *(csv_line(_cells(group, link)) for group, _, _, link in rows)])


def _cells(group: str, link: Link) -> tuple[Cell, ...]:
    condition = link.condition
    look = None if condition is None else condition.look_at
    return (
        group,
        link.kind,
        link.born.id,
        link.mate_id,
        link.reason_code,
        None if condition is None else condition.type.value,
        None if condition is None else condition.subject,
        None if condition is None else condition.wanted,
        link.reason,
        None if link.parked_at is None else link.parked_at.isoformat(),
        None if look is None else look.isoformat(),
    )
