"""When time alone makes a link one to look at, and from which moment it counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connector.core.due import counts_from_epoch, is_due, newest_due_epoch
from connector.core.model import LinkState
from tests.support.memory import link_of, salesforce, stripe

NOW = datetime(2026, 11, 21, 12, 0, 0, 700_000, tzinfo=UTC)
EPOCH = int(NOW.timestamp())
DAY_S = 86_400
QUOTE = link_of(
    salesforce("quote", "a0Q000000000001AAA"), mate_id="qt_1", progress={"status": "open", "expires_at": EPOCH}
)
INVOICE = link_of(
    salesforce("invoice", "a0I000000000001AAA"), mate_id="in_1", progress={"status": "open", "link_seen_at": EPOCH}
)


@pytest.mark.parametrize("link", [QUOTE, INVOICE])
def test_time_counts_from_what_an_open_copy_is_remembered_with(link):
    assert counts_from_epoch(link) == EPOCH


@pytest.mark.parametrize(
    "link",
    [
        *(replace(QUOTE, state=state) for state in LinkState if state is not LinkState.OPEN),
        replace(QUOTE, mate_id=None),
        replace(QUOTE, progress={"status": "canceled", "expires_at": EPOCH}),
        replace(QUOTE, progress={"expires_at": EPOCH}),
        replace(QUOTE, progress={"status": "open"}),
        replace(INVOICE, progress={"status": "paid", "link_seen_at": EPOCH}),
        # a quote's word says nothing of an invoice
        replace(INVOICE, progress={"status": "open", "expires_at": EPOCH}),
        link_of(salesforce("customer", "001000000000001AAA"), mate_id="cus_1", progress=QUOTE.progress),
        link_of(stripe("quote", "qt_1"), mate_id="a0Q000000000001AAA", progress=QUOTE.progress),
    ],
)
def test_for_any_other_link_it_does_not_count(link):
    assert counts_from_epoch(link) is None


def test_a_quote_is_due_from_its_last_second_on():
    assert is_due(QUOTE, options={}, now=NOW)
    assert is_due(QUOTE, options={}, now=datetime.fromtimestamp(EPOCH, UTC))
    assert not is_due(QUOTE, options={}, now=datetime.fromtimestamp(EPOCH, UTC) - timedelta(microseconds=1))


@pytest.mark.parametrize(("options", "days"), [({}, 20), ({"link_refresh_days": 3}, 3)])
def test_a_hosted_link_is_due_once_it_is_older_than_the_mapping_allows(options, days):
    allowed = NOW + timedelta(days=days)
    assert not is_due(INVOICE, options=options, now=allowed)
    assert is_due(INVOICE, options=options, now=allowed + timedelta(seconds=1))


@pytest.mark.parametrize("link", [QUOTE, INVOICE])
@pytest.mark.parametrize("seconds", [-1, -0.7, 0, 0.3, 1])
def test_what_the_index_finds_is_what_the_lifecycle_finds_due(link, seconds):
    """Else it would be signalled at every pass, and left alone each time."""
    now = NOW + timedelta(days=20 if link is INVOICE else 0, seconds=seconds)
    found = counts_from_epoch(link) <= newest_due_epoch(link.kind, options={}, now=now)
    assert found == is_due(link, options={}, now=now)


def test_a_parked_link_that_is_tried_again_is_read_when_its_time_has_come():
    parked = replace(QUOTE, state=LinkState.PARKED)
    assert counts_from_epoch(parked) is None
    assert is_due(parked, options={}, now=NOW)
