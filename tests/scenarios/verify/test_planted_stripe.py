"""Defects planted in a Stripe account, found by exactly the check that should find them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from connector.config.settings_loader import load_settings
from connector.core.model import Side
from connector.flows.verify.choose import choose
from connector.sandbox.salesforce.org import Org
from connector.sandbox.stripe.account import Account
from connector.stripe.events import HEARD_TYPES
from connector.verification import Sessions, chosen_profile, open_verification, shipped_rules
from tests.support.clock import ManualClock
from tests.support.verified import mounted
from tests.support.world import API_URL, ORG_URL, START

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connector.core.verify.checks import Result

URL = "https://connector.example.com/stripe/events"
VERSION = "2026-10-28.endive"
READS = ("customers", "products", "quotes", "invoices", "invoice_payments", "payment_intents", "charges")
RIGHTS = (*READS, "payment_records", "events", "account", "webhook_endpoints", "reporting", "billing_portal")
FAULTY = ("fail", "warn", "unknown", "manual", "crashed")


class Bench:
    """An account set up as it should be, and one verification of it."""

    def __init__(self, folder, *, livemode: bool = False) -> None:
        self.folder = folder
        self.clock = ManualClock(START)
        self.account = Account(
            clock=self.clock, seed=1, livemode=livemode, rate_per_second=None, endpoint_rate_per_second=None
        )
        self.key = self.account.api_key
        self.settings: dict[str, str] = {
            "CONNECTOR_VERIFY__WEBHOOK_URL": URL,
            "CONNECTOR_VERIFY__ACH": "true",
            "CONNECTOR_STRIPE__WEBHOOK_SECRETS": self.account.webhook_secret,
        }
        self.profile_options: dict[str, object] = {}
        self.calls = 0
        self.endpoint = self.post("/v1/webhook_endpoints", **self.wanted())["id"]

    def wanted(self, **changes):
        return {"url": URL, "api_version": VERSION, "enabled_events[]": list(HEARD_TYPES), **changes}

    def post(self, path, **params):
        headers = {"Authorization": f"Bearer {self.account.api_key}"}
        reply = mounted(self.account).post(API_URL + path, data=params, headers=headers, timeout=5)
        reply.raise_for_status()
        return reply.json()

    def verified(self) -> Mapping[str, Result]:
        org = Org(clock=self.clock, seed=1)
        environment = {
            "CONNECTOR_HOME": str(self.folder),
            "CONNECTOR_SALESFORCE__AUTH": "client_credentials",
            "CONNECTOR_SALESFORCE__LOGIN_URL": ORG_URL,
            "CONNECTOR_SALESFORCE__CLIENT_ID": org.client_id,
            "CONNECTOR_SALESFORCE__CLIENT_SECRET": org.client_secret,
            "CONNECTOR_STRIPE__API_KEY": self.key,
            "CONNECTOR_STRIPE__API_BASE": API_URL,
            **self.settings,
        }
        rules = shipped_rules()
        profile = chosen_profile(rules, "connector-only")
        profile = replace(profile, options={**profile.options, **self.profile_options})
        with open_verification(
            load_settings(environment, folder=self.folder),
            rules=rules,
            profile=profile,
            clock=self.clock,
            sessions=Sessions(salesforce=mounted(org), stripe=lambda: mounted(self.account)),
        ) as verifier:
            run = verifier.run(choose(rules, verifier.profile))
        self.calls = run.calls[Side.STRIPE.value]
        return {result.check.id: result for result in run.results if result.check.id.startswith("STR-")}

    def told(self) -> dict[str, str]:
        """Check -> verdict, of those that do not pass and were looked at."""
        return {
            name: result.verdict.value for name, result in self.verified().items() if result.verdict.value in FAULTY
        }


@pytest.fixture
def bench(tmp_path) -> Bench:
    return Bench(tmp_path)


def test_an_account_set_up_as_it_should_be_is_told_nothing_in_few_calls(bench):
    assert bench.told() == {}
    assert bench.calls <= 15


def test_a_live_account_with_a_restricted_key_leaves_a_person_only_the_rights_to_write(tmp_path):
    bench = Bench(tmp_path, livemode=True)
    bench.key = bench.account.restrict_key(dict.fromkeys(RIGHTS, "write"))
    assert bench.told() == {"STR-KEY-WRITE": "manual"}


def _without_right(right: str) -> Callable[[Bench], None]:
    def plant(bench: Bench) -> None:
        bench.key = bench.account.restrict_key({name: "write" for name in RIGHTS if name != right})

    return plant


def _set(**facts) -> Callable[[Bench], None]:
    def plant(bench: Bench) -> None:
        for name, value in facts.items():
            setattr(bench.account.facts, name, value)

    return plant


def _no_debits(bench: Bench) -> None:
    bench.account.facts.capabilities["us_bank_account_ach_payments"] = "inactive"


def _endpoint(**params) -> Callable[[Bench], None]:
    def plant(bench: Bench) -> None:
        bench.post(f"/v1/webhook_endpoints/{bench.endpoint}", **params)

    return plant


def _second_endpoint(bench: Bench) -> None:
    bench.post("/v1/webhook_endpoints", **bench.wanted())


def _other_version(bench: Bench) -> None:
    bench.post(f"/v1/webhook_endpoints/{bench.endpoint}", disabled="true")
    bench.post("/v1/webhook_endpoints", **bench.wanted(api_version="2025-03-31.basil"))


def _cancelling(bench: Bench) -> None:
    bench.post("/v1/billing_portal/configurations", **{"features[subscription_cancel][enabled]": "true"})


def _rolled_key(bench: Bench) -> None:
    bench.key = "sk_test_0000000000000000"


@pytest.mark.parametrize(
    ("plant", "told"),
    [
        (_set(payout_interval="manual"), {"STR-PAYOUT": "fail"}),
        (_set(payouts_enabled=False), {"STR-PAYOUT": "fail"}),
        (_set(charges_enabled=False), {"STR-ACCT": "fail"}),
        (_set(currently_due=["external_account"]), {"STR-ACCT": "warn"}),
        (_no_debits, {"STR-ACCT": "fail"}),
        (_set(missing_reports=["payout_reconciliation.itemized.5"]), {"STR-RPT": "fail"}),
        (_set(reports_behind_days=4), {"STR-RPT": "warn"}),
        (_cancelling, {"STR-PORTAL": "fail"}),
        (_endpoint(disabled="true"), {"STR-WH": "fail"}),
        (_endpoint(url="https://elsewhere.example.com"), {"STR-WH": "fail"}),
        (_endpoint(**{"enabled_events[]": ["invoice.paid"]}), {"STR-WH": "fail"}),
        (_endpoint(**{"enabled_events[]": ["*"]}), {"STR-WH": "warn"}),
        (_second_endpoint, {"STR-WH": "fail"}),
        (_other_version, {"STR-WH": "fail"}),
        *((_without_right(name), {"STR-KEY": "fail"}) for name in (*READS, "payment_records", "events")),
        (_without_right("webhook_endpoints"), {"STR-KEY-WRITE": "manual", "STR-WH": "unknown"}),
        (_without_right("reporting"), {"STR-KEY-WRITE": "manual", "STR-RPT": "unknown"}),
        (_without_right("billing_portal"), {"STR-KEY-WRITE": "manual", "STR-PORTAL": "unknown"}),
        (
            _without_right("account"),
            {"STR-KEY-WRITE": "manual", "STR-ACCT": "unknown", "STR-PAYOUT": "unknown"},
        ),
    ],
    ids=[
        "payouts by hand",
        "payouts off",
        "charges off",
        "something asked for",
        "no bank debits",
        "no report",
        "late report",
        "customers cancel",
        "endpoint off",
        "endpoint elsewhere",
        "too few events",
        "all events",
        "two endpoints",
        "endpoint of another version",
        *(f"may not read {name}" for name in (*READS, "payment_records", "events")),
        "may not read endpoints",
        "may not read reports",
        "may not read the portal",
        "may not read the account",
    ],
)
def test_a_planted_defect_is_found_by_exactly_its_check(bench, plant, told):
    plant(bench)
    assert bench.told() == told


def test_a_key_stripe_does_not_know_fails_and_the_rest_cannot_be_told(bench):
    _rolled_key(bench)
    told = bench.told()
    assert {name for name, verdict in told.items() if verdict == "fail"} == {"STR-KEY"}
    assert set(told.values()) == {"fail", "unknown"}


def test_an_account_of_another_version_fails_once_and_nothing_else_is_judged(bench):
    def older(_request, reply):
        return type(reply)(
            status=reply.status, headers={**reply.headers, "Stripe-Version": "2025-03-31.basil"}, body=reply.body
        )

    bench.account.faults_after = older
    assert bench.told() == {"STR-VER": "fail"}


def test_a_card_limit_of_the_profile_finds_the_invoice_that_breaks_it(bench):
    customer = bench.post("/v1/customers", name="Ada")["id"]
    due = int((START + timedelta(days=30)).timestamp())
    draft = bench.post(
        "/v1/invoices", customer=customer, collection_method="send_invoice", due_date=due, currency="usd"
    )["id"]
    bench.post(f"/v1/invoices/{draft}/add_lines", **{"lines[0][amount]": "600000", "lines[0][description]": "x"})
    bench.post(f"/v1/invoices/{draft}/finalize")
    assert bench.told() == {}
    bench.profile_options = {"card_limits": {"usd": "5000.00"}}
    assert bench.told() == {"STR-CARDLIMIT": "fail"}
    assert bench.calls <= 15
