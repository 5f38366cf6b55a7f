"""Who answered on each side: the first thing a person compares before believing a report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SideCard:
    #: Salesforce: 18-character org id; Stripe: acct_..., None where the key may not read it
    id: str | None
    name: str
    #: Salesforce: production org; Stripe: live mode
    is_live: bool
    #: address without a path: `https://acme.my.salesforce.com`
    address: str
    api_version: str
    #: the user who signed in; Salesforce only
    user: str | None = None
