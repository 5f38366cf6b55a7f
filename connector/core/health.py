"""How the service is, decided from what the store knows: one word, and for every reason a sentence.

The word is the worst of its reasons (experience.md C1): a retry that is pending is a warning, what needs a
person is degraded, and what nobody can tell is unknown, never ok.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from connector.core.quota import QuotaShares

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from connector.core.pulse import Pulse
    from connector.core.service import ProcessSeen


class Word(StrEnum):
    OK = "ok"
    WARNING = "warning"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"


_WORSE = (Word.OK, Word.WARNING, Word.UNKNOWN, Word.DEGRADED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From when on something is told."""

    #: a signal older than this is late
    lag_s: int = 900
    #: a job that did not end well for so long stands still
    stalled_s: int = 900
    certificate_s: int = 26 * 3600
    pause_s: int = 4 * 3600
    #: a process that could not reach both systems for so long needs a person
    cut_off_s: int = 900
    #: webhooks within an hour that are not ours, or signed with another secret; a few are anybody's noise
    refused: int = 20
    #: which share of a system's calls of the day may be used
    shares: QuotaShares = field(default_factory=QuotaShares)


DEFAULT_LIMITS: Final = Limits()
#: why webhooks are refused that another account, mode or secret is behind
_NOT_OURS: Final = ("signature", "mode", "account")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One thing that is not as it should be; the same `code` and `subject` is the same incident."""

    code: str
    subject: str
    word: Word
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    word: Word
    reasons: tuple[Reason, ...]


def judge(
    pulse: Pulse, *, every_s: Mapping[str, int], limits: Limits = DEFAULT_LIMITS, asking: ProcessSeen | None = None
) -> Health:
    """`every_s` are the jobs that come so often that standing still shows: name -> seconds between two. `asking` is the
    process that wants to know, which knows of itself more than the store does.
    """
    reasons = (
        *_connection(pulse, limits, asking),
        *_brakes(pulse),
        *_lag(pulse, limits),
        *_jobs(pulse, every_s, limits),
        *_pauses(pulse, limits),
        *_certificate(pulse, limits),
        *_quotas(pulse, limits),
        *_webhooks(pulse, limits),
        *_parked(pulse),
        *_retries(pulse),
    )
    return Health(word=worst(reason.word for reason in reasons), reasons=reasons)


def worst(words: Iterable[Word]) -> Word:
    """Of nothing, that all is well."""
    return max(words, key=_WORSE.index, default=Word.OK)


def _connection(pulse: Pulse, limits: Limits, asking: ProcessSeen | None) -> list[Reason]:
    """It is tried again and again; after a while a person is needed."""
    alive = {each.holder: each for each in pulse.processes if each.lives}
    if asking is not None:
        alive[asking.holder] = asking
    cut_off = [each for each in alive.values() if each.why_not is not None]
    if not cut_off:
        return []
    why = "; ".join(dict.fromkeys(each.why_not or "" for each in cut_off))
    who = "" if len(alive) == 1 else f" ({len(cut_off)} of {len(alive)} processes)"
    since = min((each.why_not_since for each in cut_off if each.why_not_since is not None), default=pulse.at)
    word = Word.DEGRADED if pulse.at - since > timedelta(seconds=limits.cut_off_s) else Word.WARNING
    return [Reason(code="not_connected", subject="", word=word, text=f"not connected{who}: {why}")]


def _quotas(pulse: Pulse, limits: Limits) -> list[Reason]:
    reasons = []
    for side in sorted({*pulse.quotas, *pulse.quotas_until}):
        seen, until = pulse.quotas.get(side), pulse.waits_until(side, limits.shares)
        quota = None if seen is None or pulse.at - seen.at > timedelta(days=1) else seen.quota
        used = "the day's calls are used up" if seen is None else f"{seen.ratio:.0%} of the day's calls are used"
        if until is not None or not limits.shares.may_go_on(quota, is_catalogue=False):
            on = "" if until is None else f" until {until:%Y-%m-%d %H:%M} UTC"
            text = f"{side}: {used}: everything waits{on}"
            reasons.append(Reason(code="quota", subject=side, word=Word.DEGRADED, text=text))
        elif not limits.shares.may_go_on(quota, is_catalogue=True):
            text = f"{side}: {used}: products, customers and other catalogue kinds wait"
            reasons.append(Reason(code="quota", subject=side, word=Word.WARNING, text=text))
    return reasons


def _webhooks(pulse: Pulse, limits: Limits) -> list[Reason]:
    """What they name is found by polls all the same, only later."""
    refused = pulse.refused
    ours_not = {cause: refused.counts.get(cause, 0) for cause in _NOT_OURS}
    number = sum(ours_not.values())
    if number <= limits.refused or refused.newest_at is None:
        return []
    causes = ", ".join(f"{count} {cause}" for cause, count in ours_not.items() if count)
    text = f"{number} webhooks were refused within an hour ({causes}), the last {in_words(pulse.at - refused.newest_at)} ago"
    return [Reason(code="webhooks_refused", subject="", word=Word.WARNING, text=text)]


def _brakes(pulse: Pulse) -> list[Reason]:
    return [
        Reason(
            code="braked",
            subject=" ".join(part for part in (brake.name, brake.subject) if part),
            word=Word.DEGRADED,
            text=f"brake {brake.name} is on: {brake.observed}, allowed {brake.allowed}; nothing is written",
        )
        for brake in pulse.brakes
    ]


def _lag(pulse: Pulse, limits: Limits) -> list[Reason]:
    reasons = []
    paused = {pause.subject for pause in pulse.pauses}
    for stream in pulse.streams:
        if stream.oldest_at is None or paused & {stream.kind, "all"}:
            continue
        late = pulse.at - stream.oldest_at
        if late > timedelta(seconds=limits.lag_s):
            text = f"{stream.kind}: {stream.waiting} records wait, the oldest since {in_words(late)}"
            reasons.append(Reason(code="lag", subject=stream.kind, word=Word.DEGRADED, text=text))
    return reasons


def _jobs(pulse: Pulse, every_s: Mapping[str, int], limits: Limits) -> list[Reason]:
    reasons = []
    for name, tick in pulse.ticks.items():
        since = pulse.at - (tick.finished_at or tick.due_at)
        if tick.outcome == "failed":
            text = f"job {name} failed {in_words(since)} ago: {tick.reason}"
            reasons.append(Reason(code="job_failed", subject=name, word=Word.WARNING, text=text))
        not_well = pulse.at - (tick.well_at or tick.finished_at or tick.due_at)
        # a pause is told by itself, once it lasts
        waits = name not in every_s or tick.outcome == "paused"
        if not waits and not_well > timedelta(seconds=max(limits.stalled_s, 3 * every_s[name])):
            text = f"job {name} has not ended well for {in_words(not_well)}, and is due every {every_s[name]} s"
            reasons.append(Reason(code="stalled", subject=name, word=Word.DEGRADED, text=text))
    for name in every_s:
        if name not in pulse.ticks:
            text = f"job {name} has never run"
            reasons.append(Reason(code="stalled", subject=name, word=Word.UNKNOWN, text=text))
    return reasons


def _pauses(pulse: Pulse, limits: Limits) -> list[Reason]:
    reasons = []
    for pause in pulse.pauses:
        since = pulse.at - pause.since
        long = since > timedelta(seconds=limits.pause_s)
        text = f"{pause.subject} is paused by {pause.person} since {in_words(since)}: {pause.reason}"
        word = Word.DEGRADED if long else Word.WARNING
        reasons.append(Reason(code="paused", subject=pause.subject, word=word, text=text))
    return reasons


def _certificate(pulse: Pulse, limits: Limits) -> list[Reason]:
    if pulse.certified_at is None:
        text = "no sweep has found both systems in step yet"
        return [Reason(code="uncertified", subject="", word=Word.UNKNOWN, text=text)]
    age = pulse.at - pulse.certified_at
    if age <= timedelta(seconds=limits.certificate_s):
        return []
    text = f"the last complete certificate is {in_words(age)} old"
    return [Reason(code="uncertified", subject="", word=Word.WARNING, text=text)]


def _parked(pulse: Pulse) -> list[Reason]:
    return [
        Reason(
            code="parked",
            subject=stream.kind,
            word=Word.DEGRADED,
            text=f"{stream.kind}: {sum(stream.parked.values())} parked, a person is needed"
            f" ({', '.join(f'{number} {cause}' for cause, number in sorted(stream.parked.items()))})",
        )
        for stream in pulse.streams
        if stream.parked
    ]


def _retries(pulse: Pulse) -> list[Reason]:
    return [
        Reason(
            code="retrying",
            subject=stream.kind,
            word=Word.WARNING,
            text=f"{stream.kind}: {stream.held_back} are tried again, the first {stream.next_attempt_at:%H:%M:%S} UTC",
        )
        for stream in pulse.streams
        if stream.held_back and stream.next_attempt_at is not None
    ]


def in_words(span: timedelta) -> str:
    """`31 s`, `12 min`, `5 h`, `3 d`: the largest unit that leaves a number people take in."""
    seconds = max(0, round(span.total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
