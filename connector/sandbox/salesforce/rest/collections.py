"""sObject Collections: up to 200 records in one call, each with a result of its own (platform.md B)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from connector.sandbox.salesforce.errors import ApiError, not_found
from connector.sandbox.salesforce.ids import as_18
from connector.sandbox.salesforce.rest import records
from connector.sandbox.salesforce.rest.wire import Reply

if TYPE_CHECKING:
    from connector.sandbox.salesforce.rest.context import Call, Context
    from connector.sandbox.salesforce.schema import Field, SObject

MAX_RECORDS = 200
MAX_RETRIEVED = 2000
_ROLLED_BACK = {
    "statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "message": "Record rolled back because not all records were valid and the request was using AllOrNone header",
    "fields": [],
}
Json = dict[str, Any]
#: one record in, its success row out
Write = Callable[[Mapping[str, Any]], Json]


def create(context: Context, call: Call, *, all_or_none: bool | None = None) -> Reply:
    def write(record: Mapping[str, Any]) -> Json:
        obj = _type_of(context, record)
        if not obj.createable:
            raise ApiError(
                400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be inserted: {obj.label}", []
            )
        return _succeeded(context.engine.create(obj.name, record, context.actor))

    return _write_all(context, call, write, all_or_none)


def update(context: Context, call: Call, *, all_or_none: bool | None = None) -> Reply:
    def write(record: Mapping[str, Any]) -> Json:
        obj = _type_of(context, record)
        record_id = _id_of(record)
        context.engine.update(obj.name, record_id, record, context.actor)
        return _succeeded(record_id)

    return _write_all(context, call, write, all_or_none)


def upsert(context: Context, call: Call, obj: SObject, field_name: str, *, all_or_none: bool | None = None) -> Reply:
    """`PATCH composite/sobjects/X/Field`; X may be matched by its id too, as recorded from a real org."""
    known = records.external_id_field(obj, field_name)
    body = records.body_of(call)
    given = body.get("records")
    rows = [record for record in given if isinstance(record, dict)] if isinstance(given, list) else []
    keys = Counter(_key(known, record) for record in rows)

    def write(record: Mapping[str, Any]) -> Json:
        if _type_of(context, record).name != obj.name:
            raise ApiError(400, "INVALID_TYPE", f"all records must be of type {obj.name}", [])
        value = record.get(known.name)
        if value is None and known.name != "Id":
            raise ApiError(400, "MISSING_ARGUMENT", f"{known.name} not specified", [])
        if value is not None and keys[_key(known, record)] > 1:
            # Every row that shares a key with another is refused, the first as well.
            raise ApiError(400, "DUPLICATE_VALUE", f"Duplicate external id specified: {value}", [])
        return _upsert_one(context, obj, known, record, value)

    return _write_all(context, replace(call, body=body), write, all_or_none)


def delete(context: Context, call: Call, *, all_or_none: bool | None = None) -> Reply:
    ids = [text for text in call.parameters.get("ids", "").split(",") if text]
    _check_count(len(ids), MAX_RECORDS)

    def write(record: Mapping[str, Any]) -> Json:
        record_id = _id_of(record)
        obj = context.database.by_prefix.get(record_id[:3])
        if obj is None or not obj.deletable:
            raise ApiError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
        context.engine.delete(obj.name, record_id, context.actor)
        return _succeeded(record_id)

    if all_or_none is None:
        all_or_none = call.parameters.get("allOrNone", "").lower() == "true"
    return _run(context, [{"Id": text} for text in ids], write, all_or_none=all_or_none)


def retrieve(context: Context, call: Call, obj: SObject) -> Reply:
    """Records by id, null where there is none; by POST or by GET."""
    if call.method == "POST":
        body = records.body_of(call)
        ids, names = body.get("ids"), body.get("fields")
    else:
        ids = [text for text in call.parameters.get("ids", "").split(",") if text]
        names = [text for text in call.parameters.get("fields", "").split(",") if text]
    if not isinstance(ids, list) or not isinstance(names, list) or not names:
        raise ApiError(400, "MISSING_ARGUMENT", "ids and fields are required")
    _check_count(len(ids), MAX_RETRIEVED)
    rows = context.database.tables[obj.name].rows
    found: list[Json | None] = []
    for text in ids:
        row = rows.get(as_18(str(text)) or "")
        found.append(None if row is None else records.record_body(context, obj, row, [str(name) for name in names]))
    return Reply(body=found)


def _upsert_one(context: Context, obj: SObject, known: Field, record: Mapping[str, Any], value: object) -> Json:
    rows = [] if value is None else records.rows_by_external_id(context, obj, known, str(value))
    if len(rows) > 1:
        message = (
            f"{known.name}: more than one record found for external id field: [{', '.join(row['Id'] for row in rows)}]"
        )
        raise ApiError(400, "DUPLICATE_EXTERNAL_ID", message, [known.name])
    if rows:
        context.engine.update(obj.name, rows[0]["Id"], record, context.actor)
        return {**_succeeded(rows[0]["Id"]), "created": False}
    if known.name == "Id" and value is not None:
        raise ApiError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
    body = {name: content for name, content in record.items() if name != "Id"}
    return {**_succeeded(context.engine.create(obj.name, body, context.actor)), "created": True}


def _key(known: Field, record: Mapping[str, Any]) -> str:
    value = str(record.get(known.name))
    return value if known.case_sensitive or known.name == "Id" else value.lower()


def _write_all(context: Context, call: Call, write: Write, all_or_none: bool | None) -> Reply:
    body = records.body_of(call)
    given = body.get("records")
    if not isinstance(given, list) or not all(isinstance(record, dict) for record in given):
        raise ApiError(400, "JSON_PARSER_ERROR", "records must be an array of objects")
    _check_count(len(given), MAX_RECORDS)
    if all_or_none is None:
        all_or_none = body.get("allOrNone") is True
    return _run(context, given, write, all_or_none=all_or_none)


def _run(context: Context, given: list[Json], write: Write, *, all_or_none: bool) -> Reply:
    savepoint = context.engine.savepoint()
    results: list[Json] = []
    for record in given:
        try:
            results.append(write(record))
        except ApiError as error:
            results.append({"success": False, "errors": [error.as_row()]})
    if all_or_none and not all(result["success"] for result in results):
        context.engine.roll_back(savepoint)
        results = [{"success": False, "errors": [_ROLLED_BACK]} if result["success"] else result for result in results]
    return Reply(body=results)


def _succeeded(record_id: str) -> Json:
    return {"id": record_id, "success": True, "errors": []}


def _type_of(context: Context, record: Mapping[str, Any]) -> SObject:
    attributes = record.get("attributes")
    name = attributes.get("type") if isinstance(attributes, Mapping) else None
    if not isinstance(name, str):
        raise ApiError(400, "INVALID_TYPE", "attributes.type is required for every record", [])
    try:
        return context.sobject(name)
    except ApiError:
        raise ApiError(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.", []) from None


def _id_of(record: Mapping[str, Any]) -> str:
    text = record.get("Id", record.get("id"))
    if text is None:
        raise ApiError(400, "MISSING_ARGUMENT", "Id not specified in an update call", ["Id"])
    record_id = as_18(str(text))
    if record_id is None:
        raise ApiError(400, "MALFORMED_ID", f"bad id {text}", ["Id"])
    return record_id


def _check_count(count: int, limit: int) -> None:
    if count > limit:
        message = f"record limit reached. cannot submit more than {limit} records into this call"
        raise ApiError(400, "EXCEEDED_ID_LIMIT", message)
    if count == 0:
        raise not_found("no records given")
