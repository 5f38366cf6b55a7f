"""The first question to an account: does it answer this key, and who is it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.core.errors import Refused, RemoteError, Unauthorised
from connector.core.verify.evidence import Unreadable
from connector.core.verify.sides import SideCard
from connector.stripe.client import Call

if TYPE_CHECKING:
    from connector.stripe.client import Client, StripeOptions


def greet(client: Client, options: StripeOptions) -> SideCard | Unreadable:
    """Who answers; Unreadable where nobody does. Raises nothing for an answer of Stripe."""
    account: dict[str, Any] = {}
    try:
        account = client.send(Call(method="get", template="/v1/account")).body
    except (Refused, Unauthorised):
        # It answered: a restricted key may lack this one right, and STR-KEY says what an unknown key means.
        pass
    except RemoteError as error:
        return Unreadable(source="GET /v1/account", reason=str(error))
    return SideCard(
        id=account.get("id"),
        name=_name(account),
        is_live=client.key.livemode,
        address=options.api_base.rstrip("/"),
        api_version=options.api_version,
    )


def _name(account: dict[str, Any]) -> str:
    for group, key in (("settings", "dashboard"), ("business_profile", "name")):
        found = (account.get(group) or {}).get(key)
        name = found.get("display_name") if isinstance(found, dict) else found
        if isinstance(name, str) and name:
            return name
    return ""
