"""What the org has of our metadata already: two calls, read as values. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from connector.core.errors import Refused
from connector.core.metadata import FieldDefinition, Grants, OrgState, PermissionSetSeen, Person
from connector.core.model import Side
from connector.salesforce import soql
from connector.salesforce.composite import Query, SubRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from connector.core.metadata import Metadata
    from connector.salesforce.client import Client
    from connector.salesforce.composite import SubReply

#: Deploying needs both (Metadata API Developer Guide, meta_modify_metadata_perm); the first may be had as Modify All Data.
_MODIFY_METADATA: Final = "Modify Metadata Through Metadata API Functions"
_CUSTOMIZE: Final = "Customize Application"

_ORGANIZATION: Final = "SELECT Id,Name,IsSandbox FROM Organization LIMIT 1"
_ACCESS: Final = (
    "SELECT PermissionsModifyMetadata,PermissionsModifyAllData,PermissionsCustomizeApplication "
    "FROM UserPermissionAccess LIMIT 1"
)
#: what a user who may not read permission sets is answered with
_NOT_READABLE: Final = frozenset({400, 403, 404})
#: describe's words for the types we deploy; any other type stays as it is called there
_TYPES: Final = {"string": "Text", "url": "Url", "currency": "Currency"}
_RIGHTS: Final = {
    "PermissionsRead": "read",
    "PermissionsCreate": "create",
    "PermissionsEdit": "edit",
    "PermissionsDelete": "delete",
    "PermissionsViewAllRecords": "view all",
    "PermissionsModifyAllRecords": "modify all",
}


def fetch_org_state(client: Client, metadata: Metadata, *, assignee: str | None) -> OrgState:
    """`assignee` is a username; None means who is signed in. Raises RemoteError."""
    me = client.read_host("/services/oauth2/userinfo")
    signed_in = Person(
        id=soql.record_id(me["user_id"]), username=me["preferred_username"], is_active=bool(me.get("active", True))
    )
    wanted = assignee or signed_in.username
    objects = tuple(dict.fromkeys(field.object for field in metadata.fields))
    queries = _queries(metadata, wanted)
    parts = [query.request() for query in queries.values()]
    parts += [_describe(name) for name in objects]
    replies = client.composite(parts)
    rows = {name: _rows(reply) for name, reply in zip(queries, replies, strict=False)}
    described = {
        name: reply.body for name, reply in zip(objects, replies[len(queries) :], strict=True) if reply.status == 200
    }
    organization = _known(rows, "organization")
    if not organization:
        raise Refused("the user cannot see the Organization record", side=Side.SALESFORCE, action="look at the org")
    return OrgState(
        org_id=soql.record_id(organization[0]["Id"]),
        org_name=organization[0]["Name"],
        is_sandbox=bool(organization[0]["IsSandbox"]),
        signed_in=signed_in,
        assignee=_person(_known(rows, "assignee")),
        assignee_name=wanted,
        lacking=_lacking(_known(rows, "access")),
        objects=_objects(metadata, rows["objects"]) | described.keys(),
        fields=_fields(metadata, described),
        given_fields=frozenset(row["Field"] for row in _known(rows, "given")),
        permission_set=_permission_set(rows),
        is_assigned=bool(_known(rows, "assignment")),
    )


def _queries(metadata: Metadata, username: str) -> dict[str, Query]:
    """By name; those a user may be refused are answered with None."""
    name, user = soql.literal(metadata.permission_set), soql.literal(username)
    ours = f"Parent.Name = {name} AND Parent.NamespacePrefix = null"
    texts = {
        "organization": _ORGANIZATION,
        "access": _ACCESS,
        "assignee": f"SELECT Id,Username,IsActive FROM User WHERE Username = {user}",  # noqa: S608 - through soql.literal
        "objects": "SELECT QualifiedApiName FROM EntityDefinition "  # noqa: S608 - as above
        f"WHERE QualifiedApiName IN ({_list(metadata.objects)})",
        "set": f"SELECT Id FROM PermissionSet WHERE Name = {name} AND NamespacePrefix = null",  # noqa: S608 - as above
        "assignment": "SELECT Id FROM PermissionSetAssignment "  # noqa: S608 - as above
        f"WHERE PermissionSet.Name = {name} AND PermissionSet.NamespacePrefix = null AND Assignee.Username = {user}",
        "given": "SELECT Field FROM FieldPermissions "  # noqa: S608 - as above
        f"WHERE Field IN ({_list(field.full_name for field in metadata.fields)})",
        "object_grants": f"SELECT SobjectType,{','.join(_RIGHTS)} FROM ObjectPermissions WHERE {ours}",  # noqa: S608 - as above
        "field_grants": f"SELECT Field,PermissionsEdit FROM FieldPermissions WHERE {ours}",  # noqa: S608 - as above
    }
    return {
        key: Query(
            text=text,
            action=f"look at the org ({key.replace('_', ' ')})",
            accept=frozenset() if key == "organization" else _NOT_READABLE,
        )
        for key, text in texts.items()
    }


def _list(names: Iterable[str]) -> str:
    return ",".join(soql.literal(name) for name in names)


def _describe(name: str) -> SubRequest:
    path = f"sobjects/{soql.identifier(name)}/describe"
    return SubRequest(path=path, action=f"describe {name}", accept=frozenset({404}))


def _rows(reply: SubReply) -> Sequence[Mapping[str, Any]] | None:
    rows: Sequence[Mapping[str, Any]] | None = reply.body["records"] if reply.status == 200 else None
    return rows


def _known(rows: Mapping[str, Sequence[Mapping[str, Any]] | None], name: str) -> Sequence[Mapping[str, Any]]:
    return rows[name] or ()


def _objects(metadata: Metadata, rows: Sequence[Mapping[str, Any]] | None) -> frozenset[str]:
    """Where the org does not say which exist, the trial of the deployment will."""
    return frozenset(metadata.objects if rows is None else (row["QualifiedApiName"] for row in rows))


def _person(rows: Sequence[Mapping[str, Any]]) -> Person | None:
    if not rows:
        return None
    (row,) = rows
    return Person(id=soql.record_id(row["Id"]), username=row["Username"], is_active=bool(row["IsActive"]))


def _lacking(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Nothing where the org does not say: then the deployment itself will."""
    if not rows:
        return ()
    (row,) = rows
    lacking = []
    if not (row["PermissionsModifyMetadata"] or row["PermissionsModifyAllData"]):
        lacking.append(_MODIFY_METADATA)
    if not row["PermissionsCustomizeApplication"]:
        lacking.append(_CUSTOMIZE)
    return tuple(lacking)


def _fields(metadata: Metadata, described: Mapping[str, Mapping[str, Any]]) -> dict[str, FieldDefinition]:
    wanted = {field.full_name.lower() for field in metadata.fields}
    found = {}
    for name, body in described.items():
        for field in body["fields"]:
            if f"{name}.{field['name']}".lower() in wanted:
                seen = _field(name, field)
                found[seen.full_name] = seen
    return found


def _field(name: str, told: Mapping[str, Any]) -> FieldDefinition:
    return FieldDefinition(
        object=name,
        name=told["name"],
        label=told["label"],
        type=_TYPES.get(told["type"], told["type"]),
        length=told["length"] or None,
        precision=told["precision"] or None,
        scale=told["scale"],
        unique=bool(told["unique"]),
        case_sensitive=bool(told["caseSensitive"]),
        external_id=bool(told["externalId"]),
    )


def _permission_set(rows: Mapping[str, Sequence[Mapping[str, Any]] | None]) -> PermissionSetSeen | None:
    found = _known(rows, "set")
    if not found:
        return None
    objects, fields = rows["object_grants"], rows["field_grants"]
    grants = None
    if objects is not None and fields is not None:
        grants = Grants(
            objects={row["SobjectType"]: frozenset(r for name, r in _RIGHTS.items() if row[name]) for row in objects},
            fields={row["Field"]: bool(row["PermissionsEdit"]) for row in fields},
        )
    return PermissionSetSeen(id=soql.record_id(found[0]["Id"]), grants=grants)
