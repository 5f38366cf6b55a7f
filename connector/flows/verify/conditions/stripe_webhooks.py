"""Where Stripe sends events: one enabled endpoint of ours, of our API version, with exactly our events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.verify.account import WebhookEndpoint, Webhooks
from connector.core.verify.checks import Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.verify.evidence import Facts

_NAMED_AT_MOST: Final = 5


def stripe_webhooks(facts: Facts) -> Judgement:
    """An endpoint that is off does no harm beside one that is on."""
    url = facts.situation.webhook_url
    if url is None:
        observed = "no webhook address is set: events are read by polling alone, which finds everything, only later"
        return Judgement(verdict=Verdict.NOT_APPLICABLE, observed=observed)
    webhooks = facts.read("stripe_webhooks", Webhooks)
    ours = [each for each in webhooks.endpoints if each.is_at(url)]
    enabled = [each for each in ours if each.enabled]
    evidence = tuple(_described(each) for each in ours)
    expected = f"one enabled endpoint at {url}, of API version {facts.situation.stripe_api_version}, with exactly the"
    expected = f"{expected} {len(webhooks.needed)} events this program handles"
    verdict, observed = _judged(ours, enabled, webhooks.needed, facts)
    if verdict is Verdict.PASS and not facts.situation.has_webhook_secret:
        return Judgement(
            verdict=Verdict.WARN,
            observed=f"{observed}, but no signing secret is configured",
            expected=expected,
            why="what arrives cannot be told from a forgery, and is refused",
            fix="set CONNECTOR_STRIPE__WEBHOOK_SECRETS to file:PATH of the secret that connector setup stripe stored",
            evidence=evidence,
        )
    return Judgement(verdict=verdict, observed=observed, expected=expected, evidence=evidence)


def _judged(
    ours: Sequence[WebhookEndpoint], enabled: Sequence[WebhookEndpoint], needed: Sequence[str], facts: Facts
) -> tuple[Verdict, str]:
    if not ours:
        return Verdict.FAIL, f"no endpoint sends events to {facts.situation.webhook_url}"
    if not enabled:
        return Verdict.FAIL, f"the endpoint {_ids(ours)} is off: Stripe sends it nothing"
    if len(enabled) > 1:
        return Verdict.FAIL, f"{len(enabled)} endpoints send every event to us: {_ids(enabled)}"
    (endpoint,) = enabled
    wanted = facts.situation.stripe_api_version
    if endpoint.api_version != wanted:
        version = endpoint.api_version or "the account's default, which may change"
        return Verdict.FAIL, f"the endpoint {endpoint.id} speaks API version {version}, we read {wanted}"
    missing, surplus = endpoint.missing(needed), endpoint.surplus(needed)
    if missing:
        return (
            Verdict.FAIL,
            f"the endpoint {endpoint.id} misses {len(missing)} of {len(needed)} events: {_some(missing)}",
        )
    if surplus:
        what = "all events" if "*" in surplus else _some(surplus)
        return Verdict.WARN, f"the endpoint {endpoint.id} sends events nobody handles: {what}"
    return Verdict.PASS, f"the endpoint {endpoint.id} is on and sends exactly the {len(needed)} events we handle"


def _ids(endpoints: Sequence[WebhookEndpoint]) -> str:
    return ", ".join(each.id for each in endpoints)


def _some(events: Sequence[str]) -> str:
    more = len(events) - _NAMED_AT_MOST
    return ", ".join(events[:_NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")


def _described(endpoint: WebhookEndpoint) -> str:
    state = "on" if endpoint.enabled else "off"
    version = endpoint.api_version or "the account's default version"
    events = "all events" if "*" in endpoint.events else f"{len(endpoint.events)} events"
    return f"{endpoint.id}: {state}, {version}, {events}, {endpoint.url}"


CONDITIONS: Final = {"stripe_webhooks": stripe_webhooks}
