"""GET /v1/account: the account itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.sandbox.stripe.account_facts import AccountFacts
    from connector.sandbox.stripe.engine import Engine, Fields
    from connector.sandbox.stripe.store import Object


def retrieve_account(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del params, path
    facts = engine.facts
    return {
        "id": engine.ids.account_id,
        "object": "account",
        "business_profile": {
            "annual_revenue": None,
            "estimated_worker_count": None,
            "mcc": None,
            "minority_owned_business_designation": None,
            "name": facts.name,
            "product_description": None,
            "support_address": None,
            "support_email": None,
            "support_phone": None,
            "support_url": None,
            "url": None,
        },
        "business_type": "company",
        "capabilities": dict(facts.capabilities),
        "charges_enabled": facts.charges_enabled,
        "controller": {"type": "account"},
        "country": engine.country,
        "default_currency": engine.default_currency,
        "details_submitted": True,
        "email": "owner@example.com",
        "metadata": {},
        "payouts_enabled": facts.payouts_enabled,
        "requirements": {
            "alternatives": [],
            "current_deadline": None,
            "currently_due": list(facts.currently_due),
            "disabled_reason": facts.disabled_reason,
            "errors": [],
            "eventually_due": list(facts.currently_due),
            "past_due": list(facts.currently_due) if facts.disabled_reason else [],
            "pending_verification": [],
        },
        "settings": _settings(facts),
        "type": "standard",
    }


def _settings(facts: AccountFacts) -> Fields:
    schedule: Fields = {"delay_days": 2, "interval": facts.payout_interval}
    if facts.payout_interval == "weekly":
        schedule |= {"weekly_anchor": "friday", "weekly_payout_days": ["friday"]}
    if facts.payout_interval == "monthly":
        schedule |= {"monthly_anchor": 31, "monthly_payout_days": [31]}
    return {
        "bacs_debit_payments": {"display_name": None, "service_user_number": None},
        "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
        "card_issuing": {"tos_acceptance": {"date": None, "ip": None}},
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": True},
            "statement_descriptor_prefix": None,
            "statement_descriptor_prefix_kana": None,
            "statement_descriptor_prefix_kanji": None,
        },
        "dashboard": {"display_name": facts.name, "timezone": "Etc/UTC"},
        "invoices": {"default_account_tax_ids": None, "hosted_payment_method_save": "offer"},
        "payments": {
            "statement_descriptor": None,
            "statement_descriptor_kana": None,
            "statement_descriptor_kanji": None,
        },
        "payouts": {"debit_negative_balances": True, "schedule": schedule, "statement_descriptor": None},
        "sepa_debit_payments": {},
    }
