"""Whole answers, each made once: who answers hundreds a second only sends them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from connector.web.headers import STRICT

if TYPE_CHECKING:
    from starlette.types import Message, Send


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """As ASGI wants it: what comes before the body, and the body. Nobody changes either."""

    start: Message
    body: Message

    async def send(self, send: Send) -> None:
        await send(self.start)
        await send(self.body)


@cache
def answer(status: int, text: str, *, retry_after_s: int | None = None) -> Answer:
    """A line of text under the headers every answer carries."""
    body = text.encode()
    headers = {"Content-Length": str(len(body)), "Content-Type": "text/plain; charset=utf-8", **STRICT}
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = "POST"
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    start: dict[str, Any] = {
        "type": "http.response.start",
        "status": status,
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
    }
    return Answer(start=start, body={"type": "http.response.body", "body": body})
