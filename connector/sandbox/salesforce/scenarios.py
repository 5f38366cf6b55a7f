"""Orgs by name: a healthy one, and ones with named defects. Each plants exactly what its description says."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from connector.sandbox.salesforce import defects

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.sandbox.salesforce.defects import Site
    from connector.sandbox.salesforce.settings import OrgSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    name: str
    description: str
    #: settings of the org it needs; they win over the ones given
    settings: dict[str, Any] = field(default_factory=dict)
    #: changes the healthy org
    plant: Callable[[Site], None] = defects.nothing
    #: whether the Stripe account beside it is in live mode
    stripe_livemode: bool = False

    def settings_of(self, given: OrgSettings) -> OrgSettings:
        return replace(given, **self.settings)


def _org(name: str, description: str, plant: Callable[[Site], None] = defects.nothing, **settings: Any) -> Scenario:
    return Scenario(name=name, description=description, plant=plant, settings=settings)


_CPQ_BILLING = ("SBQQ", "blng")

SCENARIOS = (
    _org("demo", "Healthy: CPQ and Billing, this connector's fields and permission set, no Stripe package."),
    _org("fresh", "Nothing installed and none of our fields.", packages=(), metadata_dir=None),
    _org("cpq-only", "CPQ without Billing; our fields on what is there.", packages=("SBQQ",)),
    _org("no-permission", "The API user lost its verifier permission set: no View Setup, no Download AppExchange "
         "Packages, nobody else's tokens and logins.", defects.no_permission),
    _org("expired-licence", "The package licence of Billing expired yesterday.", defects.expired_licence),
    _org("legacy", "The superseded Stripe connector for Billing is installed (example namespace stripebilling).",
         defects.legacy_gateway, packages=(*_CPQ_BILLING, "stripebilling")),
    _org("universal", "Stripe's app (stripeGC) and the unmanaged Salesforce Billing Extension are installed.",
         defects.universal_gateway, packages=(*_CPQ_BILLING, "stripeGC")),
    _org("two-writers", "Both generations of Stripe's packages are installed.",
         defects.universal_gateway, packages=(*_CPQ_BILLING, "stripebilling", "stripeGC")),
    _org("drifted", "CPQ is two releases lower than before, Billing's permission set is taken from the API user, "
         "Billing's remote site is inactive.", defects.drifted),
    Scenario(name="sandbox-with-live-key", description="A sandbox org beside a Stripe account in live mode.",
             stripe_livemode=True),
    _org("production-with-test-key", "A production org beside a Stripe account in test mode.", is_sandbox=False),
    _org("two-collectors", "Billing collects too: a daily payment scheduler, a run under way, and AutoPay on a "
         "payment method of an account with an open invoice.", defects.two_collectors),
    _org("no-fields", "Our fields and permission set were never deployed.", metadata_dir=None),
    _org("no-fls", "The API user cannot see Account.Phone and cannot edit blng__Invoice__c.Stripe_Status__c.",
         defects.no_fls),
    _org("odd-names", "Emoji, packages that share a namespace, a beta (1.2b3), a key-protected package, rows without "
         "package or version, 2,000 permission set assignments.", defects.odd_names),
    _org("single-currency", "One currency, no CurrencyIsoCode anywhere.", multi_currency=False),
    _org("retired-version", "The version clients are configured for, 67.0, is retired; 68.0 and later are offered.",
         api_versions=tuple(f"{number}.0" for number in range(68, 74)), api_version="67.0"),
    _org("calls-fail", "Remote sites answer 500, permission set licences 403, OAuth tokens QUERY_TIMEOUT, and /limits "
         "a 503 page of HTML; all else works.", defects.calls_fail),
    _org("automation", "An active flow and a trigger on invoices, and a validation rule on accounts, all unmanaged.",
         defects.automation),
    _org("billing-first", "Billing was installed the day before CPQ.", defects.billing_first),
    _org("admins-only", "CPQ and Billing were installed for admins only.", defects.admins_only),
)  # fmt: skip


def find(name: str) -> Scenario:
    """Raises ValueError for a name that is none."""
    for scenario in SCENARIOS:
        if scenario.name == name:
            return scenario
    raise ValueError(f"no org is called {name!r}; there are: {', '.join(one.name for one in SCENARIOS)}")
