"""One webhook: raw bytes, signature, whose, stored, and only then 200 (invariants.md I5).

Nothing else happens before the answer. What is refused is refused with one constant text: who cannot
sign is told nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from connector.core.errors import StoreError
from connector.stripe.received import NotAnEvent, event_of, webhook_signals
from connector.stripe.signature import is_signed
from connector.web.answers import answer
from connector.web.bell import Bell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.types import Receive

    from connector.core.mapping import Pack
    from connector.core.model import Identity
    from connector.ports import Clock
    from connector.web.answers import Answer
    from connector.web.committing import Committer

    #: as ASGI hands them on: names in small letters
    Headers = Iterable[tuple[bytes, bytes]]

BODY_MAX: Final = 1_000_000
#: Stripe gives up on an answer after 10 to 20 s; a commit that takes longer is asked for again
STORE_PATIENCE_S: Final = 10
_REFUSED: Final = "invalid request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Bound to one account, one mode, and the secrets of one endpoint (the previous one while it is rolled)."""

    identity: Identity
    api_version: str
    secrets: tuple[str, ...]
    pack: Pack
    clock: Clock
    committer: Committer
    #: told of each answer: `stored`, `signature`, `size`, `account`, `mode`, `shape`, `busy`
    counted: Callable[[str], None]
    #: versions events came in that are not ours, for a finding
    other_versions: Counter[str] = field(default_factory=Counter)
    #: one for the loop that serves; tests have many
    _bells: WeakKeyDictionary[asyncio.AbstractEventLoop, Bell] = field(default_factory=WeakKeyDictionary)

    async def receive(self, headers: Headers, receive: Receive) -> Answer | None:
        """None when the sender is gone before all was heard."""
        try:
            body = await _bounded_body(headers, receive)
        except _TooLarge:
            return self._answer(413, "body too large", "size")
        if body is None:
            return None
        signature = _header(headers, b"stripe-signature")
        if not is_signed(body, signature, secrets=self.secrets, now=self.clock.now()):
            return self._answer(400, _REFUSED, "signature")
        try:
            event, content = event_of(body)
            signals = webhook_signals(self.pack, content)
        except NotAnEvent:
            return self._answer(400, _REFUSED, "shape")
        if event.livemode is not self.identity.livemode:
            return self._answer(400, _REFUSED, "mode")
        if event.account not in ("", self.identity.account_id):
            return self._answer(400, _REFUSED, "account")
        if event.api_version != self.api_version:
            # it names records, and no more is read from it: taken, and told
            self.other_versions[event.api_version] += 1
        try:
            stored = self.committer.submit(event, signals)
            await asyncio.wait_for(self._bell().of(stored), STORE_PATIENCE_S)
        except (StoreError, TimeoutError):
            return self._answer(503, "try again", "busy", retry_after_s=30)
        return self._answer(200, "stored", "stored")

    def _answer(self, status: int, text: str, counted: str, *, retry_after_s: int | None = None) -> Answer:
        self.counted(counted)
        return answer(status, text, retry_after_s=retry_after_s)

    def _bell(self) -> Bell:
        loop = asyncio.get_running_loop()
        bell = self._bells.get(loop)
        if bell is None:
            bell = self._bells[loop] = Bell(loop)
        return bell


class _TooLarge(Exception):
    """More than BODY_MAX; the rest is not read."""


async def _bounded_body(headers: Headers, receive: Receive) -> bytes | None:
    """None when the sender is gone. Raises _TooLarge as soon as it is larger than allowed."""
    told = _header(headers, b"content-length") or "0"
    if not told.isdecimal() or int(told) > BODY_MAX:
        raise _TooLarge
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part = message.get("body", b"")
        size += len(part)
        if size > BODY_MAX:
            raise _TooLarge
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def _header(headers: Headers, wanted: bytes) -> str | None:
    return next((value.decode("latin-1") for name, value in headers if name == wanted), None)
