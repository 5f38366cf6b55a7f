"""From what a person types to keys: an id of either system, or the number on a document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.model import Key, Side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.core.model import Link
    from connector.flows.workspace import Workspace

#: links looked through at a time, when nothing but a number is known
_PAGE = 1000
#: agreed fields that hold what is printed on a document (docs/mapping.md)
_NUMBERS = ("number", "stripe_number")


def keys_for(workspace: Workspace, record_id: str) -> list[Key]:
    """The keys an id given by a person means; empty when neither our store nor the system knows it.

    An id does not say its kind, so an id without a link is asked for at its system under every kind:
    what no system has must not be taken for something that was deleted. Stripe ids hold an underscore.
    """
    side = Side.STRIPE if "_" in record_id else Side.SALESFORCE
    keys = [Key(side=side, kind=kind, id=record_id) for kind in workspace.kinds()]
    linked = workspace.store.load_links(keys)
    if linked:
        return list(linked)
    found = workspace.system(side).fetch_many({key.kind: [record_id] for key in keys}, select={})
    return [key for key in keys if found.get(key) is not None]


def keys_numbered(workspace: Workspace, number: str) -> list[Key]:
    """The birthplace keys of mirrored documents with this number on either side, e.g. `INV-0009`. Reads our store only."""
    return [
        link.born
        for kind in workspace.kinds()
        for link in _links(workspace, kind)
        if any(number in link.shadow.get(name, ()) for name in _NUMBERS)
    ]


def _links(workspace: Workspace, kind: str) -> Iterator[Link]:
    after = ""
    while page := workspace.store.load_links_in(kind=kind, limit=_PAGE, after_born_id=after):
        yield from page
        after = page[-1].born.id
