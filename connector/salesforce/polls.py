"""What changed in Salesforce since the cursors: one stream per polled object and timestamp.

A poll first *probes* a stream: everything since the cursor minus an overlap, newest first, in one
page of a composite call. A probe that is the same, row for row and in number, as the last one says
that nothing happened: so an idle pass costs the same few calls, and raises no signal, whatever was
written in the last minute. Otherwise a probe that holds the whole answer is all there is to do, and
a longer answer is read from its oldest row by keyset windows (architecture.md 4).

Signals carry no data. `version` is given only where the polled row is the record itself.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from connector.core.errors import Transient
from connector.core.mapping import read_path
from connector.core.marks import Mark
from connector.core.model import Cursor, Key, Side, Signal
from connector.ports import ChangePage
from connector.salesforce import soql
from connector.salesforce.composite import QUERIES_MAX, Query, SubReply
from connector.salesforce.reads import STAMP
from connector.salesforce.streams import Position, Stream, read_position, streams_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from connector.core.mapping import Pack
    from connector.salesforce.client import Client

_Row: TypeAlias = "tuple[datetime, dict[str, Any]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """A stream while it is read: the next query, and where the cursor will stand."""

    stream: Stream
    #: where the cursor stood when the poll began; None at the very first run
    start: Position | None
    #: lower bound of the probe; None reads from the beginning
    since: datetime | None
    #: True while the next query is the probe
    probing: bool
    #: the last row read; None before the first page
    behind: tuple[datetime, str] | None = None
    #: the server's now minus the margin, when the stream's first answer came
    until: datetime | None = None
    #: lower bound and digest of the next probe, if nothing happens until then
    expected: tuple[datetime, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    signals: tuple[Signal, ...] = ()
    marks: tuple[Mark, ...] = ()
    #: where the cursor stands once the signals are stored; None leaves it
    position: Position | None = None
    #: None when the stream is done
    next_reading: _Reading | None = None


class Poller:
    def __init__(self, *, client: Client, pack: Pack, margin_s: int, overlap_s: int) -> None:
        self._client = client
        self._pack = pack
        self._margin = timedelta(seconds=margin_s)
        self._overlap = timedelta(seconds=overlap_s)

    def changes(
        self, cursors: Mapping[str, Cursor], kinds: Sequence[str], *, since: datetime | None = None
    ) -> Iterator[ChangePage]:
        """Pages of signals; every stream yields its cursor at least once, moved up to `until`."""
        streams = streams_of(self._pack, kinds)
        if since is not None:
            cursors = {stream.name: _cursor(stream, Position(stamp=since)) for stream in streams}
        fresh = {stream.name for stream in streams if stream.name not in cursors}
        # Records that are read from the beginning need no second signal from their children.
        covered = [stream for stream in streams if stream.name in fresh and self._is_covered(stream, streams, fresh)]
        waiting = [self._start(stream, cursors.get(stream.name)) for stream in streams if stream not in covered]
        first_until: datetime | None = None
        while waiting:
            group, waiting = waiting[:QUERIES_MAX], waiting[QUERIES_MAX:]
            replies = self._client.composite([_query(reading).request() for reading in group])
            signals: list[Signal] = []
            marks: list[Mark] = []
            moved: list[Cursor] = []
            again: list[_Reading] = []
            for reading, reply in zip(group, replies, strict=True):
                until = reading.until or self._until(reply)
                first_until = first_until or until
                step = self._take(replace(reading, until=until), reply.body)
                signals += step.signals
                marks += step.marks
                if step.position is not None:
                    moved.append(_cursor(reading.stream, step.position))
                if step.next_reading is not None:
                    again.append(step.next_reading)
            waiting = again + waiting
            yield ChangePage(signals=tuple(dict.fromkeys(signals)), cursors=tuple(moved), marks=tuple(marks))
        if covered and first_until is not None:
            position = Position(stamp=first_until)
            yield ChangePage(signals=(), cursors=tuple(_cursor(stream, position) for stream in covered))

    def _is_covered(self, stream: Stream, streams: Sequence[Stream], fresh: set[str]) -> bool:
        if stream.is_own:
            return False
        read_whole = {
            concern.kind for own in streams if own.name in fresh for concern in own.concerns if concern.is_record
        }
        return all(concern.kind in read_whole for concern in stream.concerns)

    def _start(self, stream: Stream, cursor: Cursor | None) -> _Reading:
        if cursor is None:
            return _Reading(stream=stream, start=None, since=None, probing=False)
        start = read_position(cursor.value)
        since = start.stamp - self._overlap
        if start.probe_since is not None:
            # the same rows are recognised only behind the same bound
            since = min(since, start.probe_since)
        return _Reading(stream=stream, start=start, since=since, probing=True)

    def _until(self, reply: SubReply) -> datetime:
        if reply.server_now is None:
            message = "a reply without a Date header cannot bound a poll"
            raise Transient(message, side=Side.SALESFORCE, action="poll")
        return reply.server_now - self._margin

    def _take(self, reading: _Reading, page: Any) -> _Step:
        """What one page of one stream says, and what to ask next."""
        assert reading.until is not None
        rows = [(_stamp(reading.stream, row), row) for row in page["records"]]
        if reading.probing:
            return self._take_probe(reading, page, rows)
        ends = not rows or rows[-1][0] > reading.until or (page["done"] and len(rows) < soql.PAGE_ROWS)
        if ends:
            return self._finish(reading, rows)
        last_stamp, last_row = rows[-1]
        behind = (last_stamp, last_row["Id"])
        # Pages of the overlap lie before the cursor, which never moves back.
        is_ahead = reading.start is None or last_stamp > reading.start.stamp
        return _Step(
            signals=_signals(reading.stream, rows),
            marks=_marks(reading.stream, rows),
            position=Position(stamp=last_stamp, last_id=last_row["Id"]) if is_ahead else None,
            next_reading=replace(reading, behind=behind),
        )

    def _take_probe(self, reading: _Reading, page: Any, rows: Sequence[_Row]) -> _Step:
        assert reading.until is not None
        assert reading.start is not None
        digest = _digest(reading.stream, rows, page["totalSize"])
        is_same = digest == reading.start.probe_digest and reading.since == reading.start.probe_since
        # Stamps are whole seconds: the second `until` itself may still get rows that look the same.
        is_settled = is_same or not rows or rows[0][0] < reading.until
        expected = self._expected(reading, page, rows, digest) if is_settled else None
        reading = replace(reading, probing=False, since=reading.start.stamp - self._overlap, expected=expected)
        if is_same:
            return self._finish(reading, [])
        return self._finish(reading, rows) if page["done"] else _Step(next_reading=reading)

    def _expected(self, reading: _Reading, page: Any, rows: Sequence[_Row], digest: str) -> tuple[datetime, str]:
        """What the next probe finds if nothing happens: behind a bound as late as these rows can tell."""
        assert reading.since is not None
        since = self._reached(reading) - self._overlap
        holds_all = page["done"] or rows[-1][0] < since
        if since <= reading.since or not holds_all:
            return reading.since, digest
        behind = [(stamp, row) for stamp, row in rows if stamp >= since]
        return since, _digest(reading.stream, behind, len(behind))

    def _reached(self, reading: _Reading) -> datetime:
        """Where the cursor stands afterwards. A server's clock may step back; the overlap covers what is between."""
        assert reading.until is not None
        return reading.until if reading.start is None else max(reading.until, reading.start.stamp)

    def _finish(self, reading: _Reading, rows: Sequence[_Row]) -> _Step:
        """The stream is read up to `until`; later rows are left to the next poll."""
        assert reading.until is not None
        seen = [(stamp, row) for stamp, row in rows if stamp <= reading.until]
        probe_since, probe_digest = reading.expected or (None, None)
        position = Position(stamp=self._reached(reading), probe_since=probe_since, probe_digest=probe_digest)
        return _Step(signals=_signals(reading.stream, seen), marks=_marks(reading.stream, seen), position=position)


def _query(reading: _Reading) -> Query:
    stream = reading.stream
    concerned = (path for concern in stream.concerns for path in (concern.path, concern.marker))
    paths = soql.unique_paths(["Id", "IsDeleted", stream.stamp, *concerned])
    where: list[str] = []
    if reading.behind is not None:
        where.append(soql.after(stream.stamp, *reading.behind))
    elif reading.since is not None:
        where.append(soql.after(stream.stamp, reading.since, None))
    elif stream.stamp != STAMP:
        # A stamp behind a lookup is empty where the lookup is.
        where.append(f"{soql.identifier(stream.stamp)} != null")
    if reading.probing:
        order = [f"{stream.stamp} DESC", "Id DESC"]
    else:
        order = [stream.stamp, "Id"]
        if reading.until is not None:
            where.append(f"{stream.stamp} <= {soql.stamp_literal(reading.until)}")
    text = soql.select(
        paths, stream.object, where=where, order=order, limit=None if reading.probing else soql.PAGE_ROWS
    )
    return Query(text=text, action=f"poll {stream.object}", deleted_too=True)


def _stamp(stream: Stream, row: Mapping[str, Any]) -> datetime:
    return soql.parse_stamp(read_path(row, stream.stamp))


def _digest(stream: Stream, rows: Sequence[_Row], total: int) -> str:
    seen = [(row["Id"], read_path(row, stream.stamp)) for _, row in rows]
    return hashlib.sha256(json.dumps([total, seen]).encode()).hexdigest()[:16]


def _signals(stream: Stream, rows: Sequence[_Row]) -> tuple[Signal, ...]:
    found: list[Signal] = []
    for _, row in rows:
        for concern in stream.concerns:
            record_id = read_path(row, concern.path)
            if record_id is None:
                continue
            found.append(
                Signal(
                    key=Key(side=Side.SALESFORCE, kind=concern.kind, id=soql.record_id(record_id)),
                    version=row[STAMP] if concern.is_record else None,
                )
            )
    return tuple(found)


def _marks(stream: Stream, rows: Sequence[_Row]) -> tuple[Mark, ...]:
    """Rows that name their copy; kinds that share the object and the field share the mark."""
    kinds: dict[str, list[str]] = {}
    for concern in stream.concerns:
        if concern.marker is not None:
            kinds.setdefault(concern.marker, []).append(concern.kind)
    return tuple(
        Mark(
            keys=tuple(Key(side=Side.SALESFORCE, kind=kind, id=soql.record_id(row["Id"])) for kind in owners),
            names=str(row[marker]),
        )
        for _, row in rows
        for marker, owners in kinds.items()
        if row.get(marker) and not row.get("IsDeleted")
    )


def _cursor(stream: Stream, position: Position) -> Cursor:
    return Cursor(side=Side.SALESFORCE, stream=stream.name, value=position.text())
