"""The address the world may reach: webhooks, and a sign of life. No cookies, no redirects, no pages.

Webhooks are answered in front of the framework: its routing, its request and its layers of error handling
cost as much again as all that is done for one, and they come by the hundred a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from connector.web.answers import answer
from connector.web.headers import StrictHeaders

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from connector.web.receiver import Receiver

WEBHOOKS: Final = "/webhooks/stripe"


def public_app(receiver: Callable[[], Receiver | None] | None) -> ASGIApp:
    """Without `receiver` (no signing secret is set) webhooks are answered 404, like any other path; while it gives
    None (the account is not known yet), 503, so that Stripe sends them again.
    """
    rest = Starlette(routes=[Route("/livez", _alive)], middleware=[Middleware(StrictHeaders)])
    rest.router.redirect_slashes = False
    if receiver is None:
        return rest

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != WEBHOOKS:
            await rest(scope, receive, send)
        elif scope["method"] != "POST":
            await answer(405, "Method Not Allowed").send(send)
        elif (ready := receiver()) is None:
            await answer(503, "try again", retry_after_s=30).send(send)
        elif (told := await ready.receive(scope["headers"], receive)) is not None:
            await told.send(send)

    return app


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("alive")
