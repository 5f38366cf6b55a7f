"""Defects planted in an org, found by exactly the check that should find them: what the connector needs, and this machine."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from connector.config.settings_loader import load_settings
from connector.core.verify.checks import Verdict
from connector.flows.verify.choose import choose
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

OURS = (
    *("SF-ACC-04", "SF-ACC-05", "SF-MAP-01", "SF-MAP-02", "MC", "TRG", "SF-CDC-01", "SF-COL-01"),
    *("DATA-MAP", "PRE-INV", "PRE-QUO", "DB", "DISK", "CLOCK", "TLS"),
)
#: what a healthy org of believable data is told
HEALTHY = {"PRE-INV": "warn", "PRE-QUO": "warn", "SF-CDC-01": "not_applicable"}
FAULTY = ("fail", "warn", "unknown", "manual", "crashed")


def _mounted(app: Any) -> requests.Session:
    session = requests.Session()
    session.mount("http://", InProcessAdapter(app))
    return session


def verified(
    folder: Path,
    scenario: str,
    *,
    org_clock: ManualClock | None = None,
    plant: Callable[[Org], None] = lambda _: None,
    **changes: str,
) -> Mapping[str, Result]:
    """One run against this org; the results of the checks this page is about."""
    clock = ManualClock(START)
    org = Org(clock=org_clock or clock, seed=1, scenario=scenario)
    if scenario != "cpq-only":
        seed(org)
    plant(org)
    account = Account(clock=clock, seed=1, rate_per_second=None, endpoint_rate_per_second=None)
    environment = {
        "CONNECTOR_HOME": str(folder),
        "CONNECTOR_GO_LIVE": "2026-10-01",
        "CONNECTOR_SALESFORCE__AUTH": "client_credentials",
        "CONNECTOR_SALESFORCE__LOGIN_URL": ORG_URL,
        "CONNECTOR_SALESFORCE__CLIENT_ID": org.client_id,
        "CONNECTOR_SALESFORCE__CLIENT_SECRET": org.client_secret,
        "CONNECTOR_STRIPE__API_KEY": account.api_key,
        "CONNECTOR_STRIPE__API_BASE": API_URL,
        **changes,
    }
    rules = shipped_rules()
    with open_verification(
        load_settings(environment, folder=folder),
        rules=rules,
        profile=chosen_profile(rules, "connector-only"),
        clock=clock,
        sessions=Sessions(salesforce=_mounted(org), stripe=lambda: _mounted(account)),
    ) as verifier:
        run = verifier.run(choose(rules, verifier.profile))
    return {result.check.id: result for result in run.results if result.check.id in OURS}


def told(results: Mapping[str, Result]) -> dict[str, str]:
    """Check -> verdict, of those that do not pass and were looked at."""
    return {check: result.verdict.value for check, result in results.items() if result.verdict.value in FAULTY}


WORTH_KNOWING = {check: verdict for check, verdict in HEALTHY.items() if verdict in FAULTY}


def test_the_healthy_org_passes_everything_but_what_its_data_is_worth_knowing_for(tmp_path: Path) -> None:
    results = verified(tmp_path, "demo")
    assert set(results) == set(OURS)
    assert {check: r.verdict.value for check, r in results.items() if r.verdict is not Verdict.PASS} == HEALTHY


@pytest.mark.parametrize(
    ("scenario", "found"),
    [
        # found by a check of packages, and nothing else is looked at then
        ("cpq-only", {}),
        ("no-fields", {"SF-ACC-04": "fail"}),
        ("no-fls", {"SF-ACC-04": "fail"}),
        ("single-currency", {"MC": "fail"}),
        ("two-collectors", {**WORTH_KNOWING, "SF-COL-01": "fail"}),
        ("automation", {**WORTH_KNOWING, "TRG": "warn"}),
        ("no-permission", WORTH_KNOWING),
        ("expired-licence", WORTH_KNOWING),
        ("odd-names", WORTH_KNOWING),
        ("calls-fail", WORTH_KNOWING),
        ("drifted", WORTH_KNOWING),
    ],
)
def test_a_planted_defect_is_found_by_its_check_and_no_other(
    tmp_path: Path, scenario: str, found: dict[str, str]
) -> None:
    assert told(verified(tmp_path, scenario)) == found


def _other_payment_types(org: Org) -> None:
    org.define_picklist("blng__Payment__c", "blng__PaymentType__c", ["Check", "Cash"])


def _unmapped_status(org: Org) -> None:
    field = org.database.objects["SBQQ__Quote__c"].fields["SBQQ__Status__c"]
    org.define_picklist("SBQQ__Quote__c", "SBQQ__Status__c", [*field.picklist, "On Hold"])


def _foreign_mark(org: Org) -> None:
    org.update("Account", org.ids("Account")[0], {"Stripe_Id__c": "acct_1"})


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (_other_payment_types, {"SF-MAP-01": "fail"}),
        (_unmapped_status, {"SF-MAP-01": "warn"}),
        (_foreign_mark, {"DATA-MAP": "fail"}),
    ],
)
def test_what_an_administrator_changed_is_found_by_its_check_and_no_other(
    tmp_path: Path, plant: Callable[[Org], None], found: dict[str, str]
) -> None:
    assert told(verified(tmp_path, "demo", plant=plant)) == {**WORTH_KNOWING, **found}


def test_a_right_setting_heals_the_org_with_one_currency(tmp_path: Path) -> None:
    results = verified(tmp_path, "single-currency", CONNECTOR_SALESFORCE__CURRENCY="USD")
    assert told(results) == WORTH_KNOWING


def test_a_clock_that_is_wrong_is_found_by_the_servers_answer(tmp_path: Path) -> None:
    ahead = ManualClock(START + timedelta(minutes=10))
    results = verified(tmp_path, "demo", org_clock=ahead)
    assert told(results)["CLOCK"] == "fail"
    assert "s behind, Stripe: both clocks agree" in results["CLOCK"].observed


def test_streaming_without_a_choice_of_events_fails_by_its_check(tmp_path: Path) -> None:
    results = verified(tmp_path, "demo", CONNECTOR_VERIFY__STREAMING="true")
    assert told(results) == {**WORTH_KNOWING, "SF-CDC-01": "fail"}


def test_a_database_of_another_pair_is_found_after_it_was_used_by_this_one(tmp_path: Path) -> None:
    from connector.core.model import Identity
    from connector.store import open_store

    store = open_store(f"sqlite:///{tmp_path / 'state.sqlite'}", clock=ManualClock(START))
    store.pin_identity(Identity(org_id="00D000000000009AAA", is_sandbox=True, account_id="acct_9", livemode=False))
    store.close()
    results = verified(tmp_path, "demo")
    assert told(results) == {**WORTH_KNOWING, "DB": "fail"}
    assert "00D000000000009AAA" in results["DB"].observed
    assert "acct_9" in results["DB"].observed
