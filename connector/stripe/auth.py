"""API keys: what kind they are and which mode they speak for, read from their prefix alone.

May not print, log or return a key's secret part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from connector.core.errors import ConfigError, Problem

SETTING = "CONNECTOR_STRIPE__API_KEY"

#: Requests per second an account may make: live, and everywhere else (platform.md C2).
LIVE_RATE_PER_S = 100
TEST_RATE_PER_S = 25

_KEY = re.compile(r"(?P<kind>sk|rk)_(?P<mode>test|live)_[A-Za-z0-9_]{8,}")
#: Characters of a key that the dashboard shows, too.
_SHOWN = 4
_SECRET = re.compile(r"\b((?:sk|rk)_(?:test|live|org)_\w{0,4}|whsec_)[\w*]+")


class KeyKind(StrEnum):
    SECRET = "secret"  # noqa: S105  # the name of a kind of key, not a key
    RESTRICTED = "restricted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    kind: KeyKind
    livemode: bool
    #: how people tell it from others in the dashboard's list: `rk_live_...4f2a`
    hint: str

    @property
    def rate_per_s(self) -> int:
        """How many requests per second the account permits in this mode."""
        return LIVE_RATE_PER_S if self.livemode else TEST_RATE_PER_S


def read_key(text: str) -> ApiKey:
    """The kind and mode of a key. Raises ConfigError, which never quotes the key, for anything else."""
    match = _KEY.fullmatch(text)
    if match is None:
        raise ConfigError(
            [
                Problem(
                    where=SETTING,
                    observed=_describe(text),
                    remedy="use a secret key (sk_test_..., sk_live_...) or a restricted key (rk_test_..., rk_live_...)"
                    " of the Stripe account, from Developers > API keys",
                )
            ]
        )
    return ApiKey(
        kind=KeyKind.SECRET if match["kind"] == "sk" else KeyKind.RESTRICTED,
        livemode=match["mode"] == "live",
        hint=f"{match['kind']}_{match['mode']}_...{text[-_SHOWN:]}",
    )


def redact(text: str) -> str:
    """The text with anything that looks like a key or webhook secret cut after its prefix."""
    return _SECRET.sub(r"\1***", text)


def _describe(text: str) -> str:
    if not text.strip():
        return "the key is empty"
    if text != text.strip():
        return "the key has white space around it"
    if text.startswith("pk_"):
        return "this is a publishable key, which cannot read or write documents"
    if text.startswith("sk_org_"):
        return "this is an organisation key, which speaks for several accounts"
    if text.startswith("whsec_"):
        return "this is a webhook signing secret"
    return f"text of {len(text)} characters that is not a Stripe API key"
