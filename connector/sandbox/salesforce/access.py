"""What a user may see and do: the sum of their profile and of the permission sets assigned to them.

The profile of this org's users lets them at every standard and package field. Fields an administrator deployed are seen
only through a permission set that grants them, as field-level security has it, and some Setup objects and rows only
with a system permission.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from connector.sandbox.salesforce import schema
from connector.sandbox.salesforce.engine import Actor

if TYPE_CHECKING:
    from connector.sandbox.salesforce.database import Database
    from connector.sandbox.salesforce.errors import ApiError
    from connector.sandbox.salesforce.schema import SObject
    from connector.sandbox.salesforce.table import Row

RowFilter = Callable[["Row"], bool]
View = dict[str, "SObject"]
#: changes how an object looks to the API user: (object, field name) to the new object
Change = Callable[["SObject", str], "SObject"]

# Tables whose changes may change what somebody sees.
_WATCHED = ("User", "PermissionSet", "PermissionSetAssignment", "PermissionSetGroupComponent", "FieldPermissions")
_VIEW_SETUP = "PermissionsViewSetup"
_ASSIGN = "PermissionsAssignPermissionSets"
_MANAGE_USERS = "PermissionsManageUsers"
_MANAGE_SETS = "PermissionsManageProfilesPermissionsets"
# Objects that do not exist for users without any of the permissions. The first: platform.md, finding 2; the second is
# about the same permission's right; the rest: "Special Access Rules" of the object reference.
_OBJECT_NEEDS = {
    "InstalledSubscriberPackage": {"PermissionsInstallPackaging"},
    "PackageInstallRequest": {"PermissionsInstallPackaging"},
    "ObjectPermissions": {_VIEW_SETUP},
    "FieldPermissions": {_VIEW_SETUP},
    "PermissionSetGroupComponent": {_VIEW_SETUP},
    "PermissionSetAssignment": {_VIEW_SETUP, _ASSIGN, _MANAGE_USERS},
    "PermissionSetLicenseAssign": {_VIEW_SETUP, _ASSIGN},
}
# What it takes to write them: who may see assignments may not therefore hand them out.
_WRITING_NEEDS = {
    "PermissionSetAssignment": _ASSIGN,
    "PermissionSetLicenseAssign": _ASSIGN,
    "PermissionSet": _MANAGE_SETS,
    "PermissionSetGroup": _MANAGE_SETS,
    "PermissionSetGroupComponent": _MANAGE_SETS,
    "ObjectPermissions": _MANAGE_SETS,
    "FieldPermissions": _MANAGE_SETS,
    "Profile": _MANAGE_SETS,
    "User": _MANAGE_USERS,
}
# platform.md A1: "DeveloperName visible only with View Setup".
_FIELD_NEEDS = {("PermissionSetLicense", "DeveloperName"): _VIEW_SETUP}
# Without the permission, only a user's own rows (object reference: OauthToken, LoginHistory).
_ROWS_NEED = {"OauthToken": "PermissionsCustomizeApplication", "LoginHistory": _MANAGE_USERS}


class Access:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._changes: list[tuple[str, str, Change]] = []
        self._cache: dict[str, tuple[tuple[int, ...], Actor]] = {}
        self._revision = 0
        self._refused: dict[str, ApiError] = {}
        #: object to its definition and the fields of it that can be secured
        self._secured: dict[str, tuple[schema.SObject, tuple[str, ...]]] = {}
        #: object to the ids nobody shares with the API's users
        self._unshared: dict[str, set[str]] = {}

    def refuse(self, sobject: str, error: ApiError) -> None:
        """Every query of the object fails from now on: the platform has a bad day with it."""
        self._refused[sobject.lower()] = error

    def check_query(self, sobject: str) -> None:
        """Raises what `refuse` was told."""
        if (error := self._refused.get(sobject.lower())) is not None:
            raise error

    def share(self, sobject: str, record_id: str, *, hidden: bool) -> None:
        ids = self._unshared.setdefault(sobject, set())
        if hidden:
            ids.add(record_id)
        else:
            ids.discard(record_id)

    def change_view(self, sobject: str, field_name: str, change: Change) -> None:
        """Field-level security set by hand for every API user."""
        self._changes.append((sobject, field_name, change))
        self._revision += 1

    def restore_view(self, sobject: str, field_name: str) -> None:
        """Takes back what was set by hand for this field."""
        self._changes = [change for change in self._changes if change[:2] != (sobject, field_name)]
        self._revision += 1

    def definitions_changed(self) -> None:
        self._revision += 1

    def actor(self, user_id: str) -> Actor:
        """The user with what they see of each object."""
        known, key = self._cache.get(user_id), self._state()
        if known is None or known[0] != key:
            permissions = self.permissions(user_id)
            locked = frozenset(name for name, needed in _WRITING_NEEDS.items() if needed not in permissions)
            known = key, Actor(user_id=user_id, objects=self._view(user_id, permissions), counted=True, locked=locked)
            self._cache[user_id] = known
        return known[1]

    def permission_sets(self, user_id: str) -> set[str]:
        """Ids of the sets that count for a user: the profile's own, the assigned ones, and those of assigned groups."""
        tables = self._database.tables
        profile = tables["User"].rows[user_id].get("ProfileId")
        found = {
            row["Id"] for row in tables["PermissionSet"].rows.values() if profile and row.get("ProfileId") == profile
        }
        groups = set()
        for assignment_id in tables["PermissionSetAssignment"].children("AssigneeId", user_id):
            assignment = tables["PermissionSetAssignment"].rows[assignment_id]
            found.add(assignment.get("PermissionSetId", ""))
            groups.add(assignment.get("PermissionSetGroupId", ""))
        for component in tables["PermissionSetGroupComponent"].rows.values():
            if component["PermissionSetGroupId"] in groups:
                found.add(component["PermissionSetId"])
        return found & tables["PermissionSet"].rows.keys()

    def permissions(self, user_id: str) -> set[str]:
        """System permissions in effect, by the names of their fields: `PermissionsViewSetup`."""
        rows = self._database.tables["PermissionSet"].rows
        return {
            name
            for set_id in self.permission_sets(user_id)
            for name, value in rows[set_id].items()
            if value is True and name.startswith("Permissions")
        }

    def row_filter(self, user_id: str, sobject: str) -> RowFilter | None:
        """Which rows of an object a user sees; None: all of them."""
        hidden = self._unshared.get(sobject)
        if hidden:
            return lambda row: row["Id"] not in hidden
        needed = _ROWS_NEED.get(sobject)
        if needed is None or needed in self.permissions(user_id):
            return None
        return lambda row: row.get("UserId") == user_id

    def _state(self) -> tuple[int, ...]:
        return (self._revision, *(self._database.tables[name].version for name in _WATCHED))

    def _view(self, user_id: str, permissions: set[str]) -> View:
        seen = {
            name: obj
            for name, obj in self._database.objects.items()
            if name not in _OBJECT_NEEDS or _OBJECT_NEEDS[name] & permissions
        }
        for (name, field_name), needed in _FIELD_NEEDS.items():
            if needed not in permissions:
                seen[name] = schema.without_field(seen[name], field_name)
        granted = self._granted_fields(user_id)
        for name, field_name in self._secured_fields():
            if name in seen:
                editable = granted.get(f"{name}.{field_name}")
                if editable is None:
                    seen[name] = schema.without_field(seen[name], field_name)
                elif not editable:
                    seen[name] = schema.with_read_only_field(seen[name], field_name)
        for name, field_name, change in self._changes:
            if name in seen and field_name in seen[name].fields:
                seen[name] = change(seen[name], field_name)
        return seen

    def _secured_fields(self) -> Iterator[tuple[str, str]]:
        """Fields an administrator deployed. A required field is everybody's: it cannot be secured."""
        for name, obj in self._database.objects.items():
            known = self._secured.get(name)
            if known is None or known[0] is not obj:
                known = self._secured[name] = obj, _secured_of(obj)
            yield from ((name, field_name) for field_name in known[1])

    def _granted_fields(self, user_id: str) -> dict[str, bool]:
        """`Object.Field` to whether it may be edited."""
        table = self._database.tables["FieldPermissions"]
        granted: dict[str, bool] = {}
        for set_id in self.permission_sets(user_id):
            for row_id in table.children("ParentId", set_id):
                row = table.rows[row_id]
                if row.get("PermissionsRead"):
                    name = row["Field"]
                    granted[name] = granted.get(name, False) or row.get("PermissionsEdit", False)
        return granted


def _secured_of(obj: schema.SObject) -> tuple[str, ...]:
    return tuple(
        field.name
        for field in obj.fields.values()
        if field.name.endswith("__c") and schema.namespace_of(field.name) is None and not field.required
    )
