"""What both simulated systems speak: one request in, one response out.

A simulated system is an `App`. The same App is served over sockets (`server.py`) and mounted in
process under a `requests` session (`transport.py`), so a test and a real run take one code path.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    #: upper-case HTTP method
    method: str
    #: percent-encoded path as sent, without the query string
    path: str
    #: raw query string without the question mark
    query: str = ""
    #: header names in lower case
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class App(Protocol):
    def handle(self, request: Request) -> Response:
        """Answers one request; thread-safe; never raises for anything a client can send."""
        ...
