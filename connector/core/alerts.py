"""From reasons to messages: one per incident, told when it opens, when it gets worse or better, and when it ends.

Pure. What was told is remembered by (code, subject), so that neither a restart nor the next look tells it
again; an incident that comes and goes within `settle_s` is not told at all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from connector.core.health import Word, in_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.health import Reason


class Change(StrEnum):
    OPENED = "opened"
    UPDATED = "updated"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """Something that is not as it should be, as it was told last."""

    code: str
    subject: str
    word: Word
    text: str
    since: datetime
    #: None while it is too young to be told
    told_at: datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        return (self.code, self.subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    change: Change
    incident: Incident
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    #: from which word on an incident is told
    from_word: Word = Word.DEGRADED
    #: an incident younger than this may still go away by itself
    settle_s: int = 60
    #: one whose text changes is told again, but not more often than this
    again_s: int = 3600


_ORDER = (Word.OK, Word.WARNING, Word.UNKNOWN, Word.DEGRADED)


def follow(
    known: Sequence[Incident], reasons: Sequence[Reason], *, now: datetime, rules: Rules
) -> tuple[tuple[Incident, ...], tuple[Alert, ...]]:
    """The incidents to remember from now on, and what is to be told."""
    before = {incident.key: incident for incident in known}
    alerts: list[Alert] = []
    after: list[Incident] = []
    for reason in reasons:
        if _ORDER.index(reason.word) < _ORDER.index(rules.from_word):
            continue
        old = before.pop((reason.code, reason.subject), None)
        incident = Incident(
            code=reason.code,
            subject=reason.subject,
            word=reason.word,
            text=reason.text,
            since=now if old is None else old.since,
            told_at=None if old is None else old.told_at,
        )
        change = _change(incident, old, now, rules)
        if change is not None:
            incident = replace(incident, told_at=now)
            alerts.append(Alert(change=change, incident=incident, at=now))
        elif old is not None and old.told_at is not None:
            # what was told stays what an update is measured against
            incident = replace(incident, text=old.text, word=old.word)
        after.append(incident)
    told = (gone for gone in before.values() if gone.told_at is not None)
    alerts += (Alert(change=Change.CLOSED, incident=gone, at=now) for gone in told)
    return tuple(after), tuple(alerts)


def untold(known: Sequence[Incident], after: Sequence[Incident], alerts: Sequence[Alert]) -> tuple[Incident, ...]:
    """`after` as it is when these of its messages did not leave: what they would have told is told the next time."""
    before = {incident.key: incident for incident in known}
    unsent = {alert.incident.key: alert for alert in alerts}
    kept = [
        incident if incident.key not in unsent else before.get(incident.key, replace(incident, told_at=None))
        for incident in after
    ]
    over = [before[key] for key, alert in unsent.items() if alert.change is Change.CLOSED]
    return (*kept, *over)


def _change(incident: Incident, old: Incident | None, now: datetime, rules: Rules) -> Change | None:
    if incident.told_at is None:
        return Change.OPENED if now - incident.since >= timedelta(seconds=rules.settle_s) else None
    assert old is not None
    if incident.word is not old.word:
        return Change.UPDATED
    again = now - incident.told_at >= timedelta(seconds=rules.again_s)
    return Change.UPDATED if again and incident.text != old.text else None


def as_generic(alert: Alert, *, name: str) -> dict[str, Any]:
    """For any receiver of JSON; `key` is the same for every message about one incident."""
    incident = alert.incident
    return {
        "schema_version": 1,
        "source": name,
        "change": alert.change.value,
        "key": f"connector/{name}/{incident.code}/{incident.subject}",
        "code": incident.code,
        "subject": incident.subject,
        "severity": incident.word.value,
        "text": incident.text,
        "since": incident.since.isoformat(),
        "at": alert.at.isoformat(),
    }


def as_slack(alert: Alert, *, name: str) -> dict[str, Any]:
    """An incoming webhook of Slack; its own formatting characters are taken out of what records may have named."""
    sign = {Change.OPENED: ":red_circle:", Change.UPDATED: ":large_orange_circle:", Change.CLOSED: ":white_check_mark:"}
    text = _words(alert, name).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": f"{sign[alert.change]} {text}"}


def as_teams(alert: Alert, *, name: str) -> dict[str, Any]:
    """A workflow webhook of Teams, which takes adaptive cards only. A rich text block knows no markdown, so that what
    records may have named stays text.
    """
    block = {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": _words(alert, name)}]}
    schema = "http://adaptivecards.io/schemas/adaptive-card.json"
    card = {"$schema": schema, "type": "AdaptiveCard", "version": "1.4", "body": [block]}
    content = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [content]}


def _words(alert: Alert, name: str) -> str:
    incident = alert.incident
    lasted = in_words(alert.at - incident.since)
    if alert.change is Change.CLOSED:
        return f"connector/{name}: over after {lasted}: {incident.text}"
    return f"connector/{name}: {incident.text} (since {lasted})"


def incidents_as_json(incidents: Sequence[Incident]) -> list[dict[str, Any]]:
    return [
        {
            "code": each.code,
            "subject": each.subject,
            "word": each.word.value,
            "text": each.text,
            "since": each.since.isoformat(),
            "told_at": None if each.told_at is None else each.told_at.isoformat(),
        }
        for each in incidents
    ]


def incidents_of_json(rows: Sequence[Mapping[str, Any]]) -> tuple[Incident, ...]:
    return tuple(
        Incident(
            code=row["code"],
            subject=row["subject"],
            word=Word(row["word"]),
            text=row["text"],
            since=datetime.fromisoformat(row["since"]),
            told_at=None if row["told_at"] is None else datetime.fromisoformat(row["told_at"]),
        )
        for row in rows
    )
