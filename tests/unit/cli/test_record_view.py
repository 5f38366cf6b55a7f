"""One record for people: amounts with their currency, differences marked, one line per thing done."""

from __future__ import annotations

import io

from rich.console import Console

from connector.cli.record_view import print_records
from connector.core.currencies import CURRENCIES

LINK = {
    "kind": "invoice",
    "born": "salesforce invoice a0F000000000001AAA",
    "mate": "in_1",
    "state": "open",
    "reason": None,
    "fields": {
        "total": {"salesforce": 1280470, "stripe": 1280470},
        "remaining": {"salesforce": 1280470, "stripe": 280470},
        "status": {"salesforce": "open", "stripe": "open"},
        "link": {"salesforce": None, "stripe": "https://pay.example/" + "x" * 90},
    },
    "amounts": ["total", "remaining"],
    "currency": "kwd",
    "salesforce": {
        "id": "a0F000000000001AAA",
        "deleted": False,
        "fields": {"attributes": {"type": "Invoice"}, "Name": "INV-1", "Empty": None, "Lines": [{"a": 1}]},
    },
    "stripe": {"id": "in_1", "deleted": True, "fields": {"total": 1280470, "discounts": []}},
    "history": [
        {
            "seq": 3,
            "at": "2026-11-21 23:30:48.420774+00:00",
            "event": "invoice.finalize applied",
            "detail": {
                "target": "stripe",
                "outcome": "applied",
                "request_id": "req_9",
                "idempotency_key": "connector-1",
            },
        }
    ],
    "findings": [],
}


def shown(**answer):
    console = Console(file=io.StringIO(), width=160, highlight=False, markup=False)
    print_records(console, {"id": "in_1", "links": [LINK], "why_not": [], **answer}, CURRENCIES)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def row_of(name, lines):
    return next(line for line in lines if line.startswith(name + " ")).split("  ")


def test_amounts_have_the_decimals_of_their_currency():
    assert [part.strip() for part in row_of("total", shown()) if part.strip()] == [
        "total",
        "1,280.470 KWD",
        "1,280.470 KWD",
    ]


def test_yen_have_no_decimals():
    lines = shown(links=[{**LINK, "currency": "jpy", "fields": {"total": {"salesforce": 70683, "stripe": 70683}}}])
    assert "70,683 JPY" in " ".join(row_of("total", lines))


def test_what_differs_is_marked():
    lines = shown()
    assert row_of("remaining", lines)[-1].strip() == "≠"
    assert "≠" not in " ".join(row_of("total", lines))


def test_records_show_plain_values_and_name_what_is_nested():
    lines = shown()
    assert "  Name = INV-1" in lines
    assert "  in --json: Lines" in lines
    assert "Stripe in_1 now (deleted)" in lines
    assert not any("attributes" in line or "Empty" in line or "discounts" in line for line in lines)


def test_long_values_are_cut():
    assert max(len(line) for line in shown()) < 160


def test_history_is_one_line_with_what_finds_it_at_the_other_system():
    assert "  2026-11-21 23:30:48  invoice.finalize applied  stripe  req_9" in shown()


def test_a_parked_record_says_why():
    lines = shown(links=[{**LINK, "mate": None, "state": "parked", "reason": "no lines", "fields": {}}])
    assert lines[:2] == ["salesforce invoice a0F000000000001AAA ↔ no mate yet", "state parked: no lines"]


def test_a_record_that_is_not_mirrored_says_why():
    assert shown(links=[], why_not=["invoice: before go-live"]) == [
        "in_1 is not mirrored",
        "  invoice: before go-live",
    ]
