"""The verifier as a whole, on simulated systems in this process: what it costs, what it remembers, what it explains."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from connector.config.settings_loader import load_settings
from connector.core.errors import ConfigError
from connector.core.model import Severity, Side
from connector.core.verify.evidence import Unreadable
from connector.core.verify.sides import SideCard
from connector.flows.verify.choose import choose
from connector.flows.verify.ending import end
from connector.sandbox.salesforce import scenarios
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.seed import seed
from connector.sandbox.stripe.account import Account
from connector.verification import Sessions, chosen_profile, open_verification, shipped_rules
from tests.support.clock import ManualClock
from tests.support.verified import mounted
from tests.support.world import API_URL, ORG_URL, START

if TYPE_CHECKING:
    from pathlib import Path

    from connector.flows.verify.run import Verification

#: a verification's budget: a person waits for it and the org's calls are counted (issue 3)
SALESFORCE_CALLS_MAX, STRIPE_CALLS_MAX = 30, 15


class Install:
    """One org, one account, one home."""

    def __init__(self, folder: Path, *, scenario: str = "demo", livemode: bool = False) -> None:
        self.folder = folder
        self.clock = ManualClock(START)
        self.org = Org(clock=self.clock, seed=1, scenario=scenario)
        seed(self.org)
        self.account = Account(
            clock=self.clock, seed=1, rate_per_second=None, endpoint_rate_per_second=None, livemode=livemode
        )

    def verify(self, *, accept_packages: bool = False, remember: bool = True, **changes: str | None) -> Verification:
        environment = {
            "CONNECTOR_HOME": str(self.folder),
            "CONNECTOR_GO_LIVE": "2026-10-01",
            "CONNECTOR_SALESFORCE__AUTH": "client_credentials",
            "CONNECTOR_SALESFORCE__LOGIN_URL": ORG_URL,
            "CONNECTOR_SALESFORCE__CLIENT_ID": self.org.client_id,
            "CONNECTOR_SALESFORCE__CLIENT_SECRET": self.org.client_secret,
            "CONNECTOR_STRIPE__API_KEY": self.account.api_key,
            "CONNECTOR_STRIPE__API_BASE": API_URL,
            **changes,
        }
        given = {name: value for name, value in environment.items() if value is not None}
        settings = load_settings(given, folder=self.folder)
        rules = shipped_rules()
        with open_verification(
            settings,
            rules=rules,
            profile=chosen_profile(rules, settings.verify.profile),
            clock=self.clock,
            sessions=Sessions(salesforce=mounted(self.org), stripe=lambda: mounted(self.account)),
        ) as verifier:
            done = verifier.run(choose(rules, verifier.profile), accept_packages=accept_packages)
            if remember:
                verifier.remember(done, {}, accept_packages=accept_packages)
        self.clock.advance(timedelta(days=1))
        return done


def _of(done: Verification, check_id: str) -> Any:
    return next(result for result in done.results if result.check.id == check_id)


@pytest.fixture
def install(tmp_path: Path) -> Install:
    return Install(tmp_path)


class TestCost:
    def test_it_stays_within_its_budget_of_calls(self, install):
        calls = install.verify().calls
        assert calls["salesforce"] <= SALESFORCE_CALLS_MAX
        assert calls["stripe"] <= STRIPE_CALLS_MAX

    @pytest.mark.parametrize("scenario", ["no-permission", "calls-fail", "universal", "legacy"])
    def test_so_it_does_where_much_has_to_be_found_out(self, tmp_path, scenario):
        calls = Install(tmp_path, scenario=scenario).verify().calls
        assert calls["salesforce"] <= SALESFORCE_CALLS_MAX

    def test_it_writes_nothing_on_either_side(self, install):
        before = install.org.counters["writes"], install.account.counters["writes"]
        install.verify()
        assert (install.org.counters["writes"], install.account.counters["writes"]) == before


class TestDrift:
    def test_what_changed_since_the_packages_were_pinned_is_found_and_dated(self, install):
        first = install.verify()
        assert _of(first, "SF-PKG-09").verdict.value == "pass"
        scenarios.find("drifted").plant(install.org)
        second = install.verify()
        package, access = _of(second, "SF-PKG-09"), _of(second, "SF-ACC-03")
        assert (package.verdict.value, package.is_new, package.since) == ("fail", True, second.started_at)
        assert "SBQQ went back from 262.1.0.4 to 258.0.0.1" in package.observed
        assert (access.is_new, access.since) == (True, second.started_at), "a permission was taken away"
        third = install.verify()
        assert (_of(third, "SF-PKG-09").is_new, _of(third, "SF-PKG-09").since) == (False, second.started_at)
        assert third.compared_with == second.started_at

    def test_it_is_told_until_somebody_accepts_it(self, install):
        install.verify()
        scenarios.find("drifted").plant(install.org)
        assert _of(install.verify(), "SF-PKG-09").verdict.value == "fail"
        assert _of(install.verify(accept_packages=True), "SF-PKG-09").verdict.value == "pass"
        assert _of(install.verify(), "SF-PKG-09").verdict.value == "pass"

    def test_a_licence_that_expired_says_since_when(self, install):
        install.verify()
        scenarios.find("expired-licence").plant(install.org)
        second = install.verify()
        licence = _of(second, "SF-PKG-05")
        assert (licence.verdict.value, licence.is_new, licence.since) == ("fail", True, second.started_at)


class TestExplaining:
    def test_a_live_key_with_a_sandbox_org_is_explained_not_refused(self, tmp_path):
        done = Install(tmp_path, livemode=True).verify()
        org, account = done.sides[Side.SALESFORCE], done.sides[Side.STRIPE]
        assert isinstance(org, SideCard)
        assert isinstance(account, SideCard)
        assert (org.is_live, account.is_live) == (False, True)
        assert _of(done, "SF-CONN-03").verdict.value == "fail"

    @pytest.mark.parametrize(
        ("setting", "side"),
        [("CONNECTOR_STRIPE__API_KEY", Side.STRIPE), ("CONNECTOR_SALESFORCE__CLIENT_SECRET", Side.SALESFORCE)],
    )
    def test_a_side_that_is_not_configured_names_its_setting_and_costs_the_other_nothing(self, install, setting, side):
        done = install.verify(**{setting: None})
        absent = done.sides[side]
        assert isinstance(absent, Unreadable)
        assert setting in (absent.fix or "")
        other = next(card for name, card in done.sides.items() if name is not side)
        assert isinstance(other, SideCard)
        assert {"pass"} <= {result.verdict.value for result in done.results if result.check.side is not side}
        assert end(done.results, fail_on=Severity.BLOCKER, strict=False).fails

    def test_text_that_is_no_key_is_said_without_the_text(self, install):
        absent = install.verify(CONNECTOR_STRIPE__API_KEY="pk_test_abcdefghijk").sides[Side.STRIPE]
        assert isinstance(absent, Unreadable)
        assert "publishable key" in absent.reason
        assert "abcdefghijk" not in f"{absent.reason}{absent.fix}"

    def test_a_profile_that_does_not_exist_ends_it_before_anybody_is_asked(self, install):
        with pytest.raises(ConfigError, match="connector-only"):
            install.verify(CONNECTOR_VERIFY__PROFILE="nothing")
        assert install.account.counters["requests"] == 0

    def test_a_database_that_cannot_be_opened_costs_only_the_memory(self, install):
        (install.folder / "file").touch()
        url = f"sqlite:///{install.folder}/file/state.sqlite"
        done = install.verify(CONNECTOR_DATABASE__URL=url, remember=False)
        assert "file" in done.without_memory
        assert _of(done, "SF-PKG-09").verdict.value == "unknown"
        assert _of(done, "SF-PKG-01").verdict.value == "pass"


def test_nothing_crashes_in_any_org(tmp_path):
    """A crash is a bug of ours, whatever an org looks like."""
    for name in (scenario.name for scenario in scenarios.SCENARIOS):
        done = Install(tmp_path / name, scenario=name).verify(remember=False)
        crashed = {result.check.id: result.observed for result in done.results if result.verdict.value == "crashed"}
        assert crashed == {}, name
