"""Agreed amounts that one side reads differently now, for who judges a whole pass by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.brake import AmountMove
from connector.core.codecs import Minor, Money
from connector.core.model import Side

if TYPE_CHECKING:
    from connector.flows.subject import Subject
    from connector.flows.workspace import Workspace


def amounts_moved(workspace: Workspace, subject: Subject) -> list[AmountMove]:
    """Of the records as they were read; what was never agreed cannot have moved."""
    rules = [rule for rule in subject.mapping.fields if isinstance(rule.salesforce_codec, Money | Minor)]
    if subject.stored is None or not rules:
        return []
    view = subject.view(policy=workspace.policy, now=workspace.clock.now(), parents=lambda *_: None, kinds={})
    moves = []
    for place, side in enumerate((Side.SALESFORCE, Side.STRIPE)):
        record = view.record(side)
        if record is None or record.deleted:
            continue
        try:
            values = view.values(side)
        except ValueError:
            # the record parks by name
            continue
        for rule in rules:
            old, new = subject.stored.shadow.get(rule.name, (None, None))[place], values.get(rule.name)
            if isinstance(old, int) and isinstance(new, int) and old != new:
                kind, born_id = subject.mapping.kind, subject.link.born.id
                moves.append(AmountMove(kind=kind, field=rule.name, id=born_id, old=old, new=new))
    return moves
