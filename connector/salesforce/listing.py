"""Every record of a kind that Salesforce holds for us, in pages ordered by Id.

Keyset pages: no cursor of the server has to live through a long listing, and a record that appears
or goes away meanwhile moves no other. What is missing here is not deleted (invariants.md I10): a row may
be hidden by sharing, and a record that lost its marker is not selected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.salesforce import soql
from connector.salesforce.composite import Query
from connector.salesforce.reads import CREATED, record_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from connector.core.mapping import KindMapping
    from connector.core.model import Record
    from connector.salesforce.client import Client
    from connector.salesforce.reads import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a listing shows, see ports.System.fetch_all."""

    select: bool
    lines: bool
    needed: bool


def list_all(client: Client, reader: Reader, kind: str, wanted: Wanted) -> Iterator[Sequence[Record]]:
    """Pages of at most 2,000 records; none when there are none."""
    mapping = reader.selection(kind).mapping
    last_id: str | None = None
    while True:
        asks = [Query(text=_page(reader, kind, last_id, needed=wanted.needed), action=f"list {kind}")]
        judging = wanted.select and mapping.salesforce.where is not None
        if judging:
            asks.append(Query(text=_selected(mapping, last_id), action=f"list {kind}"))
        rows, *answers = client.queries(asks)
        if rows:
            chosen = {row["Id"] for answer in answers for row in answer} if judging else None
            yield _records(reader, mapping, rows, chosen=chosen, wanted=wanted)
        if len(rows) < soql.PAGE_ROWS:
            return
        last_id = rows[-1]["Id"]


def _records(
    reader: Reader,
    mapping: KindMapping,
    rows: Sequence[Mapping[str, Any]],
    *,
    chosen: set[str] | None,
    wanted: Wanted,
) -> list[Record]:
    kind = mapping.kind
    children = reader.lines_of(kind, [row["Id"] for row in rows]) if wanted.lines else {}
    # without a condition a kind born by need is born only by need, any other always
    otherwise = not wanted.select or not mapping.born_by_need
    return [
        record_of(
            kind,
            row,
            lines=children.get((kind, row["Id"]), ()),
            selected=otherwise if chosen is None else row["Id"] in chosen,
        )
        for row in rows
    ]


def _page(reader: Reader, kind: str, last_id: str | None, *, needed: bool) -> str:
    selection = reader.selection(kind)
    spec = selection.mapping.salesforce
    marked = f"{soql.identifier(spec.marker)} != null"
    where = [] if last_id is None else [_behind(last_id)]
    by_need = selection.mapping.born_by_need
    # anybody may be needed one day, whatever `where` says
    everybody = by_need and needed
    if spec.where is not None and not everybody:
        where.append(f"(({spec.where}) OR {marked})")
    elif by_need and not everybody:
        where.append(marked)
    paths = soql.unique_paths([*selection.paths, CREATED])
    return soql.select(paths, spec.object, where=where, order=["Id"], limit=soql.PAGE_ROWS)


def _selected(mapping: KindMapping, last_id: str | None) -> str:
    """The ids of the same page, or of more, that meet the birth condition: as many rows from the same place."""
    where = [] if last_id is None else [_behind(last_id)]
    where.append(f"({mapping.salesforce.where})")
    return soql.select(["Id"], mapping.salesforce.object, where=where, order=["Id"], limit=soql.PAGE_ROWS)


def _behind(last_id: str) -> str:
    return f"Id > {soql.literal(soql.record_id(last_id))}"
