"""Logs: one canonical line per unit of work, libraries included, nothing secret in any of them."""

from __future__ import annotations

import io
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from connector.core.errors import Interrupted
from connector.runtime.telemetry import configure, unit_of_work
from tests.support.clock import ManualClock

CANARY = "sk_live_" + "c" * 20


@pytest.fixture
def clock():
    return ManualClock(datetime(2026, 11, 21, 12, tzinfo=UTC))


@pytest.fixture
def lines(clock):
    """Logs as JSON into memory; the process's own logging is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    stream = io.StringIO()
    configure(log_format="json", level="info", clock=clock, stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def test_a_unit_of_work_is_one_line(lines, clock):
    with unit_of_work("sync", clock=clock, run=7) as facts:
        facts["writes"] = 3
        clock.advance(timedelta(seconds=1.5))
    assert lines() == [
        {
            "event": "sync",
            "level": "info",
            "logger": "connector",
            "timestamp": "2026-11-21T12:00:01.500+00:00",
            "run": 7,
            "writes": 3,
            "outcome": "done",
            "duration_ms": 1500,
        }
    ]


def test_a_unit_that_fails_says_so_and_lets_the_error_go(lines, clock):
    with pytest.raises(ValueError, match="broken"), unit_of_work("sync", clock=clock):
        raise ValueError(f"broken by {CANARY}")
    (line,) = lines()
    assert (line["outcome"], line["level"]) == ("failed", "error")
    assert line["error"] == "ValueError: broken by sk_live_***"


def test_a_unit_that_is_stopped_is_no_failure(lines, clock):
    with pytest.raises(Interrupted), unit_of_work("sync", clock=clock):
        raise Interrupted("invoice, 3 records looked at")
    (line,) = lines()
    assert (line["outcome"], line["level"]) == ("interrupted", "info")


def test_a_secret_is_hidden_wherever_it_is_logged(lines):
    logger = structlog.get_logger("connector")
    failure = RuntimeError(f"no access with {CANARY}")
    logger.error("refused", found=f"by {CANARY}", exc_info=failure, api_key=CANARY, note=[{"deep": CANARY}])
    logging.getLogger("some.library").warning("library says %s", CANARY)
    logging.getLogger("some.library").warning("ap@acme.com paid")
    logger.bind(email="ap@acme.com", phone="+1 555").warning("bound")
    text = json.dumps(lines())
    assert "cccc" not in text
    assert "ap@acme.com" not in text
    assert "+1 555" not in text
    assert len(lines()) == 4


def test_libraries_are_limited_to_warnings(lines):
    logging.getLogger("urllib3.connectionpool").info("GET /v1/events")
    logging.getLogger("stripe").info("message='Request to Stripe api'")
    assert lines() == []
    logging.getLogger("stripe").warning("deprecated")
    assert [line["event"] for line in lines()] == ["deprecated"]


def test_a_level_is_a_level(lines, clock):
    stream = io.StringIO()
    configure(log_format="json", level="warning", clock=clock, stream=stream)
    structlog.get_logger("connector").info("quiet")
    structlog.get_logger("connector").warning("loud")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["loud"]


def test_the_console_form_is_for_people(lines, clock):
    stream = io.StringIO()
    configure(log_format="console", level="info", clock=clock, stream=stream)
    structlog.get_logger("connector").info("sync", writes=3, api_key=CANARY)
    text = stream.getvalue()
    assert "writes=3" in text
    assert "cccc" not in text
    assert "\x1b[" not in text  # no colours outside a terminal
