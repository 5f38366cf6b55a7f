"""One message per incident: opened, updated, closed; never again for the same, never for what heals at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connector.core.alerts import (
    Change,
    Rules,
    as_generic,
    as_slack,
    as_teams,
    follow,
    incidents_as_json,
    incidents_of_json,
)
from connector.core.health import Reason, Word

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
RULES = Rules()


def reason(text="invoice: 3 records wait", word=Word.DEGRADED, code="lag", subject="invoice") -> Reason:
    return Reason(code=code, subject=subject, word=word, text=text)


class Story:
    def __init__(self):
        self.incidents = ()

    def look(self, *reasons, after_s=0):
        at = NOW + timedelta(seconds=after_s)
        # what is remembered goes through the database
        known = incidents_of_json(incidents_as_json(self.incidents))
        self.incidents, alerts = follow(known, reasons, now=at, rules=RULES)
        return [(alert.change, alert.incident.text) for alert in alerts]


def test_what_heals_within_a_minute_is_not_told():
    story = Story()
    assert story.look(reason()) == []
    assert story.look(after_s=59) == []
    assert story.incidents == ()


def test_what_stays_is_told_once_and_its_end_too():
    story = Story()
    story.look(reason())
    assert story.look(reason(), after_s=60) == [(Change.OPENED, "invoice: 3 records wait")]
    assert story.look(reason(), after_s=120) == []
    assert story.look(after_s=180) == [(Change.CLOSED, "invoice: 3 records wait")]
    assert story.look(after_s=240) == []


def test_numbers_that_change_are_told_again_after_an_hour_not_each_minute():
    story = Story()
    story.look(reason())
    story.look(reason(), after_s=60)
    assert story.look(reason("invoice: 4 records wait"), after_s=120) == []
    assert story.look(reason("invoice: 9 records wait"), after_s=3660) == [(Change.UPDATED, "invoice: 9 records wait")]


def test_a_text_that_did_not_change_is_not_told_again():
    story = Story()
    story.look(reason())
    story.look(reason(), after_s=60)
    assert story.look(reason(), after_s=100_000) == []


def test_a_warning_is_not_told_and_one_that_gets_worse_is():
    story = Story()
    assert story.look(reason(word=Word.WARNING), after_s=0) == []
    assert story.look(reason(word=Word.WARNING), after_s=3600) == []
    story.look(reason(), after_s=3660)
    assert story.look(reason(), after_s=3720) == [(Change.OPENED, "invoice: 3 records wait")]


def test_two_incidents_are_two_messages():
    story = Story()
    both = (reason(), reason(subject="payment", text="payment: 1 record waits"))
    story.look(*both)
    assert len(story.look(*both, after_s=60)) == 2
    assert [change for change, _ in story.look(both[0], after_s=120)] == [Change.CLOSED]


def opened():
    incidents, _ = follow((), [reason("a <b> & c")], now=NOW, rules=RULES)
    _, [alert] = follow(incidents, [reason("a <b> & c")], now=NOW + timedelta(seconds=60), rules=RULES)
    return alert


def test_every_message_about_one_incident_has_one_key():
    assert as_generic(opened(), name="prod") == {
        "schema_version": 1,
        "source": "prod",
        "change": "opened",
        "key": "connector/prod/lag/invoice",
        "code": "lag",
        "subject": "invoice",
        "severity": "degraded",
        "text": "a <b> & c",
        "since": "2026-11-21T12:00:00+00:00",
        "at": "2026-11-21T12:01:00+00:00",
    }


def test_slack_gets_no_markup_from_a_record():
    assert as_slack(opened(), name="prod") == {"text": ":red_circle: connector/prod: a &lt;b&gt; &amp; c (since 60 s)"}


def test_teams_gets_a_card():
    [attachment] = as_teams(opened(), name="prod")["attachments"]
    [block] = attachment["content"]["body"]
    # no markdown in such a block: what looks like a link stays text
    assert block["type"] == "RichTextBlock"
    assert block["inlines"] == [{"type": "TextRun", "text": "connector/prod: a <b> & c (since 60 s)"}]
