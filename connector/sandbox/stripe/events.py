"""Reading events: what happened, newest first, 30 days back (platform.md C3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from connector.sandbox.stripe.errors import StripeError, exclusive_parameters, missing_resource
from connector.sandbox.stripe.paging import Filters, Page, page

if TYPE_CHECKING:
    from connector.sandbox.stripe.engine import Engine, Fields
    from connector.sandbox.stripe.store import Object

KEPT_S = 30 * 86_400
#: platform.md C3 [I]
MAX_TYPES = 20


def listing(engine: Engine, params: Fields, path: dict[str, str]) -> Page:
    """`type` may end in `*`; `types` names up to twenty exactly."""
    del path
    if "type" in params and "types" in params:
        raise exclusive_parameters("type", "types")
    if "delivery_success" in params:
        raise StripeError("This sandbox does not model the delivery of events yet.", param="delivery_success")
    where: Filters = {}
    if "types" in params:
        if len(params["types"]) > MAX_TYPES:
            raise StripeError(f"You can filter by at most {MAX_TYPES} types.", param="types")
        where["type"] = params["types"]
    elif "type" in params:
        where["type"] = _matching(engine, params["type"])
    found = page(engine, "event", params, url="/v1/events", where=where, created_from=engine.now - KEPT_S)
    return Page(data=[whole(engine, event) for event in found.data], has_more=found.has_more, url=found.url)


def _matching(engine: Engine, pattern: str) -> list[str]:
    if not pattern.endswith("*"):
        return [pattern]
    return [value for value in engine.collections["event"].values_of("type") if value.startswith(pattern[:-1])]


def retrieve(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del params
    event = engine.get("event", path["id"])
    if event["created"] < engine.now - KEPT_S:
        raise missing_resource("event", path["id"])
    return whole(engine, event)


def whole(engine: Engine, event: Object) -> Object:
    """The event as clients see it, from the little that is stored of it."""
    data: dict[str, Any] = {"object": orjson.Fragment(event["snapshot"])}
    if event["previous"] is not None:
        data["previous_attributes"] = orjson.Fragment(event["previous"])
    request_id, idempotency_key = event["request"]
    return {
        "id": event["id"],
        "object": "event",
        "account": None,
        "api_version": engine.api_version,
        "created": event["created"],
        "data": data,
        "livemode": engine.livemode,
        "pending_webhooks": 0,
        "request": {"id": request_id, "idempotency_key": idempotency_key},
        "type": event["type"],
    }
