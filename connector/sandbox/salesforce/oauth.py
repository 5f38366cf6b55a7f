"""The org's OAuth: JWT bearer and client credentials, and who a token belongs to.

Errors are objects, not arrays, and there is no `expires_in` (platform.md B, "OAuth for a daemon").
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import jwt

from connector.sandbox.salesforce.rest.wire import Reply

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping
    from datetime import datetime

_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._"
#: an assertion may be valid for three minutes; clocks may differ by a little
_MAX_ASSERTION_AGE_S = 180 + 30
LOGIN_HOSTS = {True: "test.salesforce.com", False: "login.salesforce.com"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    client_id: str
    client_secret: str
    username: str


class _Refused(Exception):
    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.reply = Reply(status=status, body={"error": error, "error_description": description})


def _refuse_grant() -> None:
    raise _Refused("unsupported_grant_type", "grant type not supported")


class OAuth:
    def __init__(self, *, rng: random.Random, org_id: str, user_id: str, username: str, is_sandbox: bool) -> None:
        self._rng = rng
        self._org_id = org_id
        self._user_id = user_id
        self._login_host = LOGIN_HOSTS[is_sandbox]
        self._public_key: str | None = None
        self.tokens: set[str] = set()
        self.credentials = Credentials(
            client_id="3MVG9" + self._random_text(80), client_secret=self._random_hex(64), username=username
        )

    def register_jwt_key(self, public_key_pem: str) -> None:
        """The certificate an admin uploads to the External Client App."""
        self._public_key = public_key_pem

    def mint(self) -> str:
        token = f"{self._org_id[:15]}!AQE{self._random_text(92)}"
        self.tokens.add(token)
        return token

    def token(self, body: bytes, headers: Mapping[str, str], *, host: str, instance_url: str, now: datetime) -> Reply:
        """Answers `POST /services/oauth2/token`."""
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        grant = form.get("grant_type", "")
        try:
            if grant == _JWT_GRANT:
                self._check_assertion(form.get("assertion", ""), instance_url, now)
            elif grant == "client_credentials":
                self._check_client(form, headers, host)
            else:
                _refuse_grant()
        except _Refused as refusal:
            return refusal.reply
        identity = f"{instance_url}/id/{self._org_id}/{self._user_id}"
        issued_at = str(int(now.timestamp()) * 1000)
        signature = hmac.digest(
            self.credentials.client_secret.encode(), (identity + issued_at).encode(), hashlib.sha256
        )
        return Reply(
            body={
                "access_token": self.mint(),
                "signature": base64.b64encode(signature).decode(),
                "scope": "api",
                "instance_url": instance_url,
                "id": identity,
                "token_type": "Bearer",
                "issued_at": issued_at,
            }
        )

    def is_valid(self, authorization: str | None) -> bool:
        scheme, _, token = (authorization or "").partition(" ")
        return scheme.lower() in {"bearer", "oauth"} and token.strip() in self.tokens

    def dump(self) -> dict[str, Any]:
        return {"tokens": sorted(self.tokens), "jwt_key": self._public_key}

    def load(self, state: Mapping[str, Any]) -> None:
        self.tokens = set(state["tokens"])
        self._public_key = state["jwt_key"]

    def _check_client(self, form: Mapping[str, str], headers: Mapping[str, str], host: str) -> None:
        if host in LOGIN_HOSTS.values():
            # This flow works on the org's own domain only.
            raise _Refused("invalid_grant", "request not supported on this domain")
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        authorization = headers.get("authorization", "")
        if authorization.lower().startswith("basic "):
            try:
                client_id, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
            except ValueError:
                raise _Refused("invalid_client", "invalid client credentials") from None
        if client_id != self.credentials.client_id:
            raise _Refused("invalid_client_id", "client identifier invalid")
        if not hmac.compare_digest(secret.encode(), self.credentials.client_secret.encode()):
            raise _Refused("invalid_client", "invalid client credentials", 401)

    def _check_assertion(self, assertion: str, instance_url: str, now: datetime) -> None:
        if self._public_key is None:
            raise _Refused("invalid_client", "app must be installed into org")
        unchecked = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
        try:
            claims = jwt.decode(assertion, self._public_key, algorithms=["RS256"], options=unchecked)  # type: ignore[arg-type] # a plain dict is what the library documents
        except jwt.InvalidTokenError:
            raise _Refused("invalid_grant", "invalid assertion") from None
        if claims.get("iss") != self.credentials.client_id:
            raise _Refused("invalid_client_id", "client identifier invalid")
        if claims.get("sub") != self.credentials.username:
            raise _Refused("invalid_grant", "user hasn't approved this consumer")
        audience = str(claims.get("aud", "")).rstrip("/")
        if audience not in {f"https://{self._login_host}", instance_url.rstrip("/")}:
            raise _Refused("invalid_grant", "audience is invalid")
        expires = claims.get("exp")
        left = expires - int(now.timestamp()) if isinstance(expires, int) else -1
        if not 0 < left <= _MAX_ASSERTION_AGE_S:
            raise _Refused("invalid_grant", "expired authorization code")

    def _random_text(self, length: int) -> str:
        return "".join(self._rng.choices(_ALPHABET, k=length))

    def _random_hex(self, length: int) -> str:
        return "".join(self._rng.choices("0123456789ABCDEF", k=length))
