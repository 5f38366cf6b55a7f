"""Everything known about one record: its link, both sides as they are now, what was done, what is wrong."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from connector.core.codecs import Minor, Money
from connector.core.model import Side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.model import Finding, Key, Link, Record
    from connector.flows.workspace import Workspace


def show(workspace: Workspace, keys: Sequence[Key]) -> dict[str, Any]:
    """`links`: one entry per pair of these keys; keys without a link are left out. `findings`: the open
    ones about the keys themselves. Reads both systems.
    """
    links = workspace.store.load_links(keys)
    findings = workspace.store.load_findings()
    found = {link.born: link for link in links.values()}
    asked = {key.id for key in keys}
    return {
        "links": [_one(workspace, link, findings) for link in found.values()],
        "findings": [asdict(finding) for finding in findings if finding.subject in asked],
    }


def _one(workspace: Workspace, link: Link, findings: Sequence[Finding]) -> dict[str, Any]:
    ids = {record_id for side in Side if (record_id := link.id_on(side)) is not None}
    rules = workspace.pack.kinds[link.kind].fields
    return {
        "kind": link.kind,
        "born": str(link.born),
        "mate": link.mate_id,
        "earlier_mates": list(link.earlier_mates),
        "state": link.state.value,
        "reason": link.reason,
        "waiting_on": None if link.waiting_on is None else str(link.waiting_on),
        "revision": link.revision,
        "fields": {name: {"salesforce": pair[0], "stripe": pair[1]} for name, pair in link.shadow.items()},
        # These fields are minor units of this currency.
        "amounts": [rule.name for rule in rules if isinstance(rule.salesforce_codec, Money | Minor)],
        "currency": link.progress.get("currency"),
        "salesforce": _record(workspace, link.born if link.born.side is Side.SALESFORCE else link.mate),
        "stripe": _record(workspace, link.born if link.born.side is Side.STRIPE else link.mate),
        "history": [dict(row) for row in workspace.store.load_audit(link.born)],
        "findings": [asdict(finding) for finding in findings if finding.subject in ids],
    }


def _record(workspace: Workspace, key: Key | None) -> dict[str, Any] | None:
    if key is None:
        return None
    record: Record | None = workspace.system(key.side).fetch(key.kind, [key.id]).get(key.id)
    if record is None:
        return None
    return {"id": record.id, "version": record.version, "deleted": record.deleted, "fields": dict(record.fields)}
