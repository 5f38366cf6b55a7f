"""What is written: JSON whatever the text, and for a terminal nothing that commands it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from connector.cli.output import printable, to_json


@pytest.mark.parametrize("text", ["plain", "Müller ✓", "half \udcff of one", "two\nlines", "\x1b[2J"])
def test_json_can_always_be_written_and_read_back(text):
    line = to_json({"text": text})
    line.encode("utf-8")
    assert "\n" not in line
    assert json.loads(line) == {"text": text}


def test_moments_and_days_are_iso_8601():
    said = json.loads(to_json({"at": datetime(2026, 11, 29, 13, 7, tzinfo=UTC), "day": date(2026, 11, 29)}))
    assert said == {"at": "2026-11-29T13:07:00+00:00", "day": "2026-11-29"}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Müller & Söhne\n\tfix: ✓", "Müller & Söhne\n\tfix: ✓"),
        ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
        ("a\rb", "a\\rb"),
        ("a\u202eb", "a\\u202eb"),
        ("\udcff", "\\udcff"),
        ("\x9b31m", "\\x9b31m"),
    ],
)
def test_what_would_command_a_terminal_is_written_out(text, written):
    assert printable(text) == written
    printable(text).encode("utf-8")
