"""What a person, or a log, is told while the program waits for a system."""

from __future__ import annotations

import io
import json
import logging
from datetime import timedelta

import pytest
import structlog

from connector.cli.retry_notes import RetryNotes, words_of
from connector.core.errors import Ambiguous, Throttled, Transient, Unreachable
from connector.core.model import Side
from connector.remote import TryingAgain
from connector.runtime.telemetry import configure
from tests.support.clock import ManualClock

SECRET = "sk_live_" + "c" * 20


def again(kind=Unreachable, *, wait_s=2.0, attempt=2, side=Side.SALESFORCE, status=None, code=None):
    error = kind(f"no connection with {SECRET}", side=side, action="poll Account", status=status, code=code)
    return TryingAgain(error=error, wait_s=wait_s, attempt=attempt, attempts=5)


@pytest.mark.parametrize(
    ("notice", "words"),
    [
        (again(), "Salesforce cannot be reached, trying again in 2 s (2 of 5)"),
        (again(wait_s=0.375, attempt=3), "Salesforce cannot be reached, trying again in 0.4 s (3 of 5)"),
        (again(wait_s=0.01), "Salesforce cannot be reached, trying again in 0.1 s (2 of 5)"),
        (again(Throttled, side=Side.STRIPE, status=429), "Stripe asks to wait, trying again in 2 s (2 of 5)"),
        (
            again(Transient, side=Side.STRIPE, status=503),
            "Stripe did not answer poll Account (503), trying again in 2 s (2 of 5)",
        ),
        (
            again(Ambiguous, code="UNABLE_TO_LOCK_ROW"),
            "Salesforce did not answer poll Account (UNABLE_TO_LOCK_ROW), trying again in 2 s (2 of 5)",
        ),
    ],
)
def test_the_words_say_who_what_and_when(notice, words):
    assert words_of(notice) == words


def test_threads_that_wait_together_are_told_once_per_side():
    clock, said = ManualClock(), []
    notes = RetryNotes(say=said.append, clock=clock)
    for _ in range(8):
        notes(again(wait_s=1.0))
    notes(again(wait_s=1.0, side=Side.STRIPE))
    clock.advance(timedelta(seconds=1))
    notes(again(wait_s=2.0, attempt=3))
    assert [text.split(",")[0] for text in said] == [
        "Salesforce cannot be reached",
        "Stripe cannot be reached",
        "Salesforce cannot be reached",
    ]
    assert said[-1].endswith("(3 of 5)")


def test_json_logs_get_one_line_instead_without_the_message():
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream, clock, said = io.StringIO(), ManualClock(), []
    configure(log_format="json", level="info", clock=clock, stream=stream)
    try:
        RetryNotes(say=None, clock=clock)(again(wait_s=0.5, code="ConnectionError"))
    finally:
        root.handlers, root.level = handlers, level
        structlog.reset_defaults()
    (line,) = [json.loads(text) for text in stream.getvalue().splitlines()]
    del line["timestamp"]
    assert line == {
        "event": "trying_again",
        "level": "warning",
        "logger": "connector",
        "side": "salesforce",
        "action": "poll Account",
        "error": "Unreachable",
        "status": None,
        "code": "ConnectionError",
        "wait_ms": 500,
        "attempt": 2,
        "attempts": 5,
    }
    assert said == []


def test_a_secret_in_a_message_is_never_told():
    assert SECRET not in words_of(again())
