"""Records of several kinds, as they are now, in as few calls as Salesforce allows.

One SELECT per kind and 200 ids with every path its mapping reads, one for its lines, one for its
birth condition; all of them packed into composite calls. Asks with deleted rows included: a record
is deleted when Salesforce says so, never because it is missing from an answer (invariants.md I10).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from connector.core.errors import Hidden
from connector.core.mapping import read_path
from connector.core.model import Key, Record, Side
from connector.salesforce import soql
from connector.salesforce.composite import Query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from connector.core.mapping import KindMapping, LineSpec, Pack
    from connector.salesforce.client import Client

CURRENCY_FIELD: Final = "CurrencyIsoCode"
STAMP: Final = "SystemModstamp"
#: asked for in listings only: nothing else needs to know when a record was made
CREATED: Final = "CreatedDate"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSelection:
    """What is read of one object's child rows."""

    spec: LineSpec
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is read for one kind."""

    mapping: KindMapping
    paths: tuple[str, ...]
    lines: tuple[LineSelection, ...] = ()


def selection_of(mapping: KindMapping, *, multi_currency: bool) -> Selection:
    """All paths the mapping reads; CurrencyIsoCode only where it exists (billing-facts.md, trap 2)."""
    spec = mapping.salesforce
    paths = [
        "Id",
        "IsDeleted",
        STAMP,
        spec.marker,
        spec.state,
        spec.currency,
        spec.shard,
        *spec.roles.values(),
        *(rule.salesforce for rule in mapping.fields),
    ]
    lines = tuple(
        LineSelection(
            spec=spec,
            paths=_existing(["Id", spec.parent, spec.order, *spec.paths, *spec.roles.values()], multi_currency),
        )
        for spec in mapping.line_specs
    )
    return Selection(mapping=mapping, paths=_existing(paths, multi_currency), lines=lines)


def _existing(paths: Sequence[str | None], multi_currency: bool) -> tuple[str, ...]:
    return tuple(path for path in soql.unique_paths(paths) if multi_currency or path.split(".")[-1] != CURRENCY_FIELD)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ask:
    """One query and where its rows belong."""

    kind: str
    #: `records`, `lines` or `selected`
    part: str
    text: str
    #: field of a line that holds its record's id
    parent: str = ""

    def query(self) -> Query:
        # Lines and birth conditions do not concern deleted rows; records do.
        return Query(text=self.text, action=f"fetch {self.kind}", deleted_too=self.part == "records")


#: with the server's clock
_Answer: TypeAlias = "tuple[_Ask, list[dict[str, Any]], datetime | None]"


class Reader:
    """Reads records of the pack's kinds. Thread-safe: holds nothing that changes."""

    def __init__(self, *, client: Client, pack: Pack, multi_currency: bool, margin_s: int) -> None:
        self._client = client
        self._margin = timedelta(seconds=margin_s)
        self._pack = pack
        self._selections = {
            kind: selection_of(mapping, multi_currency=multi_currency) for kind, mapping in pack.kinds.items()
        }

    def read(self, wanted: Mapping[str, Sequence[str]], select: Mapping[str, Sequence[str]]) -> dict[Key, Record]:
        """Records by key; an id that is no Salesforce id, or is unknown to Salesforce, is absent.

        Without being asked for in `select` a record counts as selected.
        """
        asks: list[_Ask] = []
        judged: dict[str, set[str]] = {}
        for kind in dict.fromkeys((*wanted, *select)):
            judged[kind] = _ids(select.get(kind, ()))
            ids = sorted(judged[kind] | _ids(wanted.get(kind, ())))
            asks += self._asks(kind, "Id", ids, judge=judged[kind])
        return self._collect(asks, judged)

    def read_marked(self, kind: str, markers: Sequence[str]) -> dict[str, Record]:
        """Records of one kind by the value of their marker field."""
        selection = self._selections[kind]
        marker = selection.mapping.salesforce.marker
        asks = [
            _Ask(kind=kind, part="records", text=self._records_query(selection, soql.is_in(marker, group)))
            for group in soql.value_chunks(
                list(dict.fromkeys(markers)), fixed_text=self._records_query(selection, f"{marker} IN ()")
            )
        ]
        found = self._collect(asks, {})
        lines = self._collect_lines(self._line_asks(kind, [record.id for record in found.values()]))
        wanted = set(markers)
        return {
            marked: replace(record, lines=tuple(lines.get((kind, record.id), ())))
            for record in found.values()
            # The field is case-sensitive by our metadata; an org where it is not must not confuse two marks.
            if (marked := read_path(record.fields, marker)) in wanted and not record.deleted
        }

    def selection(self, kind: str) -> Selection:
        return self._selections[kind]

    def lines_of(self, kind: str, record_ids: Sequence[str]) -> Mapping[tuple[str, str], Sequence[Mapping[str, Any]]]:
        """Child rows by (kind, record id), in their order."""
        return self._collect_lines(self._line_asks(kind, record_ids))

    def _asks(self, kind: str, column: str, ids: Sequence[str], *, judge: set[str]) -> list[_Ask]:
        selection = self._selections[kind]
        spec = selection.mapping.salesforce
        fixed = self._records_query(selection, f"{column} IN ()")
        asks = [
            _Ask(kind=kind, part="records", text=self._records_query(selection, soql.is_in(column, group)))
            for group in soql.value_chunks(ids, fixed_text=fixed)
        ]
        asks += self._line_asks(kind, ids)
        if spec.where is not None and judge:
            condition = f"({spec.where})"
            asks += [
                _Ask(
                    kind=kind,
                    part="selected",
                    text=soql.select(["Id"], spec.object, where=[soql.is_in("Id", group), condition]),
                )
                for group in soql.value_chunks(sorted(judge), fixed_text=condition + spec.object)
            ]
        return asks

    def _line_asks(self, kind: str, ids: Sequence[str]) -> list[_Ask]:
        asks: list[_Ask] = []
        for lines in self._selections[kind].lines:
            parent = lines.spec.parent
            fixed = _lines_query(lines, f"{parent} IN ()")
            asks += [
                _Ask(kind=kind, part="lines", text=_lines_query(lines, soql.is_in(parent, group)), parent=parent)
                for group in soql.value_chunks(ids, fixed_text=fixed)
            ]
        return asks

    def _records_query(self, selection: Selection, condition: str) -> str:
        return soql.select(selection.paths, selection.mapping.salesforce.object, where=[condition])

    def _collect(self, asks: Sequence[_Ask], judged: Mapping[str, set[str]]) -> dict[Key, Record]:
        answers = self._answers(asks)
        lines = _lines_by_parent(answers)
        selected = {(ask.kind, row["Id"]) for ask, rows, _ in answers if ask.part == "selected" for row in rows}
        records: dict[Key, Record] = {}
        for ask, rows, server_now in answers:
            if ask.part != "records":
                continue
            selection = self._selections[ask.kind]
            mapping = selection.mapping
            for row in rows:
                _require_shown(ask.kind, selection.paths, row)
                key = Key(side=Side.SALESFORCE, kind=ask.kind, id=row["Id"])
                is_selected = _is_selected(mapping, key.id, judged.get(ask.kind, set()), selected)
                record = record_of(ask.kind, row, lines=lines.get((ask.kind, key.id), ()), selected=is_selected)
                records[key] = replace(record, is_fresh=self._is_fresh(row, server_now))
        return records

    def _is_fresh(self, row: Mapping[str, Any], server_now: datetime | None) -> bool:
        """Stamps are whole seconds (platform.md, change detection): until that one is over for certain, as far as polls
        stay behind, the record may change once more and keep its stamp.
        """
        return server_now is None or soql.parse_stamp(row[STAMP]) >= server_now - self._margin

    def _collect_lines(self, asks: Sequence[_Ask]) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
        return _lines_by_parent(self._answers(asks))

    def _answers(self, asks: Sequence[_Ask]) -> list[_Answer]:
        answers = self._client.dated_queries([ask.query() for ask in asks])
        return [(ask, rows, server_now) for ask, (rows, server_now) in zip(asks, answers, strict=True)]


def record_of(kind: str, row: Mapping[str, Any], *, lines: Sequence[Mapping[str, Any]], selected: bool) -> Record:
    return Record(
        key=Key(side=Side.SALESFORCE, kind=kind, id=row["Id"]),
        version=row[STAMP],
        fields=row,
        lines=tuple(lines),
        selected=selected,
        deleted=bool(row.get("IsDeleted", False)),
        created_at=soql.parse_stamp(row[CREATED]) if row.get(CREATED) else None,
    )


def _require_shown(kind: str, paths: Sequence[str], row: Mapping[str, Any]) -> None:
    """A selected field that an answer leaves out is hidden, never empty: an empty one is there, as null.
    Raises Hidden.
    """
    missing = [path for path in paths if not _is_shown(row, path)]
    if missing:
        message = f"answers leave out {', '.join(missing)}"
        error = Hidden(message, side=Side.SALESFORCE, action=f"fetch {kind}", code="LEFT_OUT", fields=missing)
        error.kind = kind
        raise error


def _is_shown(row: Mapping[str, Any], path: str) -> bool:
    value: Any = row
    for step in path.split("."):
        if value is None:
            return True
        if step not in value:
            return False
        value = value[step]
    return True


def _ids(values: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for value in values:
        with suppress(ValueError):
            found.add(soql.record_id(value))
    return found


def _lines_query(lines: LineSelection, condition: str) -> str:
    spec = lines.spec
    conditions = [condition] if spec.where is None else [condition, f"({spec.where})"]
    return soql.select(lines.paths, spec.object, where=conditions, order=[spec.parent, spec.order, "Id"])


def _lines_by_parent(answers: Sequence[_Answer]) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for ask, rows, _ in answers:
        if ask.part != "lines":
            continue
        for row in rows:
            found.setdefault((ask.kind, row[ask.parent]), []).append(row)
    return found


def _is_selected(mapping: KindMapping, record_id: str, judged: set[str], selected: set[tuple[str, str]]) -> bool:
    if record_id not in judged:
        return True
    if mapping.salesforce.where is not None:
        return (mapping.kind, record_id) in selected
    # Without a condition a kind born by need is born only by need, any other always.
    return not mapping.born_by_need
