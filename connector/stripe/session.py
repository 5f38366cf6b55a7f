"""The HTTP session under the SDK, and the tap that takes a reply's bytes before the SDK parses them.

The SDK's object layer is 90 % of the cost of a read (performance.md 1a). The tap keeps the body of
every successful reply and hands the SDK an empty object instead; authentication, headers, timeouts
and error classes stay the SDK's. A contract test holds that this keeps working over SDK upgrades.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

import requests
import stripe
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.remote import Ear

#: What the SDK gets to parse instead of a successful body.
_EMPTY = b"{}"


class LeanSession(requests.Session):
    """A session for one API: a request is sent as the SDK gives it.

    What `requests` does around each call costs more than the call itself and must not happen here:
    cookies, redirects (following one would turn a write into a read), a search of the environment
    for proxies, a `.netrc` entry that would replace our credentials. The adapters below it, and so
    pools, certificates, proxies and timeouts, are the library's.
    """

    #: told of each exchange
    ear: Ear | None = None

    def request(  # type: ignore[override]  # the part of the signature that the SDK uses
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: str | bytes | None = None,
        timeout: Any = None,
        verify: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Raises requests' own exceptions, which the SDK translates."""
        prepared = requests.PreparedRequest()
        prepared.method = method.upper()
        prepared.url = url
        prepared.headers = CaseInsensitiveDict(cast("Mapping[str, str]", {**self.headers, **(headers or {})}))
        prepared.hooks = {}
        prepared.body = (data.encode() if isinstance(data, str) else data) or None
        if prepared.method != "GET":
            prepared.headers["Content-Length"] = str(len(prepared.body or b""))
        ear = self.ear
        began_s = 0.0 if ear is None else ear.now_s()
        try:
            response = self.get_adapter(url).send(
                prepared, timeout=timeout, verify=verify, proxies=dict(proxies or self.proxies)
            )
            # read now, so that a connection lost in the middle of the body is this call's error
            _ = response.content
        except requests.RequestException as error:
            if ear is not None:
                ear.failed(began_s, error)
            raise
        if ear is not None:
            ear.answered(began_s, response.status_code, response.headers.get("request-id"))
        if response.is_redirect:
            raise requests.TooManyRedirects(f"{method.upper()} was answered with a redirect", response=response)
        return response


def build_session(
    *, api_base: str, connections: int, carrier: requests.Session | None = None, ear: Ear | None = None
) -> LeanSession:
    """One session for all threads of a client, with a pool for `connections` at the same time.

    Environment proxies are read once, here. `carrier` gives its adapters instead: a mounted sandbox.
    """
    session = LeanSession()
    session.ear = ear
    session.trust_env = False
    if carrier is not None:
        session.adapters = carrier.adapters
        return session
    session.proxies = {name: url for name, url in get_environ_proxies(api_base).items() if url}
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=connections, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


class Tap(stripe.RequestsClient):
    """The SDK's own transport; each thread may `take` the body of its last successful reply, once."""

    def __init__(self, *, timeout_s: tuple[float, float], session: requests.Session) -> None:
        super().__init__(timeout=timeout_s, session=session)
        self._kept = threading.local()

    def request(  # type: ignore[override]  # the signature of RequestsClient; the SDK's own override differs as well
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
    ) -> tuple[bytes, int, Mapping[str, str]]:
        self._kept.body = None
        body, status, reply_headers = super().request(method, url, headers, post_data)
        if 200 <= status < 300:
            self._kept.body = body
            body = _EMPTY
        return body, status, reply_headers

    def take(self) -> bytes:
        """The bytes of this thread's last reply. AssertionError when the SDK did not go through the tap."""
        body: bytes | None = getattr(self._kept, "body", None)
        self._kept.body = None
        assert body is not None, "the stripe SDK answered without its http_client.request: the tap is bypassed"
        return body
