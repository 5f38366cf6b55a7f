"""The org's HTTP face: tokens, versions, limits and headers around the REST resources."""

from __future__ import annotations

from collections import Counter, deque
from datetime import timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from connector.sandbox.http import Request, Response
from connector.sandbox.salesforce.errors import ApiError, not_found
from connector.sandbox.salesforce.rest.context import Call, Context
from connector.sandbox.salesforce.rest.cursors import Cursors
from connector.sandbox.salesforce.rest.deployments import Deployments
from connector.sandbox.salesforce.rest.router import dispatch, resource_name
from connector.sandbox.salesforce.rest.wire import Reply, dump

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from connector.sandbox.clock import Clock
    from connector.sandbox.salesforce.access import Access
    from connector.sandbox.salesforce.customizing import Customizing
    from connector.sandbox.salesforce.database import Database
    from connector.sandbox.salesforce.engine import Actor, Engine
    from connector.sandbox.salesforce.oauth import OAuth

_FIRST_VERSION = 7
_MAX_URI_BYTES = 16_384


class Gateway:
    def __init__(  # noqa: PLR0913 - the parts of the org it is put in front of
        self,
        *,
        clock: Clock,
        engine: Engine,
        database: Database,
        oauth: OAuth,
        access: Access,
        customizing: Customizing,
        user_id: str,
        org_id: str,
        api_versions: Sequence[str],
        daily_api_limit: int,
    ) -> None:
        self._clock = clock
        self._engine = engine
        self._database = database
        self._oauth = oauth
        self._org_id = org_id
        self._api_versions = tuple(api_versions)
        self._api_limit = daily_api_limit
        self._api_calls: deque[datetime] = deque()
        self._access = access
        #: the user behind every token
        self._user_id = user_id
        self._retired = {f"v{number}.0" for number in range(_FIRST_VERSION, int(float(min(api_versions, key=float))))}
        self.cursors = Cursors(org_id[6:9])
        self._deployments = Deployments(customizing=customizing, pod=org_id[3:6])
        self.requests: Counter[str] = Counter()
        self.max_page_size = 2000

    @property
    def actor(self) -> Actor:
        """The user behind every token, with what they see now."""
        return self._access.actor(self._user_id)

    def handle(self, request: Request) -> Response:
        """Answers one request. Not thread-safe: the org holds the lock."""
        if len(request.path) + len(request.query) + 1 > _MAX_URI_BYTES:
            return Response(
                status=414, headers={"Content-Type": "text/html"}, body=b"<html><body>URI Too Long</body></html>"
            )
        try:
            reply, limited = self._answer(request)
        except ApiError as error:
            reply, limited = Reply(status=error.status, body=error.as_body()), True
        return self.respond(reply, limited=limited)

    def _answer(self, request: Request) -> tuple[Reply, bool]:
        segments = tuple(segment for segment in request.path.split("/") if segment)
        if segments == ("services", "oauth2", "token"):
            self.requests["oauth"] += 1
            return self._token(request), False
        if segments[:2] == ("services", "data") and len(segments) == 2:
            self.requests["versions"] += 1
            return Reply(body=_versions(self._api_versions)), False
        if not self._oauth.is_valid(request.headers.get("authorization")):
            self.requests["unauthorized"] += 1
            if segments == ("services", "oauth2", "userinfo"):
                return Reply(status=403, body="Bad_OAuth_Token"), False
            raise ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if segments == ("services", "oauth2", "userinfo"):
            self.requests["oauth"] += 1
            return self._user_info(request), False
        if segments[:2] != ("services", "data"):
            raise not_found()
        self._count_api_call(segments[3:])
        return self._data(request, segments), True

    def _data(self, request: Request, segments: tuple[str, ...]) -> Reply:
        version = segments[2]
        if version in self._retired:
            # The status is documented; the code of the body is not, and may differ in a real org.
            raise ApiError(410, "GONE", "The requested API version is retired. Please upgrade to a supported version.")
        if version.removeprefix("v") not in self._api_versions or not version.startswith("v"):
            raise not_found()
        context = Context(
            version=version,
            engine=self._engine,
            database=self._database,
            actor=self.actor,
            access=self._access,
            cursors=self.cursors,
            deployments=self._deployments,
            now=self._clock.now(),
            max_page_size=self.max_page_size,
            api_used=len(self._api_calls),
            api_limit=self._api_limit,
        )
        call = Call(
            method=request.method,
            segments=segments[3:],
            parameters=dict(parse_qsl(request.query, keep_blank_values=True)),
            headers=request.headers,
            body=request.body,
        )
        savepoint = self._engine.savepoint()
        try:
            reply = dispatch(context, call)
        except ApiError:
            self._engine.roll_back(savepoint)
            raise
        finally:
            self._engine.commit()
        return reply

    def _count_api_call(self, segments: tuple[str, ...]) -> None:
        """Counts against the rolling 24 hours; raises REQUEST_LIMIT_EXCEEDED (platform.md B, "Limits")."""
        self.requests[resource_name(segments)] += 1
        now = self._clock.now()
        while self._api_calls and self._api_calls[0] <= now - timedelta(hours=24):
            self._api_calls.popleft()
        if len(self._api_calls) >= self._api_limit:
            raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        self._api_calls.append(now)

    def _token(self, request: Request) -> Reply:
        if request.method != "POST":
            return Reply(status=400, body={"error": "invalid_request", "error_description": "must use HTTP POST"})
        host = request.headers.get("host", "")
        return self._oauth.token(
            request.body, request.headers, host=host, instance_url=_instance_url(request), now=self._clock.now()
        )

    def _user_info(self, request: Request) -> Reply:
        user_id, url = self._user_id, _instance_url(request)
        user = self._database.tables["User"].rows[user_id]
        return Reply(
            body={
                "sub": f"{url}/id/{self._org_id}/{user_id}",
                "user_id": user_id,
                "organization_id": self._org_id,
                "preferred_username": user["Username"],
                "nickname": user["CommunityNickname"],
                "name": self._database.value("User", user, "Name"),
                "email": user["Email"],
                "active": user.get("IsActive", False),
                "user_type": "STANDARD",
                "language": user["LanguageLocaleKey"],
                "locale": user["LocaleSidKey"],
                "zoneinfo": user["TimeZoneSidKey"],
            }
        )

    def respond(self, reply: Reply, *, limited: bool) -> Response:
        headers = {"Date": format_datetime(self._clock.now(), usegmt=True), **reply.headers}
        if limited:
            headers["Sforce-Limit-Info"] = f"api-usage={len(self._api_calls)}/{self._api_limit}"
        if reply.body is None:
            return Response(status=reply.status, headers=headers)
        headers["Content-Type"] = "application/json;charset=UTF-8"
        return Response(status=reply.status, headers=headers, body=dump(reply.body))


def _versions(numbers: Sequence[str]) -> list[dict[str, str]]:
    seasons = ("Winter", "Spring", "Summer")
    listed = []
    for number in numbers:
        # v67 is Summer '26 and there are three releases a year (platform.md B, "Versions").
        releases = int(number.split(".")[0]) - 65
        year = 26 + releases // 3
        listed.append(
            {"label": f"{seasons[releases % 3]} '{year}", "url": f"/services/data/v{number}", "version": number}
        )
    return listed


def _instance_url(request: Request) -> str:
    """Where the client reached the org. Loopback is plain http; any other name stands for the real thing."""
    host = request.headers.get("host", "northwind--sandbox.sandbox.my.salesforce.com")
    loopback = host.split(":")[0] in {"127.0.0.1", "localhost", "[::1]"}
    return f"{'http' if loopback else 'https'}://{host}"
