"""Answers kept by idempotency key (platform.md C1): the first one is the only one, for 24 hours."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from connector.sandbox.stripe.errors import StripeError

KEPT_S = 86_400
MAX_KEY_LENGTH = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    #: fingerprint of path and parameters of the first request
    asked: str
    status: int
    body: bytes
    request_id: str
    saved_at: int


class IdempotencyKeys:
    def __init__(self) -> None:
        self._saved: OrderedDict[str, Saved] = OrderedDict()
        self._in_flight: set[str] = set()
        self._lock = threading.Lock()

    def enter(self, key: str) -> None:
        """Claims the key for a running request; StripeError 409 while another one runs with it."""
        if len(key) > MAX_KEY_LENGTH:
            raise StripeError(f"Idempotency keys cannot be longer than {MAX_KEY_LENGTH} characters.")
        with self._lock:
            if key in self._in_flight:
                raise StripeError(
                    f"There is currently another in-progress request using this Idempotent Key (`{key}`), most likely "
                    "from an earlier attempt. Please try again later.",
                    status=409,
                    type="idempotency_error",
                    code="idempotency_key_in_use",
                )
            self._in_flight.add(key)

    def leave(self, key: str) -> None:
        with self._lock:
            self._in_flight.discard(key)

    def saved(self, key: str, asked: str, now: int) -> Saved | None:
        """The first answer; StripeError when the key was used for something else."""
        self._prune(now)
        found = self._saved.get(key)
        if found is not None and found.asked != asked:
            raise StripeError(
                "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                f"Try using a key other than '{key}' if you meant to execute a different request.",
                type="idempotency_error",
            )
        return found

    def save(self, key: str, answer: Saved) -> None:
        self._saved[key] = answer

    def _prune(self, now: int) -> None:
        while self._saved:
            key, oldest = next(iter(self._saved.items()))
            if now - oldest.saved_at < KEPT_S:
                return
            del self._saved[key]

    def dump(self) -> list[Any]:
        return [[k, s.asked, s.status, s.body.decode(), s.request_id, s.saved_at] for k, s in self._saved.items()]

    def load(self, rows: list[Any]) -> None:
        self._saved = OrderedDict(
            (key, Saved(asked=asked, status=status, body=body.encode(), request_id=request_id, saved_at=saved_at))
            for key, asked, status, body, request_id, saved_at in rows
        )
