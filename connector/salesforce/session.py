"""The HTTP session under simple-salesforce: time-outs, our name, the quota header, Decimal JSON.

simple-salesforce sets none of these (platform.md C, defects 4, 5, 8, 9); it takes any `requests`
session, so they live here. May not know objects, queries or tokens.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import requests
from requests.adapters import HTTPAdapter

from connector.core.quota import Quota

if TYPE_CHECKING:
    from connector.remote import Ear
    from connector.salesforce.options import SalesforceOptions

TOKEN_PATH: Final = "/services/oauth2/token"  # noqa: S105 - a path
CLIENT_NAME: Final = "connector"
_USAGE: Final = re.compile(r"(?:^|[;,\s])api-usage=(\d+)/(\d+)")


class DecimalResponse(requests.Response):
    """A response whose JSON holds Decimal for every number that is not whole: no float, anywhere.

    orjson would parse a third faster but knows floats only.
    """

    def json(self, **_: Any) -> Any:
        """Ignores the parser options simple-salesforce passes; raises requests.JSONDecodeError."""
        try:
            return json.loads(self.content, parse_float=Decimal, parse_constant=_refuse_constant)
        except json.JSONDecodeError as error:
            raise requests.JSONDecodeError(error.msg, error.doc, error.pos) from error
        except ValueError as error:
            raise requests.JSONDecodeError(str(error), "", 0) from error


class GatewaySession(requests.Session):
    """Counts every request it sends and remembers the newest quota header, of errors as well.

    `carrier` gives away its adapters, certificates, proxies and whether the environment names more: a test mounts the sandbox in it.
    """

    def __init__(
        self, options: SalesforceOptions, *, carrier: requests.Session | None = None, ear: Ear | None = None
    ) -> None:
        super().__init__()
        self._ear = ear
        self._timeout_s = (options.connect_timeout_s, options.timeout_s)
        self._lock = Lock()
        self._calls = 0
        self._quota: Quota | None = None
        self.headers["User-Agent"] = options.user_agent
        self.headers["Sforce-Call-Options"] = f"client={CLIENT_NAME}"
        # Without an `auth` of its own, requests would put a .netrc entry over our Authorization header.
        self.auth = _keep_headers
        if carrier is None:
            for scheme in ("https://", "http://"):
                self.mount(scheme, HTTPAdapter(pool_maxsize=options.pool_size))
        else:
            self.adapters = carrier.adapters
            self.verify, self.cert, self.proxies = carrier.verify, carrier.cert, carrier.proxies
            self.trust_env = carrier.trust_env

    @property
    def calls(self) -> int:
        """Requests sent so far; sign-ins are not, as Salesforce does not meter them either."""
        return self._calls

    @property
    def quota(self) -> Quota | None:
        """The org's API calls of the rolling day, from `Sforce-Limit-Info` (platform.md B "Limits")."""
        return self._quota

    def forget_quota(self) -> None:
        self._quota = None

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        # A redirect would carry the token elsewhere (invariants.md C1, 15.3.2); it ends as an error.
        kwargs["allow_redirects"] = False
        kwargs.setdefault("timeout", self._timeout_s)
        return super().request(method, url, *args, **kwargs)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        if not str(request.url).endswith(TOKEN_PATH):
            with self._lock:
                self._calls += 1
        began_s = 0.0 if self._ear is None else self._ear.now_s()
        # The hooks of a request run inside `send`; theirs must see the quota and the class already.
        hooks = request.hooks.get("response", [])
        request.hooks = {"response": [partial(self._note, began_s), *hooks]}
        try:
            return super().send(request, **kwargs)
        except requests.RequestException as error:
            if self._ear is not None:
                self._ear.failed(began_s, error)
            raise

    def _note(self, began_s: float, response: requests.Response, *_args: Any, **_options: Any) -> None:
        response.__class__ = DecimalResponse
        # read now, so that a connection lost in the middle of the body is told as that, and once
        _ = response.content
        if self._ear is not None:
            self._ear.answered(began_s, response.status_code, response.headers.get("X-SFDC-Request-Id"))
        quota = parse_quota(response.headers.get("Sforce-Limit-Info", ""))
        if quota is not None:
            self._quota = quota


def parse_quota(header: str) -> Quota | None:
    """The org-wide figure of `api-usage=18/5000; per-app-api-usage=17/250(appName=x)`."""
    found = _USAGE.search(header)
    return None if found is None else Quota(used=int(found[1]), total=int(found[2]))


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")
