"""What this adapter must be told; `config/` builds it from the settings, tests by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

#: Summer '26; the versions below 31 are retired (platform.md B "Versions")
DEFAULT_API_VERSION: Final = "67.0"


class AuthKind(StrEnum):
    JWT = "jwt"
    CLIENT_CREDENTIALS = "client_credentials"
    TOKEN = "token"  # noqa: S105 - the name of a way to sign in, not a secret


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesforceOptions:
    auth: AuthKind
    #: where tokens are asked for: https://login.salesforce.com, test.salesforce.com or a My Domain;
    #: client credentials need the My Domain (platform.md B "OAuth for a daemon")
    login_url: str = ""
    #: where the API is; required with a static token, else a host the reply may name beside login_url's
    instance_url: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    username: str = ""
    private_key_pem: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    #: audience of the JWT; "" means login_url
    audience: str = ""
    api_version: str = DEFAULT_API_VERSION
    #: ISO code of all amounts, required in an org without multi-currency
    currency: str | None = None
    timeout_s: float = 60.0
    connect_timeout_s: float = 10.0
    #: connections kept open, at least the number of threads that call
    pool_size: int = 8
    user_agent: str = "connector"
    #: a poll reads up to the server's now minus this: rows become visible seconds after their stamp
    #: (platform.md B "Change detection": 1-3 s measured)
    margin_s: int = 5
    #: a poll reads this much again before its cursor
    overlap_s: int = 60
