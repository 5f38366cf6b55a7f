"""What the check of the systems found is kept for who looks later, and is gone when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.model import Finding, Severity
from connector.flows.connect import remember

if TYPE_CHECKING:
    from connector.ports import Store


def finding(code: str, subject: str, observed: str = "seen") -> Finding:
    return Finding(
        code=code, subject=subject, severity=Severity.BLOCKER, observed=observed, wanted="w", why="y", remedy="r"
    )


FIELD = finding("salesforce.field_missing", "quote")
VERSION = finding("stripe.api_version", "stripe")
#: found by a poll: no check's matter
GAP = finding("stripe.events_gap", "events")


def test_it_is_kept_and_cleared_when_it_is_over(store: Store) -> None:
    store.report([GAP])
    remember(store, [FIELD, VERSION])
    assert store.load_findings() == [FIELD, VERSION, GAP]
    remember(store, [VERSION])
    assert store.load_findings() == [VERSION, GAP]
    remember(store, [])
    assert store.load_findings() == [GAP]


def test_one_that_reads_otherwise_now_is_told_anew(store: Store) -> None:
    remember(store, [FIELD])
    other = finding("salesforce.field_missing", "quote", "two are missing")
    remember(store, [other])
    assert store.load_findings() == [other]


def test_nothing_is_written_when_all_is_as_it_was(store: Store) -> None:
    remember(store, [])
    remember(store, [FIELD])
    before = store.audit.load_head(), store.load_note("connect.findings")
    store.report([], cleared=[(FIELD.code, FIELD.subject)])
    remember(store, [FIELD])
    assert store.load_findings() == [], "as it was told before, it was not told again"
    assert (store.audit.load_head(), store.load_note("connect.findings")) == before
