"""Objects whose rows the platform works out when asked: effective permissions, and the definitions of objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
        return {name: _definition(obj) for name, obj in database.objects.items() if "data" in obj.apis}

    database.derive("UserPermissionAccess", permissions)
    database.derive("EntityDefinition", definitions)


def _definition(obj: SObject) -> Row:
    # A custom object's durable id is a number of its own in a real org; here its name serves for all.
    namespace = namespace_of(obj.name)
    row: Row = {
        "Id": _NO_ID,
        "SystemModstamp": "",
        "DurableId": obj.name,
        "QualifiedApiName": obj.name,
        "DeveloperName": obj.name.removesuffix("__c").removeprefix(f"{namespace}__"),
        "KeyPrefix": obj.key_prefix,
        "Label": obj.label,
        "MasterLabel": obj.label,
        "PluralLabel": obj.plural_label,
        "IsQueryable": True,
    }
    return row if namespace is None else {**row, "NamespacePrefix": namespace}
