"""What an administrator or a deployment adds to the org: custom fields, and permission sets with what they grant."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from connector.sandbox.salesforce import schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.sandbox.salesforce.access import Access
    from connector.sandbox.salesforce.database import Database
    from connector.sandbox.salesforce.engine import Engine
    from connector.sandbox.salesforce.metadata import PermissionSet
    from connector.sandbox.salesforce.platform import Platform
    from connector.sandbox.salesforce.table import Row


class Customizing:
    def __init__(self, database: Database, engine: Engine, platform: Platform, access: Access) -> None:
        self._database = database
        self._engine = engine
        self._platform = platform
        self._access = access
        #: deployed while the org ran: object, then the fields in the vocabulary of the schema files
        self.deployed: dict[str, list[dict[str, Any]]] = {}

    # -- custom fields ------------------------------------------------------------------------------------------

    def compare_field(self, sobject: str, entry: Mapping[str, Any]) -> tuple[bool, bool]:
        """(created, changed) a deployment would report. Raises ValueError when it would be refused."""
        obj = self._database.objects.get(sobject)
        if obj is None:
            raise ValueError(f"Entity of type 'CustomObject' named '{sobject}' cannot be found")
        field, known = schema.custom_field(sobject, entry), obj.fields.get(entry["name"])
        if known is not None and known.type != field.type:
            raise ValueError(f"Cannot change type of custom field {field.name} from {known.type} to {field.type}")
        return known is None, known != field

    def put_field(self, sobject: str, entry: dict[str, Any]) -> None:
        self.deployed[sobject] = [
            *(other for other in self.deployed.get(sobject, []) if other["name"] != entry["name"]),
            entry,
        ]
        changed = schema.with_fields(self._database.objects[sobject], [schema.custom_field(sobject, entry)])
        self._database.redefine(changed)
        self._engine.learn(sobject)
        self._access.definitions_changed()

    # -- permission sets ----------------------------------------------------------------------------------------

    def compare_permission_set(self, wanted: PermissionSet, pending: set[str]) -> tuple[bool, bool]:
        """(created, changed); `pending` are fields of the same deployment. Raises ValueError when it would be refused."""
        for sobject in wanted.objects:
            if sobject not in self._database.objects:
                raise ValueError(f"In field: object - no CustomObject named {sobject} found")
        for name in wanted.fields:
            sobject, _, field_name = name.partition(".")
            obj = self._database.objects.get(sobject)
            if name not in pending and (obj is None or field_name not in obj.fields):
                raise ValueError(f"In field: field - no CustomField named {name} found")
        known_permissions = set(self._platform.field_names("PermissionSet"))
        for permission in wanted.permissions:
            if permission not in known_permissions:
                raise ValueError(f"Unknown user permission: {permission.removeprefix('Permissions')}")
        rows = self._platform.rows("PermissionSet", Name=wanted.name, NamespacePrefix=None)
        if not rows:
            return True, True
        return False, self._granted(rows[0]) != _wish(wanted)

    def put_fitting(self, wanted: PermissionSet) -> str:
        """Creates what of a permission set fits this org: an administrator leaves out what is not installed."""
        objects = self._database.objects
        fields = {
            name: editable
            for name, editable in wanted.fields.items()
            if (obj := objects.get(name.partition(".")[0])) is not None and name.partition(".")[2] in obj.fields
        }
        rights = {name: granted for name, granted in wanted.objects.items() if name in objects}
        return self.put_permission_set(replace(wanted, fields=fields, objects=rights))

    def put_permission_set(self, wanted: PermissionSet) -> str:
        """Creates it or makes it equal to what is wanted; the id."""
        rows = self._platform.rows("PermissionSet", Name=wanted.name, NamespacePrefix=None)
        head = {"Label": wanted.label, "Description": wanted.description, **dict.fromkeys(wanted.permissions, True)}
        if rows:
            set_id: str = rows[0]["Id"]
            gone = {name: False for name, on in rows[0].items() if name.startswith("Permissions") and on is True}
            self._platform.update("PermissionSet", set_id, {**gone, **head})
            for table in ("ObjectPermissions", "FieldPermissions"):
                for row in self._platform.rows(table, ParentId=set_id):
                    self._platform.remove(table, row["Id"])
        else:
            set_id = self._platform.create("PermissionSet", {"Name": wanted.name, "IsCustom": True, **head})
        parent = {"ParentId": set_id}
        for sobject, rights in wanted.objects.items():
            self._platform.create("ObjectPermissions", {**parent, "SobjectType": sobject, **rights})
        for name, editable in wanted.fields.items():
            rights = {"PermissionsRead": True, "PermissionsEdit": editable}
            self._platform.create(
                "FieldPermissions", {**parent, "SobjectType": name.partition(".")[0], "Field": name, **rights}
            )
        return set_id

    def _granted(self, row: Row) -> tuple[Any, ...]:
        fields = self._platform.rows("FieldPermissions", ParentId=row["Id"])
        objects = self._platform.rows("ObjectPermissions", ParentId=row["Id"])
        return (
            row.get("Label"),
            row.get("Description"),
            {name for name, on in row.items() if name.startswith("Permissions") and on is True},
            {one["Field"]: one.get("PermissionsEdit", False) for one in fields},
            {
                one["SobjectType"]: {name for name, on in one.items() if name.startswith("Permissions") and on is True}
                for one in objects
            },
        )


def _wish(wanted: PermissionSet) -> tuple[Any, ...]:
    objects = {sobject: {name for name, on in rights.items() if on} for sobject, rights in wanted.objects.items()}
    return wanted.label, wanted.description, set(wanted.permissions), wanted.fields, objects
