"""Was this webhook signed by Stripe, just now? Decided on the raw bytes, before anything is parsed.

`Stripe-Signature: t=<unix>,v1=<hex>[,v1=<hex>]`, v1 = HMAC-SHA256(secret, "{t}." + body) (platform.md C3).
The SDK's own check takes one secret, accepts any moment in the future and turns the bytes to text first
(invariants.md C2), so the rule is written out here: every secret is tried, however the first one went.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

#: Stripe's own default; what is older was held back by somebody, what is newer was made by a wrong clock
TOLERANCE_S: Final = 300
#: Stripe sends about 150 characters, twice that while a secret is rolled
HEADER_MAX: Final = 4096
_SCHEME: Final = "v1"


def is_signed(body: bytes, header: str | None, *, secrets: Sequence[str], now: datetime) -> bool:
    """True for a body one of the secrets signed less than TOLERANCE_S ago, or ahead."""
    if not header or len(header) > HEADER_MAX:
        return False
    moments, signatures = _parts(header)
    if len(moments) != 1 or not signatures:
        return False
    [moment] = moments
    if not (moment.isascii() and moment.isdigit()) or len(moment) > 12:
        return False
    signed = moment.encode() + b"." + body
    matches = [
        hmac.compare_digest(_signature(signed, secret), given.encode(errors="replace"))
        for secret in secrets
        if secret.strip()
        for given in signatures
    ]
    return any(matches) and abs(now.timestamp() - int(moment)) <= TOLERANCE_S


def sign(body: bytes, *, secret: str, at: int) -> str:
    """The header Stripe would send: for tests of a receiver."""
    return f"t={at},{_SCHEME}={_signature(str(at).encode() + b'.' + body, secret).decode()}"


def _parts(header: str) -> tuple[list[str], list[str]]:
    pairs = [part.strip().partition("=") for part in header.split(",")]
    return [value for name, _, value in pairs if name == "t"], [value for name, _, value in pairs if name == _SCHEME]


def _signature(signed: bytes, secret: str) -> bytes:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()
