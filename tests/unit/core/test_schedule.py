"""Moments are put off alike in every clock; pauses stop what they name and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from connector.core.model import Side
from connector.core.schedule import ScheduledJob, Work, delay_s, pause_of, paused_kinds
from connector.core.service import Pause

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def job(**changes) -> ScheduledJob:
    given = {"name": "poll", "work": Work.POLL, "every_s": 15, "cron": None, "time_zone": ZoneInfo("UTC")}
    return ScheduledJob(**{**given, **changes})


def pause(subject, person="ann", reason="release") -> Pause:
    return Pause(subject=subject, reason=reason, person=person, since=AT)


def test_without_jitter_nothing_is_put_off():
    assert delay_s(job(), AT) == 0


def test_jitter_is_within_its_bound_and_differs_between_moments():
    delays = {delay_s(job(jitter_s=10), AT + timedelta(seconds=15 * n)) for n in range(200)}
    assert len(delays) > 190
    assert 0 <= min(delays) < 1
    assert 9 < max(delays) < 10


def test_two_clocks_put_one_moment_off_by_the_same():
    assert delay_s(job(jitter_s=10), AT) == delay_s(job(jitter_s=10, side=Side.STRIPE), AT)
    assert delay_s(job(jitter_s=10), AT) != delay_s(job(jitter_s=10, name="other"), AT)


def test_a_pause_of_everything_or_of_the_job_stops_it():
    assert pause_of(job(), [pause("all")]) == pause("all")
    assert pause_of(job(), [pause("sweep"), pause("poll")]) == pause("poll")
    assert pause_of(job(), [pause("sweep"), pause("invoice")]) is None


def test_a_poll_of_some_kinds_stops_when_all_of_them_are_paused():
    narrow = job(kinds=("invoice", "quote"))
    assert pause_of(narrow, [pause("invoice")]) is None
    assert pause_of(narrow, [pause("invoice"), pause("quote")]) == pause("invoice")


def test_kinds_are_paused_by_name_or_all_at_once():
    kinds = ("customer", "invoice")
    assert paused_kinds(kinds, [pause("invoice")]) == {"invoice": "paused by ann: release"}
    assert set(paused_kinds(kinds, [pause("all")])) == set(kinds)
    assert paused_kinds(kinds, [pause("sweep")]) == {}
