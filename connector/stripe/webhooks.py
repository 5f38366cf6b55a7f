"""The webhook endpoint that sends us events: what there is, what to change, and the change.

`plan_endpoint` is pure. An endpoint's API version is fixed when it is made (derived API description), so
one of another version is replaced: the new one first, then the old one is switched off, never deleted.
While both are on, events come twice, which costs nothing: a signal carries no data.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from connector.core.verify.account import WebhookEndpoint
from connector.stripe.client import Call

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from connector.stripe.client import Client

_COLLECTION: Final = "/v1/webhook_endpoints"
_ITEM: Final = "/v1/webhook_endpoints/{id}"
DESCRIPTION: Final = "connector: tells it that records changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The one endpoint there should be."""

    url: str
    api_version: str
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One write. Exactly one of `create`, and changes of `endpoint`."""

    #: create, update or disable
    action: str
    #: in one sentence, for people
    why: str
    #: None: it is made
    endpoint: WebhookEndpoint | None = None
    add_events: tuple[str, ...] = ()
    remove_events: tuple[str, ...] = ()
    #: it is off and is to be switched on
    enable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointPlan:
    wanted: Wanted
    changes: tuple[Change, ...]
    #: every endpoint at our address before the change
    found: tuple[WebhookEndpoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    change: Change
    endpoint_id: str
    #: only of an endpoint just made; never printed
    secret: str | None = None

    def __repr__(self) -> str:
        return f"Written({self.change.action} {self.endpoint_id})"


def endpoint_of(item: Mapping[str, Any]) -> WebhookEndpoint:
    return WebhookEndpoint(
        id=item["id"],
        url=item["url"],
        enabled=item["status"] == "enabled",
        api_version=item.get("api_version"),
        events=tuple(item["enabled_events"]),
        description=item.get("description") or "",
    )


def fetch_endpoints(client: Client) -> tuple[WebhookEndpoint, ...]:
    """Every endpoint of the account, newest first."""
    return tuple(endpoint_of(item) for page in client.pages(_COLLECTION, {}) for item in page)


def plan_endpoint(endpoints: Sequence[WebhookEndpoint], wanted: Wanted, *, secret_lost: bool = False) -> EndpointPlan:
    """What makes one enabled endpoint at our address, of our version, with exactly our events.

    `secret_lost`: the signing secret of the endpoint in use was never stored, so it cannot be used.
    """
    found = tuple(each for each in endpoints if each.is_at(wanted.url))
    kept = None if secret_lost else _kept(found, wanted)
    if kept is None:
        changes = [Change(action="create", why=_why_new(found, wanted, secret_lost=secret_lost))]
    else:
        changes = list(_repaired(kept, wanted))
    changes += [
        Change(action="disable", endpoint=each, why=_why_off(each, wanted))
        for each in found
        if each.enabled and each is not kept
    ]
    return EndpointPlan(wanted=wanted, changes=tuple(changes), found=found)


def apply_plan(client: Client, plan: EndpointPlan) -> Iterator[Written]:
    """Makes the changes in their order and yields each as it is done. Raises RemoteError; what was done
    stays, and the next plan holds the rest.
    """
    for change in plan.changes:
        item = client.send(_call(change, plan)).body
        yield Written(change=change, endpoint_id=item["id"], secret=item.get("secret"))


def _kept(found: Sequence[WebhookEndpoint], wanted: Wanted) -> WebhookEndpoint | None:
    """The oldest enabled one of our version: its secret is most likely the one in use. Else one that is off."""
    ours = [each for each in found if each.api_version == wanted.api_version]
    candidates = [each for each in ours if each.enabled] or ours
    return candidates[-1] if candidates else None


def _repaired(kept: WebhookEndpoint, wanted: Wanted) -> Iterator[Change]:
    missing, surplus = kept.missing(wanted.events), kept.surplus(wanted.events)
    reasons = []
    if not kept.enabled:
        reasons.append("it is off")
    if missing:
        reasons.append(f"it does not send {len(missing)} of {len(wanted.events)} events we need")
    if surplus:
        reasons.append("it sends events we do not need")
    if reasons:
        yield Change(
            action="update",
            endpoint=kept,
            why=", ".join(reasons),
            add_events=tuple(each for each in wanted.events if each not in kept.events),
            remove_events=surplus,
            enable=not kept.enabled,
        )


def _why_new(found: Sequence[WebhookEndpoint], wanted: Wanted, *, secret_lost: bool) -> str:
    if not found:
        return "no endpoint sends events to this address"
    if secret_lost:
        return "the signing secret of the endpoint made last was never stored, and Stripe shows it only once"
    versions = ", ".join(sorted({each.api_version or "the account's default" for each in found}))
    return (
        f"the endpoint at this address speaks API version {versions}, we read {wanted.api_version}, and the version"
        " of an endpoint cannot be changed"
    )


def _why_off(endpoint: WebhookEndpoint, wanted: Wanted) -> str:
    if endpoint.api_version != wanted.api_version:
        return f"it speaks API version {endpoint.api_version or '(default)'}; another endpoint takes its place"
    return "a second endpoint at this address sends every event twice"


def _call(change: Change, plan: EndpointPlan) -> Call:
    wanted = plan.wanted
    params: dict[str, Any]
    if change.endpoint is None:
        params = {
            "url": wanted.url,
            "api_version": wanted.api_version,
            "enabled_events": list(wanted.events),
            "description": DESCRIPTION,
        }
        return Call(method="post", template=_COLLECTION, params=params, idempotency_key=_key(change, plan))
    params = {"disabled": "true"} if change.action == "disable" else {}
    if change.enable:
        params["disabled"] = "false"
    if change.add_events or change.remove_events:
        params["enabled_events"] = list(wanted.events)
    return Call(method="post", template=_ITEM, id=change.endpoint.id, params=params, idempotency_key=_key(change, plan))


def _key(change: Change, plan: EndpointPlan) -> str:
    """The same change of the same endpoints has the same key: a repeat after a lost answer makes nothing twice,
    and gets the secret it was owed.
    """
    before = "|".join(repr(each) for each in plan.found)
    text = f"{change.action} {change.endpoint and change.endpoint.id} {plan.wanted!r} {before}"
    return f"connector-setup-{blake2b(text.encode(), digest_size=16).hexdigest()}"
