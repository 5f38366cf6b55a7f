"""When a run fails, and when it may say that everything is ready."""

from __future__ import annotations

from datetime import date

import pytest

from connector.core.model import Severity
from connector.core.verify.checks import AcceptedRisk
from connector.flows.verify.ending import end
from tests.support.verifications import result

RISK = AcceptedRisk(check_id="SF-PKG-01", owner="Anna", reason="known", expires=date(2027, 2, 1), where="risks.yaml:1")


def _end(verdict, severity, *, fail_on="error", strict=False, **fields):
    return end(
        [result(verdict=verdict, severity=Severity(severity), **fields)], fail_on=Severity(fail_on), strict=strict
    )


def test_passes_and_what_does_not_apply_are_ready():
    ending = end([result(verdict="pass"), result(verdict="not_applicable")], fail_on=Severity.ERROR, strict=True)
    assert (ending.ready, ending.fails) == (True, False)


@pytest.mark.parametrize("verdict", ["fail", "crashed"])
@pytest.mark.parametrize(
    ("severity", "fail_on", "fails"),
    [
        ("blocker", "blocker", True),
        ("error", "blocker", False),
        ("blocker", "error", True),
        ("error", "error", True),
        ("warning", "error", False),
        ("warning", "warning", True),
        ("info", "warning", False),
    ],
)
def test_what_failed_or_crashed_counts_by_its_severity(verdict, severity, fail_on, fails):
    ending = _end(verdict, severity, fail_on=fail_on)
    assert (ending.fails, ending.ready) == (fails, not fails)


@pytest.mark.parametrize(("fail_on", "fails"), [("error", False), ("warning", True)])
def test_a_warning_counts_as_a_warning_whatever_its_check(fail_on, fails):
    assert _end("warn", "blocker", fail_on=fail_on).fails is fails
    assert _end("warn", "info", fail_on=fail_on).fails is False


@pytest.mark.parametrize("verdict", ["unknown", "manual"])
class TestWhatNobodyKnows:
    def test_a_blocker_fails_the_run_whatever_the_limit(self, verdict):
        assert _end(verdict, "blocker", fail_on="blocker").stopping == ("SF-PKG-01",)

    def test_an_error_does_not_but_the_run_is_not_ready_either(self, verdict):
        ending = _end(verdict, "error")
        assert (ending.fails, ending.ready, ending.unsure) == (False, False, ("SF-PKG-01",))

    def test_strict_makes_it_fail_at_or_above_the_limit(self, verdict):
        assert _end(verdict, "error", strict=True).fails
        assert not _end(verdict, "warning", strict=True).fails
        assert _end(verdict, "warning", strict=True, fail_on="warning").fails

    def test_below_the_limit_it_stands_in_nobodys_way(self, verdict):
        assert _end(verdict, "warning").ready


@pytest.mark.parametrize("verdict", ["fail", "warn", "unknown", "manual"])
def test_an_accepted_risk_does_not_count(verdict):
    ending = _end(verdict, "blocker", strict=True, accepted=RISK)
    assert (ending.fails, ending.ready) == (False, True)
