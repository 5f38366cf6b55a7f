"""One whole verification, through the composition root, of both simulated systems in process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests

from connector.config.settings_loader import load_settings
from connector.flows.verify.choose import choose
from connector.sandbox.salesforce import scenarios
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.seed import seed
from connector.sandbox.stripe.account import Account
from connector.sandbox.transport import InProcessAdapter
from connector.verification import Sessions, chosen_profile, open_verification, shipped_rules
from tests.support.clock import ManualClock
from tests.support.world import API_URL, ORG_URL, START

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from connector.core.verify.checks import Result
    from connector.flows.verify.run import Verification

#: verdicts of a check that was looked at and did not pass
FAULTY = ("fail", "warn", "unknown", "manual", "crashed")


@dataclass(frozen=True, kw_only=True)
class Verified:
    run: Verification
    org: Org
    account: Account

    @property
    def results(self) -> Mapping[str, Result]:
        return {result.check.id: result for result in self.run.results}

    def told(self) -> dict[str, str]:
        """Check -> verdict, of those that do not pass and were looked at."""
        return {check: one.verdict.value for check, one in self.results.items() if one.verdict.value in FAULTY}


def mounted(app: Any) -> requests.Session:
    session = requests.Session()
    session.mount("http://", InProcessAdapter(app))
    # Nothing leaves the process: which proxies this machine's environment names is not asked at every request.
    session.trust_env = False
    return session


def verified(
    folder: Path,
    scenario: str = "demo",
    *,
    profile: str = "connector-only",
    clock: ManualClock | None = None,
    org_clock: ManualClock | None = None,
    plant: Callable[[Org], None] = lambda _: None,
    **settings: str,
) -> Verified:
    """`folder` is the home, so that a second run remembers the first; `plant` changes the org before it is looked
    at; `settings` are further variables.
    """
    clock = clock or ManualClock(START)
    found = scenarios.find(scenario)
    org = Org(clock=org_clock or clock, seed=1, scenario=scenario)
    if scenario not in {"fresh", "cpq-only"}:
        seed(org)
    plant(org)
    account = Account(
        clock=clock, seed=1, livemode=found.stripe_livemode, rate_per_second=None, endpoint_rate_per_second=None
    )
    environment = {
        "CONNECTOR_HOME": str(folder),
        "CONNECTOR_GO_LIVE": "2026-10-01",
        "CONNECTOR_SALESFORCE__AUTH": "client_credentials",
        "CONNECTOR_SALESFORCE__LOGIN_URL": ORG_URL,
        "CONNECTOR_SALESFORCE__CLIENT_ID": org.client_id,
        "CONNECTOR_SALESFORCE__CLIENT_SECRET": org.client_secret,
        "CONNECTOR_STRIPE__API_KEY": account.api_key,
        "CONNECTOR_STRIPE__API_BASE": API_URL,
        **settings,
    }
    rules = shipped_rules()
    with open_verification(
        load_settings(environment, folder=folder),
        rules=rules,
        profile=chosen_profile(rules, profile),
        clock=clock,
        sessions=Sessions(salesforce=mounted(org), stripe=lambda: mounted(account)),
    ) as verifier:
        run = verifier.run(choose(rules, verifier.profile))
        verifier.remember(run, {})
    return Verified(run=run, org=org, account=account)
