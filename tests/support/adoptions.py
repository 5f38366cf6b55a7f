"""An adoption and its entries, with what a test does not care about filled in."""

from __future__ import annotations

from connector.core.adoption import Adoption, Choice, Entry, Found


def entry(salesforce="1", stripe="cus_1", **fields):
    settings = {
        "kind": "customer",
        "salesforce": salesforce,
        "stripe": stripe,
        "salesforce_label": "Acme",
        "stripe_label": "Acme",
        "found": Found.SUGGESTION,
        "choice": Choice.UNDECIDED,
        "reasons": ("same name",),
        "doubts": ("alike",),
        "score": 50,
        "amount_minor": None,
        "currency": None,
        "digest": "d",
    }
    return Entry(**(settings | fields))


def adoption(*entries, **fields):
    settings = {"org_id": "00D", "account_id": "acct", "pack_digest": "p", "created_at": "now", "alone": ()}
    return Adoption(entries=entries, **(settings | fields))
