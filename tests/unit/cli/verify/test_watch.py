"""`verify --watch`: rounds, the bell, the end."""

from __future__ import annotations

import click
import pytest

from connector.cli.output import Output
from connector.cli.verify.watch import period_s, watch
from tests.support.clock import ManualClock
from tests.support.verifications import report, result


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("2m", 120), ("45", 45), (" 5 s ", 5)])
def test_a_period_is_seconds_or_minutes(text, seconds):
    assert period_s(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "4s", "0", "1h", "-5s", "soon", "1.5m"])
def test_anything_else_is_refused(text):
    with pytest.raises(click.BadParameter, match="at least 5s"):
        period_s(text)


def _watch(*rounds, every_s=30):
    """Shows these reports one after the other and is stopped after the last; the moments of the looks, and the code."""
    clock, left, looked = ManualClock(), list(rounds), []

    def look():
        looked.append(clock.monotonic_s())
        return left.pop(0)

    code = watch(
        Output(command="verify"),
        every_s,
        look=look,
        show=lambda told: int(told["summary"]["fails"]),
        clock=clock,
        stop=lambda: not left,
    )
    return looked, code


def test_it_looks_again_after_each_period_and_ends_with_the_last_answer(capsys):
    good, bad = report(result("A-1")), report(result("A-1", "fail"))
    looked, code = _watch(bad, bad, good)
    assert [round(moment) for moment in looked] == [0, 30, 60]
    assert code == 0
    assert _watch(good, bad)[1] == 1


def test_the_bell_rings_when_something_changed_and_only_then(capsys):
    good, bad = report(result("A-1")), report(result("A-1", "fail"))
    _watch(bad, bad)
    assert "\a" not in capsys.readouterr().err
    _watch(bad, good)
    assert "\aA-1 fail → pass" in capsys.readouterr().err


def test_a_check_that_was_not_there_before_is_told(capsys):
    _watch(report(result("A-1")), report(result("A-1"), result("A-2", "fail")))
    assert "A-2 new → fail" in capsys.readouterr().err
