"""The first question to an org: does it answer these credentials, and who is it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.core.errors import ConnectorError, Refused, RemoteError, UsageError
from connector.core.verify.evidence import Unreadable
from connector.core.verify.sides import SideCard
from connector.salesforce import soql
from connector.salesforce.composite import Query

if TYPE_CHECKING:
    from connector.salesforce.client import Client

_ORGANIZATION = Query(text="SELECT Id,Name,IsSandbox FROM Organization LIMIT 1", action="verify: sign in")
_SOURCE = "signing in"


def greet(client: Client, *, api_version: str) -> SideCard | Unreadable:
    """Who answers; Unreadable, with what to correct, where nobody does. Raises nothing for an answer of the org."""
    try:
        address = client.instance_url
        row = _organization(client)
    except UsageError as error:
        problem = error.problems[0]
        return Unreadable(source=_SOURCE, reason=f"{problem.where} {problem.observed}", fix=problem.remedy)
    except ConnectorError as error:
        return Unreadable(source=_SOURCE, reason=str(error))
    return SideCard(
        id=soql.record_id(row["Id"]) if row else None,
        name=row.get("Name", ""),
        is_live=not row.get("IsSandbox", False),
        address=address,
        api_version=api_version,
        user=_user(client),
    )


def _organization(client: Client) -> dict[str, Any]:
    try:
        body = client.call("GET", _ORGANIZATION.request().path, action=_ORGANIZATION.action).body
    except Refused:
        # It answered: the checks say what is wrong, one by one.
        return {}
    return dict(body["records"][0]) if body["records"] else {}


def _user(client: Client) -> str | None:
    try:
        answer = client.read_host("/services/oauth2/userinfo")
    except RemoteError:
        # The token's scope may not include it.
        return None
    name = answer.get("preferred_username") if isinstance(answer, dict) else None
    return name if isinstance(name, str) else None
