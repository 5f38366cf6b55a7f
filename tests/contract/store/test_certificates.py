"""Certificates on every database: kept as they were made, newest first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connector.core.certificate import Certificate

MOMENT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def certificate(hours, *, is_complete=True):
    as_of = MOMENT + timedelta(hours=hours)
    detail = {"period": None, "kinds": {"invoice": {"listed": 3}}, "unexplained": 0, "differences": [{"id": "é"}]}
    return Certificate(started_at=as_of, as_of=as_of - timedelta(seconds=5), is_complete=is_complete, detail=detail)


def test_none_at_first(store):
    assert store.certificates.load_recent() == []


def test_what_was_saved_comes_back_newest_first(store):
    saved = [certificate(0), certificate(1, is_complete=False), certificate(2)]
    numbers = [store.certificates.save(each) for each in saved]
    assert numbers == sorted(set(numbers))
    assert store.certificates.load_recent() == list(zip(numbers, saved, strict=True))[::-1]
    assert store.certificates.load_recent(1) == [(numbers[-1], saved[-1])]
