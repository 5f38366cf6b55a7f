"""What a Salesforce failure means: one pure table. Nobody else looks at status codes or message text.

The classes follow the table "Errors" of platform.md B. A failed request is an array of
`{message, errorCode, fields}`, an OAuth failure an object, a failed row of a collection names its
code `statusCode`, and an edge server may answer HTML or nothing at all; all of them end here.
Messages are redacted: no token, address, query text or body survives into an exception.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import requests

from connector.core.errors import (
    Ambiguous,
    Hidden,
    QuotaSpent,
    Refused,
    RemoteError,
    Throttled,
    Transient,
    Unauthorised,
    Unreachable,
)
from connector.core.model import FailureClass, Side

if TYPE_CHECKING:
    from collections.abc import Mapping

#: how long a spent daily quota, full storage or an approval lock is left alone; only its being
#: longer than any retry inside a call matters
QUOTA_PAUSE_S: Final = 3600
LOCK_PAUSE_S: Final = 900

#: nothing was written, and a later try may succeed
_TRANSIENT: Final = frozenset(
    {
        "UNABLE_TO_LOCK_ROW",
        "RECORD_IN_USE_BY_WORKFLOW",
        "SERVER_UNAVAILABLE",
        "QUERY_TIMEOUT",
        "REQUEST_RUNNING_TOO_LONG",
    }
)
#: of these and of those below: somebody else writes to the row or its parent
_ROW_LOCKS: Final = frozenset({"UNABLE_TO_LOCK_ROW", "RECORD_IN_USE_BY_WORKFLOW"})
#: nothing was written, and waiting inside a call cannot help: seconds to leave it alone
_PAUSES: Final = {
    "STORAGE_LIMIT_EXCEEDED": QUOTA_PAUSE_S,
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE": QUOTA_PAUSE_S,
    "ENTITY_IS_LOCKED": LOCK_PAUSE_S,
}
#: something went wrong inside Salesforce; whether a write was rolled back is not said
_UNCERTAIN: Final = frozenset({"UNKNOWN_EXCEPTION", "INTERNAL_ERROR", "UNKNOWN_ERROR"})
#: a read of a field or object the user does not see (platform.md A, finding 2)
_HIDDEN: Final = frozenset({"INVALID_FIELD", "INVALID_TYPE"})
_UNAUTHORISED: Final = frozenset(
    {
        "INVALID_SESSION_ID",
        "INVALID_AUTH_HEADER",
        "INVALID_LOGIN",
        "INVALID_OPERATION_WITH_EXPIRED_PASSWORD",
        "API_CURRENTLY_DISABLED",
        "API_DISABLED_FOR_ORG",
        # OAuth token endpoint (object body)
        "invalid_client",
        "invalid_client_id",
        "invalid_grant",
        "invalid_request",
        "unauthorized_client",
        "unsupported_grant_type",
        "inactive_user",
        "inactive_org",
        "invalid_app_access",
    }
)
_RETRYABLE_INSIDE: Final = ("UNABLE_TO_LOCK_ROW", "Too many SOQL")

#: bounded, so that no message of any length costs more than a look at it
_EMAIL: Final = re.compile(r"[^\s@<>'\"]{1,64}@[^\s@<>'\",;:]{1,255}")
_TOKEN: Final = re.compile(r"00D[A-Za-z0-9]{12,15}![^\s'\"]+|Bearer\s+\S+|eyJ[\w-]+\.[\w-]+\.[\w-]*")
_QUERY_QUOTED: Final = re.compile(r"ERROR at Row:\d+:Column:\d+\s*")
_MESSAGE_CHARACTERS_MAX: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One error entry, whichever of the shapes it came in."""

    code: str | None
    message: str
    fields: tuple[str, ...] = ()


def classify(*, status: int, body: bytes | Any, headers: Mapping[str, str], action: str, write: bool) -> RemoteError:
    """The error a reply with `status` >= 300 stands for; `body` is its bytes, or parsed JSON.

    `write` says that the request could have changed something: a failure that does not tell whether
    it did becomes Ambiguous then, Transient otherwise.
    """
    failure = read_failure(body)
    if failure.code in _HIDDEN and not write:
        error: RemoteError | None = _make(Hidden, failure, action)
    else:
        error = _by_code(failure, action=action, write=write)
    if error is None:
        error = _by_status(status, failure, action=action, write=write)
    error.status = status
    error.request_id = headers.get("X-SFDC-Request-Id") or headers.get("x-sfdc-request-id")
    return error


def classify_row(entry: Mapping[str, Any], *, action: str) -> RemoteError:
    """The error of one row of a collections reply; rows that failed were not written."""
    failure = _entry_failure(entry)
    error = _by_code(failure, action=action, write=False)
    return error if error is not None else _make(Refused, failure, action)


def classify_transport(error: requests.RequestException, *, action: str, write: bool) -> RemoteError:
    """No reply, or one that ended too early or is not JSON. Only the kind of failure is told on."""
    kind = type(error).__name__
    if isinstance(error, requests.exceptions.SSLError):
        return _make(Refused, Failure(code=kind, message="the server's certificate was not accepted"), action)
    if isinstance(error, requests.ConnectTimeout) or _never_connected(error):
        return _make(Unreachable, Failure(code=kind, message="no connection to the server"), action)
    failure = Failure(code=kind, message="no trustworthy reply from the server")
    return _make(Ambiguous if write else Transient, failure, action)


def read_failure(body: bytes | Any) -> Failure:
    """The first error entry of a body of any shape; an unreadable body has no code."""
    if isinstance(body, bytes):
        try:
            body = json.loads(body)
        except ValueError:
            return Failure(code=None, message="the reply is not JSON" if body else "the reply is empty")
    if isinstance(body, list) and body and isinstance(body[0], dict):
        return _entry_failure(body[0])
    if isinstance(body, dict):
        return _entry_failure(body)
    if isinstance(body, list) and body and all(isinstance(entry, str) for entry in body):
        # A 300: several records carry the external id (platform.md B "Upsert").
        return Failure(code="MULTIPLE_CHOICES", message=f"{len(body)} records carry this external id")
    return Failure(code=None, message="the reply has an unknown form")


def redact(message: str) -> str:
    """`message` without e-mail addresses, tokens and the query text Salesforce quotes in errors."""
    quoted = _QUERY_QUOTED.search(message)
    message = message[quoted.end() :] if quoted else message
    # Cut before the patterns look, and again after: a token must not survive as a half.
    message = message[: 2 * _MESSAGE_CHARACTERS_MAX]
    message = _TOKEN.sub("<token>", message)
    message = _EMAIL.sub("<email>", message)
    return message.strip()[:_MESSAGE_CHARACTERS_MAX]


def _entry_failure(entry: Mapping[str, Any]) -> Failure:
    code = entry.get("errorCode") or entry.get("statusCode") or entry.get("error")
    message = entry.get("message") or entry.get("error_description") or ""
    fields = entry.get("fields")
    names = tuple(str(name) for name in fields) if isinstance(fields, list) else ()
    return Failure(code=str(code) if code else None, message=redact(str(message)), fields=names)


def _by_code(failure: Failure, *, action: str, write: bool) -> RemoteError | None:
    code = failure.code
    if code is None:
        return None
    if code in _TRANSIENT:
        return _locked(_make(Transient, failure, action), is_lock=code in _ROW_LOCKS)
    if code in _UNCERTAIN:
        return _make(Ambiguous if write else Transient, failure, action)
    if code in _UNAUTHORISED:
        return _make(Unauthorised, failure, action)
    if code == "REQUEST_LIMIT_EXCEEDED":
        # "ConcurrentRequests ..." passes in seconds; "TotalRequests ..." is the day's quota.
        if "concurrent" in failure.message.lower():
            return _throttled(failure, action, None)
        spent = _make(QuotaSpent, failure, action)
        assert isinstance(spent, QuotaSpent)
        spent.retry_after_s = QUOTA_PAUSE_S
        return spent
    if code == "TOO_MANY_APEX_REQUESTS":
        return _throttled(failure, action, None)
    if code in _PAUSES:
        return _throttled(failure, action, _PAUSES[code])
    if code == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" and any(text in failure.message for text in _RETRYABLE_INSIDE):
        return _locked(_make(Transient, failure, action), is_lock=_RETRYABLE_INSIDE[0] in failure.message)
    return None


def _locked(error: RemoteError, *, is_lock: bool) -> RemoteError:
    if is_lock:
        error.failure = FailureClass.ROW_LOCK
    return error


def _by_status(status: int, failure: Failure, *, action: str, write: bool) -> RemoteError:
    if status == 401:
        return _make(Unauthorised, failure, action)
    if status == 429:
        return _throttled(failure, action, None)
    if status == 420:
        # Salesforce Edge could not route the request (platform.md B "Errors"): it reached no org.
        return _make(Transient, failure, action)
    if status >= 500:
        return _make(Ambiguous if write else Transient, failure, action)
    return _make(Refused, failure, action)


def _throttled(failure: Failure, action: str, retry_after_s: int | None) -> Throttled:
    error = _make(Throttled, failure, action)
    assert isinstance(error, Throttled)
    error.retry_after_s = retry_after_s
    return error


def _make(kind: type[RemoteError], failure: Failure, action: str) -> RemoteError:
    return kind(failure.message, side=Side.SALESFORCE, action=action, code=failure.code, fields=failure.fields)


def _never_connected(error: requests.RequestException) -> bool:
    """True when urllib3 failed before a byte was sent: refused connection, unknown host name."""
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    return type(reason).__name__ in {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError"}
