"""The program searches for garbage less often than Python does by itself; libraries leave that alone."""

from __future__ import annotations

import gc

import pytest

from connector import __main__


def test_the_program_searches_less_often_from_its_beginning(monkeypatch):
    before, seen = gc.get_threshold(), []
    monkeypatch.setattr("connector.cli.main.run", lambda _arguments: seen.append(gc.get_threshold()) or 0)
    # Python's own; these tests, too, run with another one
    gc.set_threshold(700, 10, 10)
    try:
        with pytest.raises(SystemExit):
            __main__.main()
    finally:
        gc.set_threshold(*before)
    assert seen[0][0] >= 10 * 700
