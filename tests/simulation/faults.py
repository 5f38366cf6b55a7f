"""What can go wrong on the way to a system and back: one function per fault, by name.

A fault gets the request and a way to have it answered, and answers in its place or raises what
`requests` raises. It may not know what the program does with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import orjson
import requests
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import MaxRetryError, NewConnectionError

from connector.core.model import Side
from connector.sandbox.http import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: answers a request as the system itself would
Answer = "Callable[[Request], Response]"
#: requests refused in a row once the day's calls are used up
QUOTA_RUN: Final = 12

_JSON: Final = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`play(request, answer)` stands for the whole exchange."""

    play: Callable[[Request, Callable[[Request], Response]], Response]
    #: whether this request can meet it
    meets: Callable[[Request], bool]
    sides: frozenset[Side] = frozenset(Side)
    #: how many requests in a row
    run: int = 1


def applied(response: Response) -> bool:
    return response.status < 300


def is_write(request: Request) -> bool:
    """A query in a composite call is no write, although it is posted."""
    if request.method == "GET":
        return False
    return not request.path.endswith(("/composite", "/composite/batch", "/oauth2/token"))


def is_sign_in(request: Request) -> bool:
    """Calls the program makes while it holds a lock: no other task may come in between."""
    return request.path in ("/services/oauth2/token", "/v1/account")


# -- connections --------------------------------------------------------------------------------------------------


def _refused(request: Request, answer: Callable[[Request], Response]) -> Response:
    del answer
    reason = NewConnectionError(HTTPConnectionPool("simulated"), "connection refused")
    raise requests.ConnectionError(MaxRetryError(HTTPConnectionPool("simulated"), request.path, reason))


def _reset_before(request: Request, answer: Callable[[Request], Response]) -> Response:
    del request, answer
    raise requests.ConnectionError("connection reset by peer")


def _reset_after(request: Request, answer: Callable[[Request], Response]) -> Response:
    answer(request)
    raise requests.ConnectionError("connection reset by peer")


def _timeout_before(request: Request, answer: Callable[[Request], Response]) -> Response:
    del request, answer
    raise requests.ReadTimeout("no byte for 30 s")


def _timeout_after(request: Request, answer: Callable[[Request], Response]) -> Response:
    answer(request)
    raise requests.ReadTimeout("no byte for 30 s")


def _truncated(request: Request, answer: Callable[[Request], Response]) -> Response:
    reply = answer(request)
    return replace(reply, body=reply.body[: len(reply.body) // 2])


def _html_before(request: Request, answer: Callable[[Request], Response]) -> Response:
    del request, answer
    return Response(status=502, headers={"Content-Type": "text/html"}, body=b"<html><h1>502 Bad Gateway</h1></html>")


def _html_after(request: Request, answer: Callable[[Request], Response]) -> Response:
    answer(request)
    return _html_before(request, answer)


# -- answers of the systems ---------------------------------------------------------------------------------------


def _server_error(request: Request, answer: Callable[[Request], Response]) -> Response:
    del answer
    if _is_stripe(request):
        return _stripe_error(500, {"type": "api_error", "message": "An unknown error occurred."})
    return _salesforce_error(503, "SERVER_UNAVAILABLE", "Server Unavailable")


def _salesforce_error_after(request: Request, answer: Callable[[Request], Response]) -> Response:
    answer(request)
    return _salesforce_error(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred.")


def _throttled(request: Request, answer: Callable[[Request], Response]) -> Response:
    del answer
    if _is_stripe(request):
        return _stripe_error(
            429, {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests."}
        )
    return _salesforce_error(429, "TOO_MANY_APEX_REQUESTS", "Too many requests.")


def _throttled_with_headers(request: Request, answer: Callable[[Request], Response]) -> Response:
    reply = _throttled(request, answer)
    return replace(reply, headers={**reply.headers, "Retry-After": "2", "Stripe-Should-Retry": "true"})


def _lock_timeout(request: Request, answer: Callable[[Request], Response]) -> Response:
    del request, answer
    body = {
        "type": "invalid_request_error",
        "code": "lock_timeout",
        "message": "This object cannot be accessed right now.",
    }
    return _stripe_error(429, body)


def _quota(request: Request, answer: Callable[[Request], Response]) -> Response:
    del request, answer
    return _salesforce_error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")


def _row_lock(request: Request, answer: Callable[[Request], Response]) -> Response:
    """The first row of a collection is locked by somebody; its neighbours are written."""
    content = orjson.loads(request.body)
    locked, *others = content["records"]
    del locked
    results: list[Any] = []
    if others:
        reply = answer(replace(request, body=orjson.dumps({**content, "records": others})))
        if not applied(reply):
            return reply
        results = orjson.loads(reply.body)
    error = {
        "statusCode": "UNABLE_TO_LOCK_ROW",
        "message": "unable to obtain exclusive access to this record",
        "fields": [],
    }
    body = orjson.dumps([{"success": False, "errors": [error]}, *results])
    return Response(status=200, headers=_JSON, body=body)


def _is_stripe(request: Request) -> bool:
    return request.path.startswith("/v1/")


def _stripe_error(status: int, body: Mapping[str, Any]) -> Response:
    return Response(status=status, headers={**_JSON, "Request-Id": "req_fault"}, body=orjson.dumps({"error": body}))


def _salesforce_error(status: int, code: str, message: str) -> Response:
    return Response(status=status, headers=_JSON, body=orjson.dumps([{"errorCode": code, "message": message}]))


def _any(_request: Request) -> bool:
    return True


def _is_collection(request: Request) -> bool:
    return request.method == "PATCH" and "/composite/sobjects" in request.path


_STRIPE, _SALESFORCE = frozenset({Side.STRIPE}), frozenset({Side.SALESFORCE})

#: every fault that the way itself can play; those of the systems (`OF_SYSTEMS`) need their hands
FAULTS: Final[dict[str, Fault]] = {
    "connection refused": Fault(play=_refused, meets=_any),
    "reset before apply": Fault(play=_reset_before, meets=is_write),
    "reset after apply": Fault(play=_reset_after, meets=is_write),
    "reset of a read": Fault(play=_reset_before, meets=lambda request: not is_write(request)),
    "timeout before apply": Fault(play=_timeout_before, meets=is_write),
    "timeout after apply": Fault(play=_timeout_after, meets=is_write),
    "5xx before apply": Fault(play=_server_error, meets=_any),
    "5xx after apply in salesforce": Fault(play=_salesforce_error_after, meets=is_write, sides=_SALESFORCE),
    "truncated json": Fault(play=_truncated, meets=_any),
    "html 502 before apply": Fault(play=_html_before, meets=_any),
    "html 502 after apply": Fault(play=_html_after, meets=is_write),
    "429 without headers": Fault(play=_throttled, meets=_any),
    "429 with headers": Fault(play=_throttled_with_headers, meets=_any),
    "lock timeout": Fault(play=_lock_timeout, meets=is_write, sides=_STRIPE),
    "row lock": Fault(play=_row_lock, meets=_is_collection, sides=_SALESFORCE),
    "quota exhausted": Fault(play=_quota, meets=_any, sides=_SALESFORCE, run=QUOTA_RUN),
}

#: faults the simulated systems play themselves, when the way says so
SAVED_500: Final = "saved 500"
TOKEN_EXPIRY: Final = "token expired"
CURSOR_EXPIRY: Final = "query cursor expired"
STALE_READ: Final = "stale read"
OF_SYSTEMS: Final[dict[str, tuple[frozenset[Side], Callable[[Request], bool]]]] = {
    SAVED_500: (_STRIPE, lambda request: request.method == "POST"),
    TOKEN_EXPIRY: (_SALESFORCE, _any),
    CURSOR_EXPIRY: (_SALESFORCE, _any),
    STALE_READ: (_STRIPE, lambda request: request.method == "GET"),
}
ALL: Final = (*FAULTS, *OF_SYSTEMS)


def saved_500(_request: Request, response: Response) -> Response | None:
    """What Stripe saves under the key although the request took effect."""
    del response
    return _stripe_error(500, {"type": "api_error", "message": "An unknown error occurred."})
