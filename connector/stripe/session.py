"""The HTTP session under the SDK, and the tap that takes a reply's bytes before the SDK parses them.

The SDK's object layer is 90 % of the cost of a read (performance.md 1a). The tap keeps the body of
every successful reply and hands the SDK an empty object instead; authentication, headers, timeouts
and error classes stay the SDK's. A contract test holds that this keeps working over SDK upgrades.
"""

from __future__ import annotations

import threading
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

import requests
import stripe
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What the SDK gets to parse instead of a successful body.
_EMPTY = b"{}"


def build_session(*, api_base: str, connections: int) -> requests.Session:
    """One session for all threads of a client, with a pool for `connections` at the same time.

    Environment proxies are read once, here. Afterwards the environment is ignored: with it, every
    request would search it again, and a `.netrc` entry for the host would replace our credentials.
    A redirect is an error: following one would turn a write into a read.
    """
    session = requests.Session()
    session.proxies = {name: url for name, url in get_environ_proxies(api_base).items() if url}
    session.trust_env = False
    session.max_redirects = 0
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
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
