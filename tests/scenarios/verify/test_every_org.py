"""The whole report for every org by name: what was planted is told by its check, and nothing else is."""

from datetime import timedelta

import pytest

from connector.core.verify.checks import Verdict
from connector.sandbox.salesforce import scenarios
from tests.support.clock import ManualClock
from tests.support.verified import verified
from tests.support.world import START

#: what the believable data of every seeded org is worth knowing for
DATA = {"PRE-INV": "warn", "PRE-QUO": "warn"}
#: what a user without the verifier's permissions cannot be told
HIDDEN = {
    **dict.fromkeys(["SF-PKG-06", "SF-PKG-07", "SF-PKG-08", "SF-PKG-09", "SF-LIC-02", "SF-ACC-03"], "unknown"),
    **dict.fromkeys(["SF-ACC-01", "SF-CALC-01"], "manual"),
    "SF-NET-01": "warn",
}
PROFILES = {
    "legacy": ("legacy-billing-connector", {"CONNECTOR_VERIFY__STRIPE_NAMESPACES": "stripebilling"}),
    "universal": ("universal-plus-billing-extension", {}),
    "two-writers": ("universal-plus-billing-extension", {}),
}
TOLD = {
    "demo": DATA,
    "fresh": {"SF-PKG-01": "fail", "SF-PKG-02": "fail"},
    "cpq-only": {"SF-PKG-02": "fail", "SF-ORD-01": "manual", "SF-ORD-02": "manual"},
    "no-permission": {**DATA, **HIDDEN, "SF-CONN-04": "fail", "SF-PKG-04": "warn"},
    "expired-licence": {**DATA, "SF-PKG-05": "fail"},
    "legacy": DATA,
    "universal": DATA,
    "two-writers": {**DATA, "SF-PKG-07": "fail"},
    # the older CPQ does not go with Billing any more; that it is older is a matter of memory, below
    "drifted": {**DATA, "SF-PKG-02": "warn", "SF-ACC-03": "fail", "SF-NET-01": "fail"},
    "sandbox-with-live-key": {**DATA, "SF-CONN-03": "fail"},
    "production-with-test-key": {**DATA, "SF-CONN-03": "fail"},
    "two-collectors": {**DATA, "SF-COL-01": "fail"},
    "no-fields": {"SF-ACC-04": "fail"},
    "no-fls": {"SF-ACC-04": "fail"},
    "odd-names": DATA,
    "single-currency": {"MC": "fail"},
    "retired-version": {"SF-CONN-01": "fail"},
    "calls-fail": {
        **DATA,
        **dict.fromkeys(["SF-LIC-01", "SF-LIC-02", "SF-NET-01"], "unknown"),
        "SF-CALC-01": "manual",
    },
    "automation": {**DATA, "TRG": "warn"},
    "billing-first": {**DATA, "SF-PKG-08": "warn"},
    "admins-only": {**DATA, "SF-ACC-01": "fail"},
}


def run(folder, scenario):
    profile, settings = PROFILES.get(scenario, ("connector-only", {}))
    return verified(folder, scenario, profile=profile, **settings)


def test_every_org_is_in_the_table():
    assert set(TOLD) == {scenario.name for scenario in scenarios.SCENARIOS}


@pytest.mark.parametrize("scenario", TOLD)
def test_an_org_is_told_what_was_planted_and_nothing_else(tmp_path, scenario):
    found = run(tmp_path, scenario)
    assert found.told() == TOLD[scenario]
    # a verification only looks, and not often
    assert found.org.counters["writes"] == found.account.counters["writes"] == 0
    assert found.run.calls["salesforce"] <= 30
    assert found.run.calls["stripe"] <= 15


@pytest.mark.parametrize("scenario", ["no-permission", "calls-fail", "retired-version"])
def test_what_could_not_be_looked_at_is_never_a_pass(tmp_path, scenario):
    """Each check that passes there also passes in the healthy org: no hole in the evidence makes one pass."""
    broken, healthy = run(tmp_path / "broken", scenario), run(tmp_path / "healthy", "demo")
    passed = {check for check, result in broken.results.items() if result.verdict is Verdict.PASS}
    assert passed < {check for check, result in healthy.results.items() if result.verdict is Verdict.PASS}


def test_without_the_permission_packages_are_told_by_weaker_ways_and_it_says_so(tmp_path):
    results = run(tmp_path, "no-permission").results
    assert [results[check].verdict for check in ("SF-PKG-01", "SF-PKG-02")] == [Verdict.PASS, Verdict.PASS]
    assert results["SF-PKG-01"].degraded
    assert "degraded" in results["SF-PKG-04"].observed


def test_what_drifted_is_told_with_since_when(tmp_path):
    """The first run remembers the packages; the next one sees an older CPQ and a permission set that is gone."""
    first = verified(tmp_path, "demo")
    again = verified(tmp_path, "drifted", clock=ManualClock(START + timedelta(days=1)))
    assert again.told() == {**TOLD["drifted"], "SF-PKG-09": "fail"}
    drift = again.results["SF-PKG-09"]
    assert "SBQQ went back from 262.1.0.4 to 258.0.0.1" in drift.observed
    assert f"pinned on {first.run.started_at:%Y-%m-%d}: SBQQ" in " ".join(drift.evidence)
    assert again.results["SF-ACC-03"].is_new
    third = verified(tmp_path, "drifted", clock=ManualClock(START + timedelta(days=2)))
    assert third.results["SF-ACC-03"].since == again.run.started_at
    assert not third.results["SF-ACC-03"].is_new


def test_calls_the_connector_is_expected_to_make_must_be_left(tmp_path):
    more_than_there_is = verified(tmp_path, "demo", CONNECTOR_VERIFY__FORECAST_CALLS="6000000")
    assert more_than_there_is.told() == {**DATA, "SF-CONN-05": "fail"}
