"""The audit trail as a chain: each row holds the hash of the one before it and one over itself.

A row's hash is taken over one line of compact JSON in UTF-8, so that anybody can compute it again:
`[previous_hash, scope_id, seq, at, kind, born_side, born_id, event, detail_json]`, with `at` in UTC to
the microsecond. Text in front of the digits says how: `sha256:` or, with a key, `hmac-sha256:<key id>:`.
The first row's previous hash is empty. `chain_check` finds where a trail was tampered with.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from connector.core.model import Key

#: how a hash begins that anybody can compute again
PLAIN: Final = "sha256:"
#: how one begins that only those can who have the key
KEYED: Final = "hmac-sha256:"
#: what stands for the hash before the first row
NOTHING_BEFORE: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One decision that is to be remembered: what, why, about which record, with what outcome."""

    #: in words, e.g. `brake tripped`, `invoice.create begun`
    event: str
    #: why: a signal's cause (`poll`, `event`, `settle`), `person <name>`, `command <name>`, `brake <name>`
    cause: str
    #: the record it is about, by its birthplace key; None for a decision about no record
    born: Key | None = None
    #: outcome and circumstances, JSON-able; neither a record's content nor a secret
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainHead:
    """The newest row of a trail; of an empty one, number 0 with no hash."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One row as it is stored."""

    seq: int
    scope_id: int
    at: datetime
    kind: str
    born_side: str
    born_id: str
    event: str
    detail_json: str
    previous_hash: str
    hash: str = ""


class Seal:
    """Computes the hashes of rows; with keys, hashes that nobody without them can make.

    The first key seals, the others are earlier ones with which rows were sealed before.
    """

    def __init__(self, keys: tuple[bytes, ...] = ()) -> None:
        self._keys = {_key_id(key): key for key in keys}
        self._newest = next(iter(self._keys), None)

    def __bool__(self) -> bool:
        """Whether it has a key."""
        return self._newest is not None

    def hash_of(self, row: AuditRow) -> str:
        """What a new row's hash has to be."""
        return self._hash(row, self._newest)

    def expected_hash(self, row: AuditRow) -> str | None:
        """What the hash of a stored row should be, made in the way that the stored one says; None when
        it was made with a key that is not among ours.
        """
        if not row.hash.startswith(KEYED):
            return self._hash(row, None)
        key_id = row.hash.removeprefix(KEYED).partition(":")[0]
        return self._hash(row, key_id) if key_id in self._keys else None

    def _hash(self, row: AuditRow, key_id: str | None) -> str:
        text = _canonical(row)
        if key_id is None:
            return PLAIN + hashlib.sha256(text).hexdigest()
        return f"{KEYED}{key_id}:{hmac.digest(self._keys[key_id], text, 'sha256').hex()}"


def _canonical(row: AuditRow) -> bytes:
    at, record = _moment(row.at), (row.kind, row.born_side, row.born_id)
    return orjson.dumps([row.previous_hash, row.scope_id, row.seq, at, *record, row.event, row.detail_json])


@lru_cache(maxsize=16)
def _moment(at: datetime) -> str:
    """Kept: all rows of a transaction have one."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _key_id(key: bytes) -> str:
    """Names a key without telling it."""
    return hashlib.sha256(b"connector audit key id\0" + key).hexdigest()[:8]
