"""Records a person has discarded: out of the way, until they change where they were born.

The link is CLOSED and keeps a digest of what the mapping reads of the record at its birthplace. As long
as that is the same, whatever signal comes, nothing is written for the pair; once it differs, the pair
is decided anew as if nobody had discarded it.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from connector.core.body import encode_body
from connector.core.conditions import unparked
from connector.core.mapping import read_path
from connector.core.model import Link, LinkState, Side

if TYPE_CHECKING:
    from connector.core.mapping import KindMapping
    from connector.core.model import Record

#: where a link keeps the digest of what was discarded
DISCARDED: Final = "discarded"
CODE: Final = "discarded"
#: of a Salesforce row, what moves although nothing of the record's content does
_NOT_CONTENT: Final = frozenset({"attributes", "SystemModstamp"})


def content_digest(mapping: KindMapping, record: Record | None) -> str:
    """Equal as long as the record says the same in all that its mapping reads."""
    if record is None or record.deleted:
        return "gone"
    if record.key.side is Side.SALESFORCE:
        # the reader asks for what the mapping reads, and nothing else
        read = [_without_stamps(dict(record.fields)), [_without_stamps(dict(row)) for row in record.lines]]
    else:
        paths = ("status", "amount_received", *(rule.stripe for rule in mapping.fields if rule.stripe is not None))
        rows = [[row.get(name) for name in ("id", "status", "amount_paid", "invoice")] for row in record.lines]
        read = [{path: read_path(record.fields, path) for path in paths}, rows]
    return hashlib.sha256(encode_body({"read": read})).hexdigest()[:16]


def _without_stamps(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_stamps(part) for name, part in value.items() if name not in _NOT_CONTENT}
    return value


def discarded(link: Link, digest: str, reason: str) -> Link:
    """The link once a person has discarded it."""
    return replace(
        unparked(link),
        state=LinkState.CLOSED,
        reason=reason,
        reason_code=CODE,
        waiting_on=None,
        backoff=None,
        progress={**link.progress, DISCARDED: digest},
    )


def is_discarded(link: Link) -> bool:
    return link.progress.get(DISCARDED) is not None


def reopened(link: Link) -> Link:
    """The link of a discarded record that has changed at its birthplace."""
    kept = {name: value for name, value in link.progress.items() if name != DISCARDED}
    return replace(link, state=LinkState.OPEN, reason=None, reason_code=None, progress=kept)
