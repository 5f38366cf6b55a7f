"""One word for the service, the worst of its reasons; every reason says what and since when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connector.core.brake import TrippedBrake
from connector.core.health import Limits, Word, in_words, judge
from connector.core.pulse import LastTick, Pulse, QuotaSeen, Stream
from connector.core.service import Pause, ProcessSeen, Refusals

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def ago(**span) -> datetime:
    return NOW - timedelta(**span)


def tick(outcome="done", reason=None, **span) -> LastTick:
    return LastTick(due_at=ago(**span), finished_at=ago(**span), outcome=outcome, reason=reason)


WELL = Pulse(
    at=NOW,
    streams=[Stream(kind="invoice")],
    shards={},
    ticks={"poll": tick(seconds=10), "sweep": tick(hours=9)},
    brakes=[],
    pauses=[],
    leases=[],
    certified_at=ago(hours=9),
)


def health(**changes):
    return judge(replace(WELL, **changes), every_s={"poll": 15}, limits=Limits())


def only(**changes):
    found = health(**changes)
    [reason] = found.reasons
    assert found.word is reason.word
    return reason


def test_when_all_is_well_there_is_nothing_to_say():
    assert health() == judge(WELL, every_s={}, limits=Limits())
    assert health().word is Word.OK
    assert health().reasons == ()


def test_a_brake_is_degraded_and_says_what_it_saw():
    brake = TrippedBrake(name="mass_void", subject="", tripped_at=NOW, observed="40 voids", allowed="10", plan={})
    reason = only(brakes=[brake])
    assert (reason.word, reason.subject) == (Word.DEGRADED, "mass_void")
    assert "40 voids, allowed 10" in reason.text


def test_signals_that_wait_too_long_are_degraded():
    assert health(streams=[Stream(kind="invoice", waiting=3, oldest_at=ago(minutes=15))]).word is Word.OK
    reason = only(streams=[Stream(kind="invoice", waiting=3, oldest_at=ago(minutes=16))])
    assert reason.text == "invoice: 3 records wait, the oldest since 16 min"


def test_what_is_held_back_is_a_warning_not_a_lag():
    stream = Stream(kind="invoice", waiting=3, held_back=3, next_attempt_at=NOW + timedelta(minutes=2))
    reason = only(streams=[stream])
    assert (reason.code, reason.word) == ("retrying", Word.WARNING)
    assert "12:02:00" in reason.text


def test_one_that_is_not_held_back_among_those_that_are_still_lags():
    stream = Stream(kind="invoice", waiting=4, oldest_at=ago(hours=1), held_back=3, next_attempt_at=NOW)
    assert {reason.code for reason in health(streams=[stream]).reasons} == {"lag", "retrying"}


def test_a_paused_kind_does_not_lag():
    pause = Pause(subject="invoice", reason="release", person="ann", since=ago(hours=1))
    reason = only(streams=[Stream(kind="invoice", waiting=3, oldest_at=ago(hours=1))], pauses=[pause])
    assert reason.text == "invoice is paused by ann since 60 min: release"


@pytest.mark.parametrize(("hours", "word"), [(3, Word.WARNING), (5, Word.DEGRADED)])
def test_a_pause_is_a_warning_until_it_looks_forgotten(hours, word):
    assert only(pauses=[Pause(subject="all", reason="r", person="ann", since=ago(hours=hours))]).word is word


def test_a_failed_job_is_a_warning_and_one_that_stands_still_is_degraded():
    assert only(ticks={"poll": tick("failed", "Salesforce 503", seconds=10)}).word is Word.WARNING
    reason = only(ticks={"poll": tick(minutes=16)})
    assert (reason.code, reason.word) == ("stalled", Word.DEGRADED)


def test_a_job_under_way_is_measured_from_its_moment():
    working = LastTick(due_at=ago(minutes=16), finished_at=None, outcome=None, reason=None)
    assert only(ticks={"poll": working}).code == "stalled"


def test_a_job_that_never_ran_is_unknown():
    assert only(ticks={}).word is Word.UNKNOWN


def test_without_a_fresh_certificate_nobody_knows():
    assert only(certified_at=None).word is Word.UNKNOWN
    assert only(certified_at=ago(hours=27)).text == "the last complete certificate is 27 h old"


def test_parked_records_need_a_person_and_are_told_by_cause():
    reason = only(streams=[Stream(kind="invoice", parked={"invoice.conflict": 1, "invoice.refused.X": 2})])
    assert reason.text == "invoice: 3 parked, a person is needed (1 invoice.conflict, 2 invoice.refused.X)"


def test_the_word_is_the_worst_of_all():
    both = health(certified_at=None, streams=[Stream(kind="invoice", parked={"x": 1})])
    assert both.word is Word.DEGRADED


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1, "0 s"), (0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (172_800, "2 d")],
)
def test_spans_in_words(seconds, words):
    assert in_words(timedelta(seconds=seconds)) == words


def worker(number=1, *, why_not=None, lives=True, **since) -> ProcessSeen:
    return ProcessSeen(
        holder=f"host pid {number}", role="worker", why_not=why_not, why_not_since=ago(**since), lives=lives
    )


def test_a_process_that_cannot_reach_a_system_is_a_warning_and_after_a_while_a_persons_matter():
    reason = only(processes=[worker(why_not="salesforce: invalid_client", minutes=2)])
    assert (reason.code, reason.word) == ("not_connected", Word.WARNING)
    assert reason.text == "not connected: salesforce: invalid_client"
    assert only(processes=[worker(why_not="salesforce: invalid_client", minutes=16)]).word is Word.DEGRADED


def test_of_many_it_is_said_how_many_are_cut_off_and_each_why_once():
    cut_off = [worker(number, why_not="stripe: 503", minutes=1) for number in (1, 2)]
    reason = only(processes=[*cut_off, worker(3)])
    assert reason.text == "not connected (2 of 3 processes): stripe: 503"


def test_one_that_is_gone_is_not_missed():
    assert health(processes=[worker(why_not="stripe: 503", lives=False, hours=2)]).reasons == ()


def test_who_asks_knows_of_itself_more_than_it_told():
    me = worker(why_not="stripe: 503", minutes=1)
    told = replace(WELL, processes=[replace(me, why_not=None, why_not_since=None)])
    [reason] = judge(told, every_s={}, asking=me).reasons
    assert reason.text == "not connected: stripe: 503"
    assert judge(replace(WELL, processes=[me]), every_s={}, asking=told.processes[0]).reasons == ()


def seen(used, **span) -> dict[str, QuotaSeen]:
    return {"salesforce": QuotaSeen(used=used, total=100_000, at=ago(**span))}


@pytest.mark.parametrize(
    ("used", "word", "says"),
    [
        (70_000, Word.WARNING, "salesforce: 70% of the day's calls are used: products, customers and other"),
        (95_000, Word.DEGRADED, "salesforce: 95% of the day's calls are used: everything waits"),
    ],
)
def test_calls_that_run_short_say_who_waits(used, word, says):
    assert health(quotas=seen(used - 1, seconds=5)).word is not word
    reason = only(quotas=seen(used, seconds=5))
    assert (reason.code, reason.subject, reason.word) == ("quota", "salesforce", word)
    assert reason.text.startswith(says)


def test_calls_that_were_told_yesterday_are_the_day_befores():
    assert health(quotas=seen(99_000, hours=25)).word is Word.OK


def test_a_system_that_is_left_alone_says_until_when_and_is_asked_again_once_it_told_better():
    until = {"stripe": NOW + timedelta(hours=1)}
    reason = only(quotas_until=until)
    assert reason.text == "stripe: the day's calls are used up: everything waits until 2026-11-21 13:00 UTC"
    assert health(quotas_until={"stripe": NOW}).word is Word.OK
    better = {"stripe": QuotaSeen(used=10, total=100, at=NOW)}
    assert health(quotas_until=until, quotas=better).word is Word.OK


def hears(number, newest="signature", **span) -> ProcessSeen:
    refused = Refusals(counts={newest: number}, newest=newest, newest_at=ago(**span))
    return ProcessSeen(holder=f"host pid {number}", role="web", refused=refused)


def test_many_webhooks_that_are_not_ours_are_told_whoever_refused_them():
    reason = only(processes=[hears(15, minutes=2), hears(6, "mode", minutes=9)])
    assert (reason.code, reason.word) == ("webhooks_refused", Word.WARNING)
    assert reason.text == "21 webhooks were refused within an hour (15 signature, 6 mode), the last 2 min ago"


def test_a_few_those_of_before_and_those_that_only_come_again_are_not():
    assert health(processes=[hears(20, minutes=2)]).reasons == ()
    assert health(processes=[hears(500, minutes=61)]).reasons == ()
    assert health(processes=[hears(500, "busy", minutes=2), hears(400, "size", minutes=2)]).reasons == ()


def test_a_job_that_fails_again_and_again_stands_still_however_often_it_comes():
    failing = replace(tick("failed", "Salesforce 503", seconds=5), well_at=ago(minutes=16))
    reasons = {reason.code: reason for reason in health(ticks={"poll": failing}).reasons}
    assert reasons["stalled"].text == "job poll has not ended well for 16 min, and is due every 15 s"
    assert reasons["stalled"].word is Word.DEGRADED
    assert "Salesforce 503" in reasons["job_failed"].text
    assert only(ticks={"poll": replace(failing, well_at=ago(minutes=14))}).code == "job_failed"


@pytest.mark.parametrize(("outcome", "is_told"), [("skipped", True), ("missed", True), (None, True), ("paused", False)])
def test_what_is_left_out_for_long_stands_still_and_what_is_paused_does_not(outcome, is_told):
    left_out = replace(tick(outcome, seconds=5), well_at=ago(hours=1))
    assert [reason.code for reason in health(ticks={"poll": left_out}).reasons] == ["stalled"] * is_told
