"""The composition root of `connector verify`: what looks at both systems, and what it remembers.

Unlike app.py it opens whatever can be opened. A side without credentials, or one that does not
answer, is `Unreadable` with what to correct, and the other one is still looked at; nothing is
refused before it can be explained. Only settings, mapping and rules that cannot be read end here.
"""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import requests

from connector.app import Sessions, open_own_store, salesforce_options, stripe_limiter, stripe_options
from connector.config.accepted_risks import load_accepted_risks
from connector.config.mapping_loader import load_pack
from connector.config.places import share
from connector.config.prerequisites import load_rules
from connector.config.settings_check import side_problems
from connector.core.currencies import counted_whole
from connector.core.errors import ConfigError, Problem, StoreError
from connector.core.model import Side
from connector.core.retry import uniform
from connector.core.verify.evidence import Situation, Unreadable
from connector.flows.verify.conditions import CONDITIONS
from connector.flows.verify.remember import remember
from connector.flows.verify.run import Errand, Verification, verify
from connector.remote import Caller
from connector.runtime.clock import SystemClock, chance
from connector.runtime.machine import OwnInspector, Server, own_looks
from connector.salesforce.inspect.greeting import greet as greet_salesforce
from connector.salesforce.inspect.inspector import SalesforceInspector
from connector.salesforce.system import open_client
from connector.stripe.client import Client as StripeClient
from connector.stripe.inspect.greeting import greet as greet_stripe
from connector.stripe.inspect.inspector import StripeInspector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from connector.config.settings import Settings
    from connector.core.mapping import Pack
    from connector.core.verify.checks import AcceptedRisk, Profile, Rules
    from connector.core.verify.sides import SideCard
    from connector.flows.verify.choose import Choice
    from connector.ports import Clock
    from connector.ports.verifying import Inspector, VerifyMemory

#: a person waits for the answer, and a check that could not be read says so: fewer and shorter than a sync's
_RETRIES: Final = uniform(attempts=3, base_s=0.3, cap_s=2)

#: a side as it is seen, and what looks at it
_Opened = tuple["SideCard | Unreadable", "Inspector | Unreadable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """Both sides, greeted and ready to be looked at, once."""

    rules: Rules
    profile: Profile
    pack: Pack
    settings: Settings
    accepted: Mapping[str, AcceptedRisk]
    inspectors: Mapping[Side | None, Inspector | Unreadable]
    sides: Mapping[Side, SideCard | Unreadable]
    memory: VerifyMemory | Unreadable
    clock: Clock
    started_s: float

    def run(self, choice: Choice, *, accept_packages: bool = False) -> Verification:
        errand = Errand(
            choice=choice,
            conditions=CONDITIONS,
            profile=self.profile,
            situation=_situation(self.settings, self.pack),
            accepted=self.accepted,
            accept_packages=accept_packages,
        )
        return verify(
            errand,
            inspectors=self.inspectors,
            sides=self.sides,
            memory=self.memory,
            clock=self.clock,
            started_s=self.started_s,
        )

    def remember(self, verification: Verification, report: Mapping[str, Any], *, accept_packages: bool = False) -> None:
        """Stores the run, where there is a memory. Raises StoreError."""
        if not isinstance(self.memory, Unreadable):
            remember(verification, self.memory, report=report, accept_packages=accept_packages)


def shipped_rules() -> Rules:
    """config/prerequisites.yaml. Raises ConfigError."""
    return load_rules(share("config") / "prerequisites.yaml", conditions=CONDITIONS)


def chosen_profile(rules: Rules, name: str) -> Profile:
    """Raises ConfigError for a profile the rules do not have."""
    for profile in rules.profiles:
        if profile.id == name:
            return profile
    known = ", ".join(profile.id for profile in rules.profiles)
    problem = Problem(where="verify.profile", observed=f"there is no profile {name!r}", remedy=f"choose one of {known}")
    raise ConfigError([problem])


@contextlib.contextmanager
def open_verification(
    settings: Settings,
    *,
    rules: Rules,
    profile: Profile,
    clock: Clock | None = None,
    sessions: Sessions | None = None,
) -> Iterator[Verifier]:
    """Signs in on both sides, as far as that is possible. Raises ConfigError and MappingError for files and
    settings that cannot be read at all, before anything is sent.
    """
    clock, sessions = clock or SystemClock(), sessions or Sessions()
    started_s = clock.monotonic_s()
    pack = load_pack(settings.mappings, overrides=settings.pack_overrides())
    accepted = _accepted(settings, rules)
    with contextlib.ExitStack() as opened:
        hands = _Hands(settings=settings, pack=pack, profile=profile, clock=clock, sessions=sessions, opened=opened)
        with ThreadPoolExecutor(max_workers=2, thread_name_prefix="greet") as pool:
            salesforce, stripe = pool.submit(_salesforce, hands), pool.submit(_stripe, hands)
            (org, org_inspector), (account, account_inspector) = salesforce.result(), stripe.result()
        yield Verifier(
            rules=rules,
            profile=profile,
            pack=pack,
            settings=settings,
            accepted=accepted,
            inspectors={
                Side.SALESFORCE: org_inspector,
                Side.STRIPE: account_inspector,
                None: _own(hands),
            },
            sides={Side.SALESFORCE: org, Side.STRIPE: account},
            memory=_memory(hands, org),
            clock=clock,
            started_s=started_s,
        )


@contextlib.contextmanager
def open_memory(settings: Settings, *, clock: Clock | None = None) -> Iterator[VerifyMemory]:
    """What is remembered of the org that was verified last. Raises StoreError and ConfigError."""
    with open_own_store(settings, clock=clock) as store:
        yield store.verify_memory(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hands:
    """What building a side needs."""

    settings: Settings
    pack: Pack
    profile: Profile
    clock: Clock
    sessions: Sessions
    opened: contextlib.ExitStack

    @property
    def caller(self) -> Caller:
        return Caller(policies=_RETRIES, clock=self.clock, chance=chance)

    @property
    def options(self) -> dict[str, Any]:
        """Settings that questions depend on; nothing secret."""
        given, salesforce = self.settings.verify, self.settings.salesforce
        return {
            "profile": dict(self.profile.options),
            "username": salesforce.username,
            "installer": given.installer,
            "billing_contacts": given.billing_contacts,
            "stripe_namespaces": given.stripe_namespaces,
            "webhook_url": given.webhook_url,
            "streaming": given.streaming,
            "api_version": salesforce.api_version,
            "currency": salesforce.currency,
            "go_live": self.settings.go_live,
        }


def _salesforce(hands: _Hands) -> _Opened:
    missing = _missing(hands.settings, Side.SALESFORCE)
    if missing is not None:
        return missing, missing
    options = salesforce_options(hands.settings)
    client = open_client(options, clock=hands.clock, caller=hands.caller, session=hands.sessions.salesforce)
    hands.opened.callback(client.close)
    card = _explained(greet_salesforce(client, api_version=options.api_version), Side.SALESFORCE)
    if isinstance(card, Unreadable):
        return card, card
    return card, SalesforceInspector(client=client, pack=hands.pack, options=hands.options)


def _stripe(hands: _Hands) -> _Opened:
    missing = _missing(hands.settings, Side.STRIPE)
    if missing is not None:
        return missing, missing
    options = stripe_options(hands.settings)
    try:
        limiter = stripe_limiter(hands.settings, hands.clock)
        client = StripeClient(options, caller=hands.caller, limiter=limiter, session_factory=hands.sessions.stripe)
    except ConfigError as error:
        wrong = _wrong(error.problems)
        return wrong, wrong
    hands.opened.callback(client.close)
    card = _explained(greet_stripe(client, options), Side.STRIPE)
    if isinstance(card, Unreadable):
        return card, card
    return card, StripeInspector(client=client, pack=hands.pack, options=hands.options)


def _own(hands: _Hands) -> OwnInspector:
    settings, sessions = hands.settings, hands.sessions
    org_url = settings.salesforce.instance_url or settings.salesforce.login_url
    session = sessions.salesforce or requests.Session()
    stripe_session = requests.Session() if sessions.stripe is None else sessions.stripe()
    hands.opened.callback(session.close)
    hands.opened.callback(stripe_session.close)
    return OwnInspector(
        own_looks(
            home=settings.home,
            database_url=settings.database_url,
            servers=(
                Server(system="Salesforce", url=org_url, clock_path="/services/data", session=session),
                Server(system="Stripe", url=settings.stripe.api_base, clock_path="/", session=stripe_session),
            ),
            clock=hands.clock,
        )
    )


_FIXES: Final = {
    Side.SALESFORCE: "correct CONNECTOR_SALESFORCE__AUTH, the credentials it needs, or CONNECTOR_SALESFORCE__LOGIN_URL; "
    "`connector config show` says where each comes from",
    Side.STRIPE: "correct CONNECTOR_STRIPE__API_KEY, or CONNECTOR_STRIPE__API_BASE where no answer came",
}


def _missing(settings: Settings, side: Side) -> Unreadable | None:
    problems = side_problems(settings, side)
    return _wrong(problems) if problems else None


def _wrong(problems: Sequence[Problem]) -> Unreadable:
    reason = "; ".join(f"{problem.where} {problem.observed}" for problem in problems)
    return Unreadable(source="settings", reason=reason, fix="; ".join(problem.remedy for problem in problems))


def _explained(card: SideCard | Unreadable, side: Side) -> SideCard | Unreadable:
    if isinstance(card, Unreadable) and card.fix is None:
        return Unreadable(source=card.source, reason=card.reason, fix=_FIXES[side])
    return card


def _memory(hands: _Hands, org: SideCard | Unreadable) -> VerifyMemory | Unreadable:
    try:
        store = hands.opened.enter_context(open_own_store(hands.settings, clock=hands.clock))
    except (StoreError, ConfigError) as error:
        return Unreadable(source="database", reason=str(error))
    return store.verify_memory(None if isinstance(org, Unreadable) else org.id)


def _accepted(settings: Settings, rules: Rules) -> Mapping[str, AcceptedRisk]:
    path = settings.verify.accepted_risks
    return {} if path is None else load_accepted_risks(path, checks=[check.id for check in rules.checks])


def _situation(settings: Settings, pack: Pack) -> Situation:
    given = settings.verify
    return Situation(
        pack=pack,
        api_version=settings.salesforce.api_version,
        stripe_api_version=settings.stripe.api_version,
        go_live=settings.go_live,
        currency=settings.salesforce.currency,
        username=settings.salesforce.username,
        installer=given.installer,
        billing_contacts=given.billing_contacts,
        stripe_namespaces=given.stripe_namespaces,
        stripe_collects=given.stripe_collects,
        ach=given.ach,
        streaming=given.streaming,
        webhook_url=given.webhook_url,
        has_webhook_secret=bool(settings.stripe.webhook_secrets),
        forecast_calls=given.forecast_calls,
        time_zone=settings.time_zone,
        currencies=counted_whole(settings.stripe.whole_unit_currencies),
    )
