"""The hands of the platform, of package vendors and of administrators: they write what no API user may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connector.sandbox.salesforce import ids
from connector.sandbox.salesforce.engine import Actor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from connector.sandbox.salesforce.database import Database
    from connector.sandbox.salesforce.engine import Engine
    from connector.sandbox.salesforce.table import Row

_NOBODY = "005000000000000AAA"
_RIGHTS = ("PermissionsRead", "PermissionsCreate", "PermissionsEdit")
_MORE_RIGHTS = ("PermissionsDelete", "PermissionsViewAllRecords", "PermissionsModifyAllRecords")


class Platform:
    def __init__(self, engine: Engine, database: Database, *, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._database = database
        self.now = now
        self._actor = Actor(user_id=_NOBODY, objects=database.objects, counted=False, platform=True)

    def knows(self, sobject: str) -> bool:
        return sobject in self._database.objects

    def field_names(self, sobject: str) -> list[str]:
        return list(self._database.objects[sobject].fields)

    def create(self, sobject: str, fields: Mapping[str, Any]) -> str:
        record_id = self._engine.create(sobject, fields, self._actor)
        self._engine.commit()
        return record_id

    def update(self, sobject: str, record_id: str, fields: Mapping[str, Any]) -> None:
        self._engine.update(sobject, record_id, fields, self._actor)
        self._engine.commit()

    def remove(self, sobject: str, record_id: str) -> None:
        self._engine.delete(sobject, record_id, self._actor)
        self._engine.commit()

    def rows(self, sobject: str, **wanted: Any) -> list[Row]:
        """Stored rows whose fields equal the wanted values; None means empty."""
        return [
            row
            for row in self._database.tables[sobject].rows.values()
            if all(row.get(name) == value for name, value in wanted.items())
        ]

    def row(self, sobject: str, **wanted: Any) -> Row:
        """The only such row."""
        (found,) = self.rows(sobject, **wanted)
        return found

    def durable_id(self, sobject: str) -> str:
        return ids.durable_id(sobject, self._database.objects[sobject].key_prefix)

    def profile_sets(self, *, but_admin: bool = False) -> list[str]:
        """Ids of the permission sets that profiles own; those with Modify All Data are an administrator's."""
        rows = self.rows("PermissionSet", IsOwnedByProfile=True)
        return [row["Id"] for row in rows if not (but_admin and row.get("PermissionsModifyAllData"))]

    def allow_everything(self, permission_set: str) -> None:
        """Rows for every object, with ids that begin with 000: what "Modify All Data" looks like (object reference,
        ObjectPermissions: Determining Object Access with "Modify All Data").
        """
        names = [name for name, obj in self._database.objects.items() if "data" in obj.apis and obj.createable]
        rights = dict.fromkeys((*_RIGHTS, *_MORE_RIGHTS), True)
        for number, sobject in enumerate(names, 1):
            row_id = ids.new_id("000", "000", number)
            self.create(
                "ObjectPermissions", {"Id": row_id, "ParentId": permission_set, "SobjectType": sobject, **rights}
            )

    def allow(self, permission_set: str, sobject: str) -> None:
        """Read, create and edit on an object through a permission set."""
        rights = dict.fromkeys(_RIGHTS, True)
        self.create("ObjectPermissions", {"ParentId": permission_set, "SobjectType": sobject, **rights})

    def assign(self, permission_set: str, user_id: str) -> str:
        fields = {"PermissionSetId": permission_set, "AssigneeId": user_id, "IsActive": True}
        return self.create("PermissionSetAssignment", fields)
