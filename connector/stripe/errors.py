"""The one place where Stripe's errors become ours.

Facts: platform.md C1, C2, C10 and "Errors" under the SDK. Nothing else in this program looks at
Stripe's status codes, headers or message text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests
import stripe
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from connector.core.errors import (
    Ambiguous,
    Refused,
    RemoteError,
    Throttled,
    Transient,
    Unauthorised,
    Unreachable,
)
from connector.core.model import FailureClass, Side
from connector.stripe.auth import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The saved answer to a key was a server error: sending the same key again gives the same again.
REPLAYED_ERROR = "replayed_error"
#: Another request with our key is still running, so the write may yet happen.
KEY_IN_USE = "idempotency_key_in_use"
#: Same key, other parameters: a bug of ours or a changed mapping, never a matter of waiting.
IDEMPOTENCY_ERROR = "idempotency_error"

#: Another request writes to the same object.
LOCK_TIMEOUT = "lock_timeout"

_THROTTLE_CODES = frozenset({LOCK_TIMEOUT, "rate_limit"})
_MESSAGE_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed attempt: the error, and whether Stripe lets us repeat the very same request now."""

    error: RemoteError
    again: bool


def classify(error: stripe.StripeError, *, action: str, is_write: bool) -> Failure:
    """What one failed attempt means. Pure."""
    headers = _headers_of(error)
    should_retry = headers.get("stripe-should-retry")
    status = error.http_status
    code = _code_of(error)
    if status is None:
        return _classify_connection(error, action=action, is_write=is_write)

    def build(kind: type[RemoteError], new_code: str | None = code) -> RemoteError:
        return _build(kind, error, action=action, code=new_code)

    if status >= 500:
        if is_write and _is_replay(headers):
            return Failure(error=build(Ambiguous, REPLAYED_ERROR), again=False)
        return Failure(error=build(Ambiguous if is_write else Transient), again=should_retry != "false")
    if status == 401:
        return Failure(error=build(Unauthorised), again=False)
    if status == 429 or code in _THROTTLE_CODES:
        throttled = build(Throttled, code or headers.get("stripe-rate-limited-reason") or "rate_limit")
        return Failure(error=_throttled(throttled, headers), again=should_retry != "false")
    if isinstance(error, stripe.IdempotencyError):
        return Failure(error=build(Refused, IDEMPOTENCY_ERROR), again=False)
    if status == 409 or should_retry == "true":
        return Failure(error=build(Transient, code or "conflict"), again=should_retry != "false")
    if error.error is None:
        # A status without Stripe's error shape comes from something between us and Stripe.
        return Failure(error=build(Transient, "not_from_stripe"), again=True)
    return Failure(error=build(Refused), again=False)


def _throttled(error: RemoteError, headers: Mapping[str, str]) -> RemoteError:
    assert isinstance(error, Throttled)
    error.retry_after_s = _whole_seconds(headers.get("retry-after"))
    if error.code == LOCK_TIMEOUT:
        error.failure = FailureClass.ROW_LOCK
    return error


def unreadable_reply(action: str, *, is_write: bool, request_id: str | None) -> RemoteError:
    """A successful status with a body that is not a JSON object: the write happened or something posed as Stripe."""
    kind = Ambiguous if is_write else Transient
    return kind(
        "the reply is not a JSON object",
        side=Side.STRIPE,
        action=action,
        code="unreadable_reply",
        request_id=request_id,
    )


def _classify_connection(error: stripe.StripeError, *, action: str, is_write: bool) -> Failure:
    # The SDK's own words are a page about its library; the cause's name says what happened.
    cause = type(error.__cause__ or error).__name__
    if _never_sent(error.__cause__):
        message = f"no connection to the server ({cause})"
        return Failure(error=_build(Unreachable, error, message, action=action, code="connection_refused"), again=True)
    kind = Ambiguous if is_write else Transient
    message = f"the connection was lost before the reply came ({cause})"
    return Failure(error=_build(kind, error, message, action=action, code="connection_lost"), again=True)


def _never_sent(cause: BaseException | None) -> bool:
    """True when no connection came about, so that not one byte of the request left."""
    if isinstance(cause, requests.ConnectTimeout):
        return True
    if not isinstance(cause, requests.ConnectionError) or not cause.args:
        return False
    reason = cause.args[0].reason if isinstance(cause.args[0], MaxRetryError) else cause.args[0]
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


def _build(
    kind: type[RemoteError], error: stripe.StripeError, message: str | None = None, *, action: str, code: str | None
) -> RemoteError:
    param = getattr(error, "param", None)
    message = redact(message or error.user_message or str(error)).strip()[:_MESSAGE_MAX]
    return kind(
        message,
        side=Side.STRIPE,
        action=action,
        status=error.http_status,
        code=code,
        request_id=error.request_id,
        fields=(param,) if isinstance(param, str) else (),
    )


def _code_of(error: stripe.StripeError) -> str | None:
    """The SDK leaves `code` empty on rate-limit and plain API errors; the body still has it."""
    if error.code is not None:
        return str(error.code)
    body = error.json_body
    inner = body.get("error") if isinstance(body, dict) else None
    code = inner.get("code") if isinstance(inner, dict) else None
    return code if isinstance(code, str) else None


def _is_replay(headers: Mapping[str, str]) -> bool:
    """Stripe marks a saved answer by a header of its own; it also names the request that first got it."""
    original = headers.get("original-request")
    return headers.get("idempotent-replayed") == "true" or (
        original is not None and original != headers.get("request-id", original)
    )


def _headers_of(error: stripe.StripeError) -> Mapping[str, str]:
    return {name.lower(): value for name, value in (error.headers or {}).items()}


def _whole_seconds(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
