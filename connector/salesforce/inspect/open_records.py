"""Conditions in SOQL for records that the next pass would look at. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.salesforce import soql

if TYPE_CHECKING:
    from connector.core.mapping import KindMapping


def unmirrored(mapping: KindMapping, *, prefix: str = "") -> str:
    """Records that carry no mark of ours. `prefix` is the path to them, `blng__Invoice__r.`."""
    return f"{soql.identifier(prefix + mapping.salesforce.marker)} = null"


def in_state(mapping: KindMapping, *states: str, prefix: str = "") -> str:
    """Records whose status means one of these lifecycle states."""
    spec = mapping.salesforce
    assert spec.state is not None
    values = [value for value, state in spec.states.items() if state in states]
    return soql.is_in(prefix + spec.state, values)
