"""What people do with records that are gone: merge two into one, take one back, empty the bin.

A merged record stands in the recycle bin with `MasterRecordId` naming the one that is left (field of Account, Contact
and Lead; object reference). What the master says stays; its children and the other's are its own from then on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.sandbox.salesforce.errors import ApiError

if TYPE_CHECKING:
    from connector.sandbox.salesforce.database import Database
    from connector.sandbox.salesforce.engine import Actor, Engine


class RecycleBin:
    def __init__(self, engine: Engine, database: Database) -> None:
        self._engine = engine
        self._database = database

    def merge(self, sobject: str, master_id: str, other_id: str, platform: Actor) -> None:
        """`platform` may move children that no user may move."""
        if "MasterRecordId" not in self._database.objects[sobject].fields:
            raise ApiError(400, "INVALID_TYPE_FOR_OPERATION", f"{sobject} cannot be merged", [])
        self._engine.live_row(sobject, master_id)
        for child, reference in self._database.child_references[sobject]:
            table = self._database.tables[child.name]
            if table.is_indexed(reference.name):
                for child_id in list(table.children(reference.name, other_id)):
                    self._engine.update(child.name, child_id, {reference.name: master_id}, platform)
        self._engine.delete(sobject, other_id, platform)
        table = self._database.tables[sobject]
        table.deleted[other_id] = {**table.deleted[other_id], "MasterRecordId": master_id}
        self._engine.update(sobject, master_id, {}, platform)

    def undelete(self, sobject: str, record_id: str, person: Actor) -> None:
        """With the details that went with it."""
        self._engine.restore(sobject, record_id, person)
        for child, reference in self._database.child_references[sobject]:
            if reference.on_delete != "Cascade":
                continue
            buried = self._database.tables[child.name].deleted.values()
            for child_id in [row["Id"] for row in buried if row.get(reference.name) == record_id]:
                self.undelete(child.name, child_id, person)

    def purge(self, sobject: str, record_id: str) -> None:
        """Deleted for good: after 15 days, or when somebody empties the bin (platform.md B)."""
        del self._database.tables[sobject].deleted[record_id]
