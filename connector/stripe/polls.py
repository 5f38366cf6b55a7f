"""What changed at Stripe since the cursors: events, and payment records, which have no events.

Lists newest first and stops where everything that is remembered was seen again, so that a quiet account
costs one call per stream. Late events are caught by looking `overlap_s` behind the newest one seen, but
no further back than the hundred newest. May not fetch the records themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from connector.core.model import CAUSE_GAP, Cursor, Side, Signal
from connector.ports import ChangePage
from connector.stripe.client import PAGE_SIZE
from connector.stripe.events import (
    EVENT_TYPES,
    Subject,
    payment_subjects,
    subjects_of_invoice_payment,
)
from connector.stripe.marks import event_mark, listed_mark
from connector.stripe.received import signals_about, signals_of
from connector.stripe.resources import RESOURCES
from connector.stripe.spans import Span, spans_between

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor
    from datetime import datetime

    from connector.core.mapping import Pack
    from connector.core.marks import Mark
    from connector.ports import Clock
    from connector.stripe.client import Client

EVENTS = "events"
PAYMENT_RECORDS = "payment_records"

#: Events are kept 30 days (platform.md C3); a cursor older than this may have missed some.
EVENTS_KEPT_S = 29 * 24 * 3600

#: So many pages without an event that was seen before are a burst; spans cost a call each, full or not.
BURST_PAGES = 3

#: Causes of signals, for the log and for findings.
CAUSE_EVENT = "event"
CAUSE_LIST = "poll"
CAUSE_FIRST = "first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far a stream was read: the content of a Cursor."""

    #: creation time of the newest object seen, epoch seconds; 0 when there was none
    created: int
    #: newest ids seen, at most one page of them, newest first
    seen: tuple[str, ...]
    #: when the stream was last read, epoch seconds by our clock
    read_at: int

    def cursor(self, stream: str) -> Cursor:
        value = {"created": self.created, "seen": list(self.seen), "read_at": self.read_at}
        return Cursor(side=Side.STRIPE, stream=stream, value=orjson.dumps(value).decode())

    @classmethod
    def of(cls, cursor: Cursor) -> Position:
        value = orjson.loads(cursor.value)
        return cls(created=value["created"], seen=tuple(value["seen"]), read_at=value["read_at"])

    def moved(self, first_page: Sequence[Mapping[str, Any]], *, now_s: int) -> Position:
        """Where the stream stands once everything down to the old position was read."""
        ids = [item["id"] for item in first_page]
        return Position(
            created=max([self.created, *(item["created"] for item in first_page)]),
            seen=tuple(dict.fromkeys([*ids, *self.seen]))[:PAGE_SIZE],
            read_at=now_s,
        )


class Poller:
    """`org` names the Salesforce org whose marks are ours, once it is known."""

    def __init__(
        self,
        client: Client,
        *,
        pack: Pack,
        clock: Clock,
        overlap_s: int,
        executor: Executor,
        readers: int,
        org: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._client = client
        self._org = org
        self._executor = executor
        self._readers = readers
        self._pack = pack
        self._clock = clock
        self._overlap_s = overlap_s

    def changes(self, cursors: Mapping[str, Cursor], *, since: datetime | None = None) -> Iterator[ChangePage]:
        """A stream's cursor comes with its last page, so that an interrupted poll starts again.

        From a moment so long ago that its events are gone, everything is read.
        """
        positions = {stream: Position.of(cursor) for stream, cursor in cursors.items()}
        if since is not None:
            moment = int(since.timestamp())
            positions = dict.fromkeys((EVENTS, PAYMENT_RECORDS), Position(created=moment, seen=(), read_at=moment))
        events = positions.get(EVENTS)
        if events is None:
            yield from self._everything(CAUSE_FIRST)
        elif self._now_s() - events.read_at > EVENTS_KEPT_S:
            yield from self._everything(CAUSE_GAP if since is None else CAUSE_FIRST)
        else:
            yield from self._events(events)
            yield from self._payment_records(positions.get(PAYMENT_RECORDS, self._nowhere()))

    def _events(self, position: Position) -> Iterator[ChangePage]:
        """The first pages tell whether little or much has happened; much is read by several at once."""
        earliest = max(0, position.created - self._overlap_s)
        pages = self._event_pages(gte=earliest)
        newest = next(pages)
        known = frozenset(position.seen)
        moved = position.moved(newest, now_s=self._now_s())
        behind = self._behind(pages, newest, known)
        oldest, read = newest, 1
        for oldest in islice(behind, BURST_PAGES - 1):
            yield self._event_page(oldest, known)
            read += 1
        if read == BURST_PAGES and len(oldest) == PAGE_SIZE and known.isdisjoint(_ids(oldest)):
            # what is between the cursor and this page, in spans of time that overlap it by a second
            spans = spans_between(earliest, self._likely_start(position), oldest[-1]["created"], self._readers)
            for page in self._read_spans(spans):
                yield self._event_page(page, known)
        else:
            for page in behind:
                yield self._event_page(page, known)
        yield self._event_page(newest, known, moved.cursor(EVENTS))

    def _likely_start(self, position: Position) -> int:
        """Nothing before it is expected: where there was no event yet, our clock tells since when."""
        return (position.created or position.read_at) - self._overlap_s

    def _event_pages(self, *, gte: int) -> Iterator[list[dict[str, Any]]]:
        return self._client.pages("/v1/events", {"types": list(EVENT_TYPES), "created": {"gte": gte}})

    def _read_spans(self, spans: list[Span]) -> Iterator[list[dict[str, Any]]]:
        """One page of each of the newest spans at a time; what is left of a span is divided while readers are idle."""
        while spans:
            turn, spans = spans[: self._readers], spans[self._readers :]
            for span, page in zip(turn, self._executor.map(self._read_page, turn), strict=True):
                yield page
                if len(page) == PAGE_SIZE:
                    spans += span.rest(page[-1], divide=len(spans) < self._readers)

    def _read_page(self, span: Span) -> list[dict[str, Any]]:
        params: dict[str, Any] = {"types": list(EVENT_TYPES), "created": {"gte": span.first, "lte": span.last}}
        if span.after is not None:
            params["starting_after"] = span.after
        return next(self._client.pages("/v1/events", params))

    def _event_page(self, page: Sequence[Mapping[str, Any]], known: frozenset[str], *cursors: Cursor) -> ChangePage:
        fresh = [event for event in page if event["id"] not in known]
        signals = (signal for event in fresh for signal in signals_of(self._pack, event, cause=CAUSE_EVENT))
        marks = (event_mark(self._pack, event, org_id=self._org()) for event in fresh)
        return ChangePage(signals=tuple(dict.fromkeys(signals)), cursors=cursors, marks=_found(marks))

    def _payment_records(self, position: Position) -> Iterator[ChangePage]:
        # `created_after` excludes its own second.
        after = position.created - self._overlap_s - 1
        params = {"created_after": after} if after > 0 else {}
        pages = self._client.pages("/v1/payment_records", params)
        newest = next(pages)
        known = frozenset(position.seen)
        moved = position.moved(newest, now_s=self._now_s())
        for page in self._behind(pages, newest, known):
            yield self._record_page(page, known)
        yield self._record_page(newest, known, moved.cursor(PAYMENT_RECORDS))

    def _record_page(self, page: Sequence[Mapping[str, Any]], known: frozenset[str], *cursors: Cursor) -> ChangePage:
        fresh = [item for item in page if item["id"] not in known]
        subjects = [subject for item in fresh for subject in payment_subjects(item["id"])]
        return ChangePage(
            signals=tuple(self._signals(subjects, CAUSE_LIST)),
            cursors=cursors,
            marks=self._marks("payment_record", fresh),
        )

    def _behind(
        self, pages: Iterator[list[dict[str, Any]]], newest: list[dict[str, Any]], known: frozenset[str]
    ) -> Iterator[list[dict[str, Any]]]:
        """The pages behind the newest, down to the oldest id that is remembered: one that became visible late
        stands among those seen before it, wherever a page happens to end. What is older is left out.
        """
        page, missing = newest, known - _ids(newest)
        while len(page) == PAGE_SIZE and (missing or len(known) < PAGE_SIZE):
            found = next(pages, None)
            if found is None:
                return
            page, missing = found, missing - _ids(found)
            last = max((place for place, item in enumerate(page) if item["id"] in known), default=-1)
            yield page if missing or len(known) < PAGE_SIZE else page[: last + 1]

    def _everything(self, cause: str) -> Iterator[ChangePage]:
        """All objects by full lists. The events' position is taken first: what happens meanwhile is read later."""
        now_s = self._now_s()
        newest = next(self._client.pages("/v1/events", {"types": list(EVENT_TYPES)}))
        events = self._nowhere().moved(newest, now_s=now_s)
        for name in ("customer", "product", "quote", "invoice"):
            for page in self._client.pages(RESOURCES[name].collection, {}):
                yield self._page(((name, item["id"]) for item in page), cause, self._marks(name, page))
        for page in self._client.pages("/v1/invoice_payments", {"status": "paid"}):
            yield self._page((each for item in page for each in subjects_of_invoice_payment(item)), cause)
        for page in self._client.pages("/v1/payment_intents", {}):
            paid = (item["id"] for item in page if item["status"] == "succeeded")
            yield self._page((each for payment_id in paid for each in payment_subjects(payment_id)), cause)
        yield ChangePage(signals=(), cursors=(events.cursor(EVENTS),), is_full=True)
        for records in self._payment_records(self._nowhere()):
            yield replace(records, is_full=True)

    def _page(self, subjects: Iterable[Subject], cause: str, marks: tuple[Mark, ...] = ()) -> ChangePage:
        return ChangePage(signals=tuple(self._signals(subjects, cause)), cursors=(), marks=marks, is_full=True)

    def _marks(self, stripe_object: str, items: Iterable[Mapping[str, Any]]) -> tuple[Mark, ...]:
        return _found(listed_mark(self._pack, stripe_object, item, org_id=self._org()) for item in items)

    def _signals(self, subjects: Iterable[Subject], cause: str) -> Iterator[Signal]:
        return signals_about(self._pack, subjects, cause=cause)

    def _nowhere(self) -> Position:
        return Position(created=0, seen=(), read_at=self._now_s())

    def _now_s(self) -> int:
        return int(self._clock.now().timestamp())


def _ids(page: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    return frozenset(item["id"] for item in page)


def _found(marks: Iterable[Mark | None]) -> tuple[Mark, ...]:
    return tuple(mark for mark in marks if mark is not None)
