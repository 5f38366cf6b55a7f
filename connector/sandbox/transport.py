"""Mounts a simulated system under a `requests` session, in process, with no socket.

The client library's own code path stays untouched: it prepares a request as for the network and
gets back a complete `requests.Response`. May not know which simulated system it carries.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from http.client import responses as reason_phrases
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from connector.sandbox.http import App, Request, Response

if TYPE_CHECKING:
    from requests import PreparedRequest
    from requests import Response as SessionResponse


class InProcessAdapter(HTTPAdapter):
    """Answers every request of the URL prefixes it is mounted on from one App.

    `latency` is called before the App is asked; a test gives it a clock to move or a wait of its
    own, and it may raise a `requests` exception to play a lost connection.
    """

    def __init__(self, app: App, *, latency: Callable[[Request], None] | None = None) -> None:
        super().__init__()
        self._app = app
        self._latency = latency

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> SessionResponse:
        """The App's answer as a `requests.Response`; the socket settings have nothing to act on."""
        del timeout, verify, cert, proxies
        sent = request_from_prepared(request)
        if self._latency is not None:
            self._latency(sent)
        response = self.build_response(request, _raw_response(self._app.handle(sent)))
        if not stream:
            _ = response.content
        return response

    def close(self) -> None:
        """Nothing is held open."""


def request_from_prepared(request: PreparedRequest) -> Request:
    """The App's view of a prepared request: path still percent-encoded, header names in lower case."""
    assert request.url is not None
    assert request.method is not None
    parts = urlsplit(request.url)
    return Request(
        method=request.method.upper(),
        path=parts.path or "/",
        query=parts.query,
        # The socket layer would name the host; an App builds its own addresses from it.
        headers={"host": parts.netloc} | {name.lower(): _text(value) for name, value in request.headers.items()},
        body=_body_bytes(request.body),
    )


def _body_bytes(body: object) -> bytes:
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    read = getattr(body, "read", None)
    if read is not None:
        return _body_bytes(read())
    assert isinstance(body, Iterable)
    return b"".join(body)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _raw_response(response: Response) -> HTTPResponse:
    return HTTPResponse(
        body=io.BytesIO(response.body),
        headers=dict(response.headers),
        status=response.status,
        reason=reason_phrases.get(response.status),
        preload_content=False,
    )
