"""Configurations of the hosted customer portal: what customers may do there by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.sandbox.stripe.metadata import merged
from connector.sandbox.stripe.paging import Page, filters, page

if TYPE_CHECKING:
    from connector.sandbox.stripe.engine import Engine, Fields
    from connector.sandbox.stripe.store import Object

KIND = "billing_portal.configuration"
#: what the answer adds to the entries of a list, where the request may leave it out
_MORE: dict[str, Fields] = {
    "interval_options": {"interval_count": 1},
    "products": {"adjustable_quantity": {"enabled": False, "minimum": 1}},
}
_PROFILE = ("headline", "privacy_policy_url", "terms_of_service_url")


def create(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    """One made through the API is never the default: that one is made in the dashboard."""
    del path
    configuration = {
        "id": engine.ids.new(KIND),
        "object": KIND,
        "active": True,
        "application": None,
        "business_profile": dict.fromkeys(_PROFILE) | params.get("business_profile", {}),
        "created": engine.now,
        "default_return_url": params.get("default_return_url") or None,
        "features": _over(_all_off(), params["features"]),
        "is_default": False,
        "livemode": engine.livemode,
        "login_page": _login_page(engine, params),
        "metadata": merged({}, params.get("metadata")),
        "name": params.get("name") or None,
        "updated": engine.now,
    }
    return engine.insert(configuration)


def update(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    configuration = engine.touch(engine.get(KIND, path["configuration"]))
    for name in ("default_return_url", "name"):
        if name in params:
            configuration[name] = params[name] or None
    if "active" in params:
        configuration["active"] = params["active"]
    if params.get("business_profile"):
        configuration["business_profile"] = configuration["business_profile"] | params["business_profile"]
    if "features" in params:
        configuration["features"] = _over(configuration["features"], params["features"])
    if "login_page" in params:
        configuration["login_page"] = _login_page(engine, params)
    configuration["metadata"] = merged(configuration["metadata"], params.get("metadata"))
    configuration["updated"] = engine.now
    return configuration


def listing(engine: Engine, params: Fields, path: dict[str, str]) -> Page:
    del path
    where = filters(params, "active", "is_default")
    return page(engine, KIND, params, url="/v1/billing_portal/configurations", where=where)


def _all_off() -> Fields:
    """Every feature, before anything was asked for."""
    return {
        "customer_update": {"allowed_updates": [], "enabled": False},
        "invoice_history": {"enabled": False},
        "payment_method_update": {"enabled": False, "payment_method_configuration": None},
        "subscription_cancel": {
            "cancellation_reason": {"enabled": False, "feedback_options": [], "options": []},
            "enabled": False,
            "mode": "at_period_end",
            "proration_behavior": "none",
        },
        "subscription_pause": {"duration": {"interval_options": [], "type": "indefinite"}, "enabled": False},
        "subscription_update": {
            "default_allowed_updates": [],
            "enabled": False,
            "products": [],
            "proration_behavior": "none",
            "schedule_at_period_end": {"conditions": []},
            "trial_update_behavior": "end_trial",
        },
    }


def _over(before: Fields, given: Fields) -> Fields:
    """What was given over what was there; `""` empties a list."""
    changed: Fields = {}
    for name, value in given.items():
        there = before.get(name)
        if isinstance(value, dict) and isinstance(there, dict):
            changed[name] = _over(there, value)
        elif isinstance(there, list):
            changed[name] = [_MORE.get(name, {}) | each if isinstance(each, dict) else each for each in value or []]
        else:
            changed[name] = value
    return before | changed


def _login_page(engine: Engine, params: Fields) -> Fields:
    enabled = params.get("login_page", {}).get("enabled", False)
    return {"enabled": enabled, "url": f"https://billing.stripe.com/p/login/{engine.ids.tail(14)}" if enabled else None}
