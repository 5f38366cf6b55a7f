"""The one gateway to Salesforce: simple-salesforce over our session, our tokens and our retries.

simple-salesforce is given a token and an instance, never credentials, and only its `restful` is
called; every defect listed in platform.md C is either closed here or never reached. May not know
what a kind or a mapping is.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
import requests
from simple_salesforce.api import Salesforce

from connector.core.errors import ConfigError, Problem, Refused, Unauthorised
from connector.salesforce.composite import (
    Query,
    SubReply,
    SubRequest,
    composite_content,
    composite_groups,
    group_action,
    read_composite,
)
from connector.salesforce.errors import classify, classify_transport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from connector.core.quota import Quota
    from connector.remote import Caller
    from connector.salesforce.auth import Token, TokenProvider
    from connector.salesforce.session import GatewaySession


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    body: Any
    #: the server's own clock, from the Date header
    server_now: datetime | None


class Client:
    """Thread-safe. A call raises core.errors only; `call` retries, `call_once` does not."""

    def __init__(self, *, tokens: TokenProvider, session: GatewaySession, caller: Caller, api_version: str) -> None:
        self._tokens = tokens
        self._session = session
        self._caller = caller
        self._api_version = api_version
        #: bound to one token and never changed: simple-salesforce is not thread-safe on a refresh
        self._bound: tuple[Token, Salesforce] | None = None

    @property
    def calls(self) -> int:
        return self._session.calls

    @property
    def quota(self) -> Quota | None:
        return self._session.quota

    def forget_quota(self) -> None:
        self._session.forget_quota()

    @property
    def caller(self) -> Caller:
        return self._caller

    @property
    def instance_url(self) -> str:
        """Scheme and host of the org; signs in at first use. Raises Unauthorised, Transient or ConfigError."""
        return self._tokens.current().instance_url

    @property
    def data_path(self) -> str:
        return f"/services/data/v{self._api_version}/"

    def call(self, method: str, path: str, *, action: str, write: bool = False, content: Any = None) -> Reply:
        """`call_once` with retries. A write must be repeatable: by Id, or an upsert by external id."""
        return self._caller.call(
            lambda: self.call_once(method, path, action=action, write=write, content=content), repeatable=True
        )

    def call_once(
        self,
        method: str,
        path: str,
        *,
        action: str,
        write: bool,
        content: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request below `data_path`; signs in again once when the session has expired.

        Bytes go out as they are, their type in `headers`; any other content becomes JSON.
        `headers` go out with the repeated request as well: simple-salesforce loses them, and a lost
        If-Unmodified-Since is a lost update (platform.md C, defect 2).
        """
        body = content if content is None or isinstance(content, bytes) else encode(content)
        token = self._tokens.current()
        try:
            return self._send(token, method, path, action=action, write=write, body=body, headers=headers)
        except Unauthorised as error:
            if error.code != "INVALID_SESSION_ID" and error.status != 401:
                raise
        token = self._tokens.refresh(token)
        return self._send(token, method, path, action=action, write=write, body=body, headers=headers)

    def composite(self, requests_wanted: Sequence[SubRequest]) -> list[SubReply]:
        """Reads packed into as few calls as Salesforce allows, answers in the order of the requests.

        A failed part that its `accept` does not name fails (and is retried with) its whole call.
        """
        replies: dict[int, SubReply] = {}
        for group in composite_groups(requests_wanted):
            answers = self._caller.call(
                lambda group=group: self._composite_once([requests_wanted[place] for place in group]),  # type: ignore[misc]
                repeatable=True,
            )
            replies.update(zip(group, answers, strict=True))
        return [replies[place] for place in range(len(requests_wanted))]

    def queries(self, wanted: Sequence[Query]) -> list[list[dict[str, Any]]]:
        """All rows of each query, in composite calls; further pages are fetched one by one."""
        return [rows for rows, _ in self.dated_queries(wanted)]

    def dated_queries(self, wanted: Sequence[Query]) -> list[tuple[list[dict[str, Any]], datetime | None]]:
        """`queries`, each with the server's clock when its first page was read."""
        replies = self.composite([query.request() for query in wanted])
        return [
            (self._all_rows(reply.body, query), reply.server_now) for query, reply in zip(wanted, replies, strict=True)
        ]

    def offered_versions(self) -> tuple[str, ...]:
        """The API versions of the instance; asks without a token and is not metered (platform.md A3)."""
        return tuple(entry["version"] for entry in self.read_host("/services/data", signed_in=False))

    def read_host(self, path: str, *, signed_in: bool = True) -> Any:
        """JSON from a path of the instance outside the versioned API: `/services/oauth2/userinfo`."""
        action = f"GET {path}"
        token = self._tokens.current()
        headers = {"Authorization": f"Bearer {token.access_token}"} if signed_in else {}
        try:
            response = self._session.get(token.instance_url + path, headers=headers)
            if response.status_code >= 300:
                raise classify(
                    status=response.status_code,
                    body=response.content,
                    headers=response.headers,
                    action=action,
                    write=False,
                )
            return response.json()
        except requests.RequestException as error:
            raise classify_transport(error, action=action, write=False) from None

    def explain_version(self, error: Refused) -> ConfigError | None:
        """Why the API answered 404 or 410 at its root: the configured version is not offered."""
        if error.status not in {404, 410}:
            return None
        offered = self.offered_versions()
        if self._api_version in offered or not offered:
            return None
        problem = Problem(
            where="CONNECTOR_SALESFORCE__API_VERSION",
            observed=f"the org does not offer API version {self._api_version}",
            remedy=f"set one of {offered[0]} to {offered[-1]}",
        )
        return ConfigError([problem])

    def close(self) -> None:
        self._session.close()

    def _all_rows(self, page: Any, query: Query) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = list(page["records"])
        restarted = False
        while not page["done"]:
            try:
                page = self.call("GET", self.below_data(page["nextRecordsUrl"]), action=query.action).body
            except Refused as error:
                # The cursor of a query may expire between two pages: start over, once.
                if error.code != "INVALID_QUERY_LOCATOR" or restarted:
                    raise
                restarted = True
                rows = []
                page = self.composite([query.request()])[0].body
            rows.extend(page["records"])
        return rows

    def below_data(self, url: str) -> str:
        """A next page's path as `call` takes it."""
        path = urlsplit(url).path
        assert path.startswith(self.data_path), "a next page outside the API"
        return path.removeprefix(self.data_path)

    def _composite_once(self, group: Sequence[SubRequest]) -> list[SubReply]:
        content = composite_content(group, self.data_path)
        reply = self.call_once("POST", "composite", action=group_action(group), write=False, content=content)
        return read_composite(group, reply.body, reply.server_now)

    def _send(
        self,
        token: Token,
        method: str,
        path: str,
        *,
        action: str,
        write: bool,
        body: bytes | None,
        headers: Mapping[str, str] | None,
    ) -> Reply:
        seen: list[requests.Response] = []
        options: dict[str, Any] = {"hooks": {"response": _check(action, write, seen)}}
        if body is not None:
            options["data"] = body
        if headers:
            options["headers"] = dict(headers)
        try:
            content = self._salesforce(token).restful(path, method=method, **options)
        except requests.RequestException as error:
            # Not chained: the cause carries the URL, and with it query text (platform.md C, defect 9).
            raise classify_transport(error, action=action, write=write) from None
        # `restful` answers None for an empty list.
        return Reply(body=[] if content is None else content, server_now=_server_now(seen[-1]))

    def _salesforce(self, token: Token) -> Salesforce:
        bound = self._bound
        if bound is None or bound[0] != token:
            salesforce = Salesforce(
                session_id=token.access_token,
                instance_url=token.instance_url,
                version=self._api_version,
                session=self._session,
            )
            # It insists on https (defect 6); `token.instance_url` is checked where it comes in.
            salesforce.base_url = token.instance_url + self.data_path
            # Pretty-printing inflates every reply (defect 9).
            salesforce.headers.pop("X-PrettyPrint")
            bound = (token, salesforce)
            self._bound = bound
        return bound[1]


def encode(content: Any) -> bytes:
    """JSON bytes in which a Decimal is the number it is, digit by digit, never a float."""
    return orjson.dumps(content, default=_number)


def _number(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(format(value, "f").encode())
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _check(action: str, write: bool, seen: list[requests.Response]) -> Callable[..., None]:
    """A response hook that raises our error before simple-salesforce builds one out of URL and body."""

    def check(response: requests.Response, *_: Any, **__: Any) -> None:
        seen.append(response)
        if response.status_code >= 300:
            raise classify(
                status=response.status_code,
                body=response.content,
                headers=response.headers,
                action=action,
                write=write,
            )

    return check


def _server_now(response: requests.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError):
        return None
