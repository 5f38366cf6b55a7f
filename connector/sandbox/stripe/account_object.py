"""GET /v1/account, and reading events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.sandbox.stripe.engine import EVENT_AGE_S, Engine, Fields
from connector.sandbox.stripe.errors import StripeError, exclusive_parameters, missing_resource
from connector.sandbox.stripe.paging import Filters, Page, page

if TYPE_CHECKING:
    from connector.sandbox.stripe.store import Object

#: platform.md C3 [I]
MAX_EVENT_TYPES = 20


def retrieve_account(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del params, path
    return {
        "id": engine.ids.account_id,
        "object": "account",
        "business_profile": {
            "annual_revenue": None,
            "estimated_worker_count": None,
            "mcc": None,
            "minority_owned_business_designation": None,
            "name": "Sandbox",
            "product_description": None,
            "support_address": None,
            "support_email": None,
            "support_phone": None,
            "support_url": None,
            "url": None,
        },
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": engine.country,
        "default_currency": engine.default_currency,
        "details_submitted": True,
        "email": "owner@example.com",
        "metadata": {},
        "payouts_enabled": True,
        "type": "standard",
    }


def list_events(engine: Engine, params: Fields, path: dict[str, str]) -> Page:
    """Newest first, 30 days back; `type` may end in `.*`."""
    del path
    if "type" in params and "types" in params:
        raise exclusive_parameters("type", "types")
    if "delivery_success" in params:
        raise StripeError("This sandbox does not model the delivery of events yet.", param="delivery_success")
    where: Filters = {}
    if "types" in params:
        if len(params["types"]) > MAX_EVENT_TYPES:
            raise StripeError(f"You can filter by at most {MAX_EVENT_TYPES} types.", param="types")
        where["type"] = params["types"]
    elif "type" in params:
        where["type"] = _matching(engine, params["type"])
    return page(engine, "event", params, url="/v1/events", where=where, created_from=engine.now - EVENT_AGE_S)


def _matching(engine: Engine, pattern: str) -> list[str]:
    if not pattern.endswith("*"):
        return [pattern]
    return [value for value in engine.collections["event"].values_of("type") if value.startswith(pattern[:-1])]


def retrieve_event(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del params
    event = engine.get("event", path["id"])
    if event["created"] < engine.now - EVENT_AGE_S:
        raise missing_resource("event", path["id"])
    return event
