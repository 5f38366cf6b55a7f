"""Single records: read, create, update, delete, upsert; and what changed or vanished since."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from connector.sandbox.salesforce.errors import ApiError, not_found, unknown_column
from connector.sandbox.salesforce.ids import as_18
from connector.sandbox.salesforce.rest.wire import Reply, load_object
from connector.sandbox.salesforce.values import parse_datetime, wire_datetime

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.sandbox.salesforce.rest.context import Call, Context
    from connector.sandbox.salesforce.schema import Field, SObject
    from connector.sandbox.salesforce.table import Row

_MAX_REPLICATION_DAYS = 30
_MAX_REPLICATION_IDS = 600_000


def body_of(call: Call) -> dict[str, Any]:
    """The JSON object of a request or of a composite subrequest."""
    if isinstance(call.body, bytes):
        return load_object(call.body)
    if not isinstance(call.body, dict):
        raise ApiError(
            400, "JSON_PARSER_ERROR", "The HTTP entity body is required, but this request has no entity body."
        )
    return call.body


def create(context: Context, call: Call, obj: SObject) -> Reply:
    if not obj.createable:
        raise ApiError(405, "METHOD_NOT_ALLOWED", "HTTP Method 'POST' not allowed. Allowed are HEAD,GET")
    record_id = context.engine.create(obj.name, body_of(call), context.actor)
    location = f"{context.root}/sobjects/{obj.name}/{record_id}"
    return Reply(status=201, body={"id": record_id, "success": True, "errors": []}, headers={"Location": location})


def read(context: Context, call: Call, obj: SObject, row: Row) -> Reply:
    """The record with all fields, or those in `fields=`; understands If-Modified-Since and If-Unmodified-Since."""
    if _condition_fails(call, row):
        return Reply(status=304 if "if-modified-since" in call.headers else 412)
    names = [name for name in call.parameters.get("fields", "").split(",") if name]
    return Reply(body=record_body(context, obj, row, names or list(obj.fields)))


def record_body(context: Context, obj: SObject, row: Row, names: list[str]) -> dict[str, Any]:
    """A record as JSON; raises INVALID_FIELD for a field the caller does not see."""
    body: dict[str, Any] = {
        "attributes": {"type": obj.name, "url": f"{context.root}/sobjects/{obj.name}/{row['Id']}"},
    }
    for name in ["Id", *names]:
        known = obj.find(name.strip())
        if known is None:
            raise unknown_column(name, obj.name)
        body[known.name] = context.database.reader(obj.name, known.name)(row)
    return body


def update(context: Context, call: Call, obj: SObject, row: Row) -> Reply:
    body = body_of(call)
    if _condition_fails(call, row):
        return Reply(status=412)
    if "Id" in body:
        raise ApiError(400, "INVALID_FIELD", "The Id field should not be specified in the sobject data.")
    context.engine.update(obj.name, row["Id"], body, context.actor)
    return Reply(status=204)


def delete(context: Context, obj: SObject, row: Row) -> Reply:
    if not obj.deletable:
        raise ApiError(405, "METHOD_NOT_ALLOWED", "HTTP Method 'DELETE' not allowed. Allowed are HEAD,GET,PATCH")
    context.engine.delete(obj.name, row["Id"], context.actor)
    return Reply(status=204)


def row_by_id(context: Context, obj: SObject, text: str) -> Row:
    """The live record of an id in a URL. Raises NOT_FOUND or ENTITY_IS_DELETED."""
    record_id = as_18(text)
    if record_id is None:
        raise not_found(f"Provided external ID field does not exist or is not accessible: {text}")
    table = context.database.tables[obj.name]
    row = table.rows.get(record_id)
    if row is None:
        if record_id in table.deleted:
            raise ApiError(404, "ENTITY_IS_DELETED", "entity is deleted", [])
        raise not_found()
    return row


def external_id_field(obj: SObject, name: str) -> Field:
    """A field usable in `sobjects/X/Field/value`; raises NOT_FOUND, worded as recorded from a real org."""
    known = obj.find(name)
    if known is None or not (known.external_id or known.id_lookup):
        raise not_found(f"Provided external ID field does not exist or is not accessible: {name}")
    return known


def rows_by_external_id(context: Context, obj: SObject, known: Field, value: str) -> list[Row]:
    table = context.database.tables[obj.name]
    if known.name == "Id":
        record_id = as_18(value)
        return [] if record_id is None or record_id not in table.rows else [table.rows[record_id]]
    if table.is_indexed(known.name):
        return [table.rows[record_id] for record_id in table.ids_where(known.name, [value])]
    return [row for row in table.rows.values() if str(row.get(known.name, "")).lower() == value.lower()]


def by_external_id(context: Context, call: Call, obj: SObject, name: str, value: str) -> Reply:
    """GET, DELETE and upsert on `sobjects/X/Field/value`."""
    known = external_id_field(obj, name)
    rows = rows_by_external_id(context, obj, known, value)
    if len(rows) > 1:
        return Reply(status=300, body=[f"{context.root}/sobjects/{obj.name}/{row['Id']}" for row in rows])
    if call.method == "PATCH":
        return _upsert(context, call, obj, known, value, rows)
    if not rows:
        raise not_found()
    if call.method == "DELETE":
        return delete(context, obj, rows[0])
    return read(context, call, obj, rows[0])


def _upsert(context: Context, call: Call, obj: SObject, known: Field, value: str, rows: list[Row]) -> Reply:
    body = body_of(call)
    if known.name in body or "Id" in body:
        name = known.name if known.name in body else "Id"
        message = f"The {name} field should not be specified in the sobject data."
        raise ApiError(400, "INVALID_FIELD", message)
    if rows:
        if _condition_fails(call, rows[0]):
            return Reply(status=412)
        context.engine.update(obj.name, rows[0]["Id"], body, context.actor)
        return Reply(body={"id": rows[0]["Id"], "success": True, "errors": [], "created": False})
    if call.parameters.get("updateOnly", "").lower() == "true" or known.name == "Id":
        raise not_found()
    record_id = context.engine.create(obj.name, {**body, known.name: value}, context.actor)
    return Reply(status=201, body={"id": record_id, "success": True, "errors": [], "created": True})


def _condition_fails(call: Call, row: Mapping[str, Any]) -> bool:
    """The weak date conditions: one second's resolution, against LastModifiedDate (platform.md B)."""
    changed = parse_datetime(row.get("LastModifiedDate", row["SystemModstamp"]))
    if call.method == "GET" and "if-modified-since" in call.headers:
        return changed <= _http_date(call.headers["if-modified-since"])
    if "if-unmodified-since" in call.headers:
        return changed > _http_date(call.headers["if-unmodified-since"])
    return False


def _http_date(text: str) -> datetime:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        raise ApiError(400, "INVALID_HEADER", f"not an HTTP date: {text}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


# -- replication ------------------------------------------------------------------------------------------------


def updated(context: Context, call: Call, obj: SObject) -> Reply:
    """`sobjects/X/updated`: ids created or changed in [start, end)."""
    start, end = _span(context, call)
    table = context.database.tables[obj.name]
    ids = [record_id for stamp, record_id in table.by_modstamp if start <= stamp < end]
    if len(ids) > _MAX_REPLICATION_IDS:
        raise ApiError(400, "EXCEEDED_ID_LIMIT", f"more than {_MAX_REPLICATION_IDS} ids in the time span")
    return Reply(body={"ids": ids, "latestDateCovered": min(end, wire_datetime(context.now))})


def deleted(context: Context, call: Call, obj: SObject) -> Reply:
    """`sobjects/X/deleted`: what went to the recycle bin in [start, end)."""
    start, end = _span(context, call)
    rows = [row for row in context.database.tables[obj.name].deleted.values() if start <= row["SystemModstamp"] < end]
    return Reply(
        body={
            "deletedRecords": [{"id": row["Id"], "deletedDate": row["SystemModstamp"]} for row in rows],
            "earliestDateAvailable": wire_datetime(context.now - timedelta(days=_MAX_REPLICATION_DAYS)),
            "latestDateCovered": min(end, wire_datetime(context.now)),
        }
    )


def _span(context: Context, call: Call) -> tuple[str, str]:
    """The time span to whole minutes: seconds are ignored."""
    moments = []
    for name in ("start", "end"):
        try:
            moments.append(
                parse_datetime(call.parameters.get(name, "").replace(" ", "+")).replace(second=0, microsecond=0)
            )
        except ValueError:
            raise ApiError(400, "INVALID_REPLICATION_DATE", f"{name} is not a date and time with an offset") from None
    start, end = moments
    if start >= end:
        raise ApiError(400, "INVALID_REPLICATION_DATE", "startDate must be before endDate")
    if start < context.now - timedelta(days=_MAX_REPLICATION_DAYS, minutes=1):
        raise ApiError(400, "INVALID_REPLICATION_DATE", "startDate cannot be more than 30 days ago")
    return wire_datetime(start), wire_datetime(end)
