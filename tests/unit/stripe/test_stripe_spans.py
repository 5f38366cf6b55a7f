"""Every second is read once, however a burst is divided."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connector.stripe.spans import Span, spans_between

PAGE = 3


def _page(events: list[dict[str, Any]], span: Span) -> list[dict[str, Any]]:
    found = [event for event in events if span.first <= event["created"] <= span.last]
    if span.after is not None:
        places = [event["id"] for event in events]
        found = [event for event in found if places.index(event["id"]) > places.index(span.after)]
    return found[:PAGE]


@given(
    st.lists(st.integers(0, 40), max_size=60),
    st.integers(0, 5),
    st.integers(-5, 50),
    st.integers(1, 8),
    st.lists(st.booleans(), min_size=1, max_size=5),
)
def test_all_events_are_read_and_none_twice(
    created: list[int], earliest: int, likely_start: int, parts: int, divide: list[bool]
) -> None:
    moments = sorted((each for each in created if each >= earliest), reverse=True)
    events = [{"id": f"evt_{place}", "created": each} for place, each in enumerate(moments)]
    if not events:
        return
    spans, read, turn = spans_between(earliest, likely_start, moments[0], parts), [], 0
    while spans:
        span = spans.pop(0)
        page = _page(events, span)
        read += [event["id"] for event in page]
        if len(page) == PAGE:
            spans += span.rest(page[-1], divide=divide[turn % len(divide)])
        turn += 1
        assert turn < 500, "it never ends"
    assert sorted(read) == sorted(event["id"] for event in events)
