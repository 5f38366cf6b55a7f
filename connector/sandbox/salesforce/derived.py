"""Objects whose rows the platform works out when asked: effective permissions, and the definitions of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.sandbox.salesforce.ids import durable_id
from connector.sandbox.salesforce.schema import namespace_of

if TYPE_CHECKING:
    from connector.sandbox.salesforce.access import Access
    from connector.sandbox.salesforce.database import Database
    from connector.sandbox.salesforce.schema import SObject
    from connector.sandbox.salesforce.table import Row

_NO_ID = "000000000000000AAA"


def define(database: Database, access: Access, user_id: str) -> None:
    """`user_id` is the user behind every API call."""

    def permissions() -> dict[str, Row]:
        row: Row = {"Id": _NO_ID, "SystemModstamp": "", **dict.fromkeys(access.permissions(user_id), True)}
        return {_NO_ID: row}

    def definitions() -> dict[str, Row]:
        rows = (_definition(obj) for obj in database.objects.values() if "data" in obj.apis)
        return {row["DurableId"]: row for row in rows}

    database.derive("UserPermissionAccess", permissions)
    database.derive("EntityDefinition", definitions)


def _definition(obj: SObject) -> Row:
    namespace = namespace_of(obj.name)
    row: Row = {
        "Id": _NO_ID,
        "SystemModstamp": "",
        "DurableId": durable_id(obj.name, obj.key_prefix),
        "QualifiedApiName": obj.name,
        "DeveloperName": obj.name.removesuffix("__c").removeprefix(f"{namespace}__"),
        "KeyPrefix": obj.key_prefix,
        "Label": obj.label,
        "MasterLabel": obj.label,
        "PluralLabel": obj.plural_label,
        "IsQueryable": True,
    }
    return row if namespace is None else {**row, "NamespacePrefix": namespace}
