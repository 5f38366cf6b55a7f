"""Access tokens: JWT bearer, client credentials, or one given by the operator.

simple-salesforce's own logins are not used: they reach `.salesforce.com` hosts only and repeat
without end (platform.md C, defects 1 and 6). A token reply that names a host outside the allowed
ones is refused, or the next call would carry the token there (invariants.md C3).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import jwt
import requests

from connector.core.errors import ConfigError, Problem, Refused, RemoteError, Transient, Unauthorised
from connector.core.model import Side
from connector.salesforce.errors import classify, classify_transport
from connector.salesforce.options import AuthKind
from connector.salesforce.session import TOKEN_PATH

if TYPE_CHECKING:
    from connector.ports import Clock
    from connector.salesforce.options import SalesforceOptions

_JWT_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
#: Salesforce accepts at most 3 minutes (platform.md B "OAuth for a daemon")
_JWT_LIFE: Final = timedelta(minutes=3)
#: after refused credentials no thread asks again this long: repeated failures lock a user out
_REFUSED_PAUSE_S: Final = 30.0
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST_FAMILIES: Final = ((".salesforce.com", ".force.com"), (".salesforce.mil",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    access_token: str = field(repr=False)
    #: scheme, host and port of the API, without a trailing slash
    instance_url: str
    #: the org it is of, where the reply says so
    org_id: str | None = None


class TokenProvider:
    """Hands out the current token; of many threads that saw it expire, one signs in again."""

    def __init__(self, options: SalesforceOptions, *, session: requests.Session, clock: Clock) -> None:
        self._options = options
        self._session = session
        self._clock = clock
        self._lock = Lock()
        self._token: Token | None = None
        self._refusal: tuple[float, Unauthorised] | None = None

    def current(self) -> Token:
        """Signs in at first use. Raises Unauthorised, Transient or ConfigError."""
        with self._lock:
            if self._token is None:
                self._token = self._sign_in()
            return self._token

    def refresh(self, stale: Token) -> Token:
        """A token other than `stale`, by signing in unless another thread already has."""
        with self._lock:
            if self._token is None or self._token == stale:
                if self._options.auth is AuthKind.TOKEN:
                    raise _unauthorised("INVALID_SESSION_ID", "the access token has expired; set a new one")
                token = self._sign_in()
                _require_same_org(stale, token)
                self._token = token
            return self._token

    def _sign_in(self) -> Token:
        if self._options.auth is AuthKind.TOKEN:
            return Token(access_token=self._options.access_token, instance_url=checked_url(self._options.instance_url))
        if self._refusal is not None and self._clock.monotonic_s() < self._refusal[0]:
            raise self._refusal[1]
        try:
            token = self._ask()
        except Unauthorised as error:
            self._refusal = (self._clock.monotonic_s() + _REFUSED_PAUSE_S, error)
            raise
        self._refusal = None
        return token

    def _ask(self) -> Token:
        login_url = checked_url(self._options.login_url)
        action = f"POST {TOKEN_PATH}"
        try:
            response = self._session.post(login_url + TOKEN_PATH, data=self._grant(login_url))
            if response.status_code >= 300:
                raise _sign_in_error(
                    classify(
                        status=response.status_code,
                        body=response.content,
                        headers=response.headers,
                        action=action,
                        write=False,
                    )
                )
            reply = response.json()
        except requests.RequestException as error:
            raise classify_transport(error, action=action, write=False) from None
        return _read_reply(reply, self._options)

    def _grant(self, login_url: str) -> dict[str, str]:
        options = self._options
        if options.auth is AuthKind.CLIENT_CREDENTIALS:
            return {
                "grant_type": "client_credentials",
                "client_id": options.client_id,
                "client_secret": options.client_secret,
            }
        claims = {
            "iss": options.client_id,
            "sub": options.username,
            "aud": options.audience or login_url,
            "exp": self._clock.now() + _JWT_LIFE,
        }
        try:
            assertion = jwt.encode(claims, options.private_key_pem, algorithm="RS256")
        except (jwt.PyJWTError, ValueError, TypeError):
            # The cause is not chained: it may quote the key.
            raise _config_error(
                "CONNECTOR_SALESFORCE__PRIVATE_KEY_FILE", "no usable RSA private key", "name a PEM file with an RSA key"
            ) from None
        return {"grant_type": _JWT_GRANT, "assertion": assertion}


def checked_url(url: str) -> str:
    """Scheme, host and port of `url`; plain http is for loopback only. Raises ConfigError."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host or parts.username is not None or parts.scheme not in {"http", "https"}:
        raise _config_error(
            "CONNECTOR_SALESFORCE__LOGIN_URL or __INSTANCE_URL", f"{host or 'no'} host", "give https://<host>"
        )
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise _config_error(
            "CONNECTOR_SALESFORCE__LOGIN_URL or __INSTANCE_URL", f"http://{host}", f"use https://{host}"
        )
    return f"{parts.scheme}://{parts.netloc}"


def may_serve(instance_url: str, options: SalesforceOptions) -> bool:
    """Whether a token reply may name this host: the configured one, or one of the login host's family."""
    try:
        host = urlsplit(checked_url(instance_url)).hostname or ""
    except ConfigError:
        return False
    if options.instance_url and host == urlsplit(options.instance_url).hostname:
        return True
    login_host = urlsplit(options.login_url).hostname or ""
    if host == login_host or (host in _LOOPBACK and login_host in _LOOPBACK):
        return True
    return any(login_host.endswith(family) and host.endswith(family) for family in _HOST_FAMILIES)


def _read_reply(reply: Any, options: SalesforceOptions) -> Token:
    access_token = reply.get("access_token") if isinstance(reply, dict) else None
    instance_url = reply.get("instance_url") if isinstance(reply, dict) else None
    if not isinstance(access_token, str) or not isinstance(instance_url, str):
        raise Transient("the token reply has an unknown form", side=Side.SALESFORCE, action=f"POST {TOKEN_PATH}")
    if not may_serve(instance_url, options):
        host = urlsplit(instance_url).hostname
        raise _unauthorised(
            "instance_url",
            f"the token reply names the host {host}, which neither the settings nor the login host allow",
        )
    return Token(access_token=access_token, instance_url=checked_url(instance_url), org_id=_org_of(reply))


def _org_of(reply: dict[str, Any]) -> str | None:
    """The reply names who signed in by an address that ends with the org's and the user's id; None where it does not."""
    steps = str(reply.get("id") or "").split("/")
    return steps[-2] if len(steps) > 2 and steps[-2].startswith("00D") else None


def _require_same_org(stale: Token, token: Token) -> None:
    """Whoever changed what the credentials lead to while we work: what was read is of the org before."""
    if None not in (stale.org_id, token.org_id) and stale.org_id != token.org_id:
        message = f"the credentials led to org {stale.org_id} and lead to org {token.org_id} now"
        raise _unauthorised("org_mismatch", message)


def _sign_in_error(error: RemoteError) -> RemoteError:
    """A refused sign-in stops this side whatever code it carries."""
    if not isinstance(error, Refused):
        return error
    return Unauthorised(
        error.message,
        side=error.side,
        action=error.action,
        status=error.status,
        code=error.code,
        request_id=error.request_id,
    )


def _unauthorised(code: str, message: str) -> Unauthorised:
    return Unauthorised(message, side=Side.SALESFORCE, action="sign in", code=code)


def _config_error(where: str, observed: str, remedy: str) -> ConfigError:
    return ConfigError([Problem(where=where, observed=observed, remedy=remedy)])
