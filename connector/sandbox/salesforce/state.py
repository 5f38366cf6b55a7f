"""The org's records as JSON and back, for restarts."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector.sandbox.salesforce.table import DerivedTable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.sandbox.salesforce.database import Database
    from connector.sandbox.salesforce.schema import SObject
    from connector.sandbox.salesforce.table import Row


def dump_tables(database: Database) -> dict[str, Any]:
    """Live and deleted rows per object; decimals as text."""
    return {
        name: {
            "rows": [_to_json(row) for row in table.rows.values()],
            "deleted": [_to_json(row) for row in table.deleted.values()],
        }
        for name, table in database.tables.items()
        if not isinstance(table, DerivedTable) and (table.rows or table.deleted)
    }


def load_tables(database: Database, state: Mapping[str, Any]) -> None:
    """Replaces every record. Fields the org no longer has are left out."""
    for name, table in database.tables.items():
        if isinstance(table, DerivedTable):
            continue
        for record_id in [*table.rows, *table.deleted]:
            table.remove(record_id)
        stored = state.get(name, {"rows": [], "deleted": []})
        for row in stored["rows"]:
            table.put(_from_json(table.obj, row))
        for row in stored["deleted"]:
            table.deleted[row["Id"]] = _from_json(table.obj, row)


def _to_json(row: Row) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in row.items()}


def _from_json(obj: SObject, row: Mapping[str, Any]) -> Row:
    fields = obj.fields
    kept = {name: Decimal(value) if fields[name].is_number else value for name, value in row.items() if name in fields}
    return {**kept, "SystemModstamp": row["SystemModstamp"]}
