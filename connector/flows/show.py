"""Everything known about one id of either system."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from connector.core.model import Side
from connector.flows.sync import keys_for

if TYPE_CHECKING:
    from connector.core.model import Key, Link, Record
    from connector.flows.workspace import Workspace


def show(workspace: Workspace, record_id: str) -> dict[str, Any]:
    """The link, both records as they are now, the history and the open findings; `links` is empty when the
    id is unknown here. Reads both systems.
    """
    keys = keys_for(workspace, record_id)
    links = workspace.store.load_links(keys)
    findings = workspace.store.load_findings()
    found = {link.born: link for link in links.values()}
    return {
        "id": record_id,
        "links": [_one(workspace, link, findings) for link in found.values()],
        "findings": [asdict(finding) for finding in findings if finding.subject == record_id],
    }


def _one(workspace: Workspace, link: Link, findings: Any) -> dict[str, Any]:
    ids = {record_id for side in Side if (record_id := link.id_on(side)) is not None}
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
