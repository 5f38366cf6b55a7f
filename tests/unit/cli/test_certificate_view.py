"""A certificate on the screen: whatever is named comes with what to do about it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from connector.cli.certificate_view import print_certificate
from connector.config.places import share
from connector.core.compare import Sort


def shown(*sorts, explained=None):
    differences = [
        {
            "kind": "invoice",
            "id": f"a0F{number}",
            "mate": f"in_{number}",
            "sort": sort,
            "field": None,
            "wanted": "",
            "explained": explained,
        }
        for number, sort in enumerate(sorts)
    ]
    stream = io.StringIO()
    answer = {
        "number": 1,
        "as_of": "2026-11-29T13:00:00+00:00",
        "is_complete": not differences,
        "period": None,
        "kinds": {},
        "unexplained": len(differences),
        "differences": differences,
        "stopped_kinds": {},
    }
    print_certificate(Console(file=stream, width=200, highlight=False, markup=False), answer)
    return stream.getvalue()


@pytest.mark.parametrize("sort", Sort)
def test_every_sort_says_what_to_do(sort):
    assert f"\n  fix, {sort}: " in shown(sort)


def test_each_remedy_is_said_once():
    assert shown(Sort.WRONG_PAIR, Sort.WRONG_PAIR, Sort.VALUE).count("fix, ") == 2


def test_what_is_known_needs_none():
    assert "fix, " not in shown(Sort.VALUE, explained="parked: invoice.conflict")


def test_every_sort_is_documented():
    page = (share("config").parent / "docs" / "findings.md").read_text()
    table = page.partition("## What a certificate names\n")[2].partition("\n## ")[0]
    first_cells = [
        name.strip() for row in table.splitlines() for name in row.split("|")[1:2] for name in name.split(",")
    ]
    assert [sort for sort in Sort if sort not in first_cells] == []
