"""Webhook endpoints: where events are to be delivered; `deliveries.py` carries them there."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from connector.sandbox.stripe.errors import StripeError, empty_parameter
from connector.sandbox.stripe.metadata import merged
from connector.sandbox.stripe.paging import Page, page

if TYPE_CHECKING:
    from connector.sandbox.stripe.engine import Engine, Fields
    from connector.sandbox.stripe.store import Object

KIND = "webhook_endpoint"


def create(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    """The only answer that shows the signing secret (derived API description)."""
    del path
    _check_url(engine, params["url"])
    endpoint = {
        "id": engine.ids.new(KIND),
        "object": KIND,
        "api_version": params.get("api_version"),
        "application": None,
        "created": engine.now,
        "description": params.get("description") or None,
        "enabled_events": _events(params["enabled_events"]),
        "livemode": engine.livemode,
        "metadata": merged({}, params.get("metadata")),
        "status": "enabled",
        "url": params["url"],
    }
    engine.insert(endpoint)
    secret = f"whsec_{engine.ids.tail(32)}"
    engine.hide(endpoint["id"], secret=secret)
    return {**endpoint, "secret": secret}


def update(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    """`api_version` is no parameter here: it stays what it was at creation."""
    endpoint = engine.touch(engine.get(KIND, path[KIND]))
    if "url" in params:
        _check_url(engine, params["url"])
        endpoint["url"] = params["url"]
    if "enabled_events" in params:
        endpoint["enabled_events"] = _events(params["enabled_events"])
    if "disabled" in params:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"
    if "description" in params:
        endpoint["description"] = params["description"] or None
    endpoint["metadata"] = merged(endpoint["metadata"], params.get("metadata"))
    return endpoint


def delete(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del params
    endpoint = engine.get(KIND, path[KIND])
    engine.remove(endpoint)
    return {"id": endpoint["id"], "object": KIND, "deleted": True}


def listing(engine: Engine, params: Fields, path: dict[str, str]) -> Page:
    del path
    return page(engine, KIND, params, url="/v1/webhook_endpoints")


def _events(wanted: list[str]) -> list[str]:
    """Unknown types never get here: the API description lists the known ones."""
    if not wanted:
        raise empty_parameter("enabled_events")
    return list(dict.fromkeys(wanted))


def _check_url(engine: Engine, url: str) -> None:
    """Live mode takes https only, test mode http, too (derived API description, event destinations)."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise StripeError(
            "Invalid URL: An explicit scheme (such as https) must be provided.", code="url_invalid", param="url"
        )
    if engine.livemode and parts.scheme != "https":
        raise StripeError("Invalid URL: the URL of a live mode webhook must be HTTPS.", code="url_invalid", param="url")
