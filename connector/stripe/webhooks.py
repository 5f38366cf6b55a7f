"""Webhook endpoints of the account: what there is, and one write at a time. Decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from connector.core.endpoints import Action, Written
from connector.core.verify.account import WebhookEndpoint
from connector.stripe.client import Call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.core.endpoints import Change
    from connector.stripe.client import Client

_COLLECTION: Final = "/v1/webhook_endpoints"
DESCRIPTION: Final = "connector: tells it that records changed"


class AccountEndpoints:
    """`ports.EndpointTarget` over one account."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def key_hint(self) -> str:
        return self._client.key.hint

    @property
    def livemode(self) -> bool:
        return self._client.key.livemode

    @property
    def calls(self) -> int:
        return self._client.calls

    def fetch_endpoints(self) -> tuple[WebhookEndpoint, ...]:
        return tuple(endpoint_of(item) for page in self._client.pages(_COLLECTION, {}) for item in page)

    def write(self, change: Change) -> Written:
        item = self._client.send(_call(change)).body
        return Written(change=change, endpoint_id=item["id"], secret=item.get("secret"))


def endpoint_of(item: Mapping[str, Any]) -> WebhookEndpoint:
    return WebhookEndpoint(
        id=item["id"],
        url=item["url"],
        enabled=item["status"] == "enabled",
        api_version=item.get("api_version"),
        events=tuple(item["enabled_events"]),
        description=item.get("description") or "",
    )


def _call(change: Change) -> Call:
    params: dict[str, Any] = {}
    if change.endpoint is None:
        params = {
            "url": change.wanted.url,
            "api_version": change.wanted.api_version,
            "enabled_events": list(change.wanted.events),
            "description": DESCRIPTION,
        }
        return Call(method="post", template=_COLLECTION, params=params, idempotency_key=change.idempotency_key)
    if change.enable or change.action is Action.DISABLE:
        params["disabled"] = "false" if change.enable else "true"
    if change.add_events or change.remove_events:
        params["enabled_events"] = list(change.wanted.events)
    return Call(
        method="post",
        template=f"{_COLLECTION}/{{id}}",
        id=change.endpoint.id,
        params=params,
        idempotency_key=change.idempotency_key,
    )
