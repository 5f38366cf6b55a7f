"""The streams of changes a mapping pack needs, and how far each has been read.

Pure. A stream is one object polled by one timestamp; its position is what a cursor's value says.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.salesforce import soql
from connector.salesforce.reads import STAMP

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from connector.core.mapping import Pack


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """A row of the stream concerns the record whose id stands at `path`."""

    kind: str
    path: str
    #: the row is the record itself and the stamp its own
    is_record: bool
    #: of such a row: the field that names the copy, where the kind may run
    marker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    object: str
    stamp: str
    concerns: tuple[Concern, ...]

    @property
    def name(self) -> str:
        return self.object if self.stamp == STAMP else f"{self.object}:{self.stamp}"

    @property
    def is_own(self) -> bool:
        return any(concern.is_record for concern in self.concerns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a stream has been read: everything up to `stamp`, and of that very stamp up to `last_id`."""

    stamp: datetime
    #: None once the stream was read to its end: then every row of that stamp was seen
    last_id: str | None = None
    #: lower bound and digest of the next probe, if nothing happens until then
    probe_since: datetime | None = None
    probe_digest: str | None = None

    def text(self) -> str:
        content = {
            "stamp": soql.stamp_literal(self.stamp),
            "id": self.last_id,
            "probe_since": soql.stamp_literal(self.probe_since) if self.probe_since else None,
            "probe_digest": self.probe_digest,
        }
        return json.dumps({name: value for name, value in content.items() if value is not None}, sort_keys=True)


def read_position(text: str) -> Position:
    content = json.loads(text)
    since = content.get("probe_since")
    return Position(
        stamp=soql.parse_stamp(content["stamp"]),
        last_id=content.get("id"),
        probe_since=soql.parse_stamp(since) if since else None,
        probe_digest=content.get("probe_digest"),
    )


def streams_of(pack: Pack, kinds: Sequence[str]) -> tuple[Stream, ...]:
    """The streams that feed `kinds`, own objects first.

    A stream concerns all kinds of the pack it feeds, not only those asked for: its cursor moves for
    all of them, and a row passed over silently would be a lost change.
    """
    concerns: dict[tuple[str, str], list[Concern]] = {}
    for kind, mapping in pack.kinds.items():
        spec = mapping.salesforce
        own = Concern(kind=kind, path="Id", is_record=True, marker=spec.marker if kind in kinds else None)
        concerns.setdefault((spec.object, STAMP), []).append(own)
    for mapping in pack.kinds.values():
        for watch in mapping.salesforce.watches:
            known = concerns.setdefault((watch.object, watch.stamp), [])
            for kind, path in watch.keys.items():
                if not any(concern.kind == kind and concern.path == path for concern in known):
                    known.append(Concern(kind=kind, path=path, is_record=False))
    streams = [Stream(object=name, stamp=stamp, concerns=tuple(found)) for (name, stamp), found in concerns.items()]
    return tuple(stream for stream in streams if any(concern.kind in kinds for concern in stream.concerns))
