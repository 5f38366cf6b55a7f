"""Several reads in one call: what goes into `POST composite` and what comes out of it.

Pure; `client.py` sends it. Only reads travel this way: a write in a composite would make a failure
of the whole call ambiguous for all its parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from connector.core.errors import Transient
from connector.core.model import Side
from connector.salesforce.errors import classify
from connector.salesforce.soql import chunks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

#: limits of one composite call (platform.md B "Composite")
REQUESTS_MAX: Final = 25
QUERIES_MAX: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SubRequest:
    #: path below /services/data/vXX.X/
    path: str
    #: what it is for, in messages: `poll blng__Invoice__c`
    action: str
    is_query: bool = False
    #: statuses that are answers rather than failures: 404 when asking whether an object exists
    accept: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubReply:
    status: int
    body: Any
    #: the server's clock when it answered the whole call
    server_now: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    text: str
    action: str
    #: rows of the recycle bin as well (IsDeleted = true)
    deleted_too: bool = False
    #: 400 to learn from a query whether its fields exist
    accept: frozenset[int] = frozenset()

    def request(self) -> SubRequest:
        resource = "queryAll" if self.deleted_too else "query"
        path = f"{resource}?q={quote(self.text, safe='')}"
        return SubRequest(path=path, action=self.action, is_query=True, accept=self.accept)


def composite_groups(wanted: Sequence[SubRequest]) -> list[list[int]]:
    """Places of the requests by call: at most 5 queries and 25 requests each, other requests beside them."""
    queries = [place for place, request in enumerate(wanted) if request.is_query]
    groups = [list(group) for group in chunks(queries, QUERIES_MAX)]
    for place, request in enumerate(wanted):
        if request.is_query:
            continue
        room = next((group for group in groups if len(group) < REQUESTS_MAX), None)
        if room is None:
            room = []
            groups.append(room)
        room.append(place)
    return groups


def composite_content(group: Sequence[SubRequest], data_path: str) -> dict[str, Any]:
    return {
        "allOrNone": False,
        "compositeRequest": [
            {"method": "GET", "url": data_path + request.path, "referenceId": f"r{place}"}
            for place, request in enumerate(group)
        ],
    }


def read_composite(group: Sequence[SubRequest], body: Any, server_now: datetime | None) -> list[SubReply]:
    """The parts' answers; raises the first failure that its request does not accept."""
    parts = body.get("compositeResponse") if isinstance(body, dict) else None
    if not isinstance(parts, list) or len(parts) != len(group):
        message = "the reply does not fit the request"
        raise Transient(message, side=Side.SALESFORCE, action=group_action(group))
    answers: list[SubReply] = []
    for request, answer in zip(group, parts, strict=True):
        status = int(answer["httpStatusCode"])
        if status >= 300 and status not in request.accept:
            headers = answer.get("httpHeaders") or {}
            raise classify(status=status, body=answer["body"], headers=headers, action=request.action, write=False)
        answers.append(SubReply(status=status, body=answer["body"], server_now=server_now))
    return answers


def group_action(group: Sequence[SubRequest]) -> str:
    """The name of the whole call in messages."""
    return group[0].action if len(group) == 1 else f"{group[0].action} and {len(group) - 1} more"
