"""Canonical bytes for operation bodies and idempotency keys.

Same content, same bytes, in every process and version: a stored body is sent again as it is
(invariants.md I3), and a key computed after the store was lost equals the one used before it.
Body values are JSON scalars, lists and objects; Decimal is written as a JSON string tagged by
the adapter that reads it, never as float.
"""

from __future__ import annotations

import hashlib
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from connector.core.model import Identity

#: every key of ours starts with this, so that our own events are recognised without a look-up
KEY_PREFIX = "connector-"


def encode_body(content: dict[str, Any]) -> bytes:
    """Canonical JSON. Decimal becomes {"$decimal": "12.34"} so that no reader makes it a float."""
    try:
        return orjson.dumps(content, default=_default, option=_OPTIONS)
    except TypeError:
        # what orjson does not know: whole numbers of more than 64 bits; what neither knows is refused here
        return _ENCODER.encode(content).encode()


def decode_body(body: bytes) -> dict[str, Any]:
    """The content `encode_body` was given; Decimals are Decimals again."""
    content = _DECODER.decode(body.decode()) if _PECULIAR.search(body) else orjson.loads(body)
    assert isinstance(content, dict)
    return content


def idempotency_key(identity: Identity, *, kind: str, born_id: str, revision: int, action: str) -> str:
    """At most 255 characters (platform.md C1); the same for the same intent, wherever it is computed.

    Computed once, for a new operation: what is sent again is sent under the key that is stored with it, whatever
    rule made that. Only a store that was lost computes one again, so the rule stays as it is.
    """
    place = (
        identity.org_id,
        "sandbox" if identity.is_sandbox else "production",
        identity.account_id,
        "live" if identity.livemode else "test",
    )
    text = "\x1f".join((*place, kind, born_id, str(revision), action))
    return KEY_PREFIX + hashlib.sha256(text.encode()).hexdigest()[:40]


def _default(value: object) -> object:
    if isinstance(value, Decimal):
        return {"$decimal": str(value)}
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _object_hook(value: dict[str, Any]) -> Any:
    return Decimal(value["$decimal"]) if value.keys() == {"$decimal"} else value


def _refuse_float(text: str) -> Any:
    raise ValueError(f"float {text} in a stored body")


#: a moment or a dataclass has no canonical form, which orjson would give it one
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
#: a Decimal, a number of so many digits, or a float to be refused; or a text that looks like one, which does no harm
_PECULIAR = re.compile(rb'"\$decimal"|[:,\[]\s*-?[0-9]+(?:[.eE]|[0-9]{17})')
# Made once: the module functions of `json` build a new one at every call with options like these.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_default)
_DECODER = json.JSONDecoder(object_hook=_object_hook, parse_float=_refuse_float)
