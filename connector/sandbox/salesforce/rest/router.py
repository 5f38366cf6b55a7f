"""From method and path to the resource."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from connector.sandbox.salesforce.errors import ApiError, not_found
from connector.sandbox.salesforce.rest import collections, composite, deploy, describe, queries, records
from connector.sandbox.salesforce.rest.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.sandbox.salesforce.rest.context import Call, Context

_RESOURCES = ("composite", "limits", "metadata", "query", "queryAll", "sobjects", "tooling")
_TOOLING_RESOURCES = ("query", "queryAll", "sobjects")


def resource_name(segments: tuple[str, ...]) -> str:
    """What the counters call a request."""
    if segments[:2] == ("composite", "sobjects"):
        return "collections"
    if segments[:1] == ("sobjects",) and len(segments) > 2 and segments[2] in {"describe", "updated", "deleted"}:
        return segments[2]
    return segments[0] if segments and segments[0] in _RESOURCES else "other"


def dispatch(context: Context, call: Call, *, all_or_none: bool = False) -> Reply:
    """Answers a call; raises ApiError. `all_or_none` is imposed on collections by an outer composite."""
    match call.segments:
        case ():
            _allow(call, "GET")
            return Reply(body={name: f"{context.root}/{name}" for name in _RESOURCES})
        case ("limits",):
            _allow(call, "GET")
            return Reply(body=_limits(context))
        case ("metadata", "deployRequest", *rest):
            return _deploy(context, call, rest)
        case ("tooling", *rest) if context.api == "data":
            return _tooling(replace(context, api="tooling"), replace(call, segments=tuple(rest)))
        case ("limits", "recordCount"):
            _allow(call, "GET")
            return _record_count(context, call)
        case ("query" | "queryAll" as name,):
            _allow(call, "GET")
            return queries.query(context, call, with_deleted=name == "queryAll")
        case ("query" | "queryAll" as name, locator):
            _allow(call, "GET")
            return queries.more(context, unquote(locator), name)
        case ("sobjects", *rest):
            return _sobjects(context, call, [unquote(part) for part in rest])
        case ("composite", *rest):
            return _composite(context, call, [unquote(part) for part in rest], all_or_none=all_or_none)
    raise not_found()


def _composite(context: Context, call: Call, rest: list[str], *, all_or_none: bool) -> Reply:
    match rest:
        case ["sobjects", *named]:
            return _collections(context, call, named, all_or_none=all_or_none or None)
        case []:
            _allow(call, "POST")
            return composite.composite(context, call, _sub_dispatch(context))
        case ["batch"]:
            _allow(call, "POST")
            return composite.batch(context, call, _sub_dispatch(context))
    raise not_found()


def _deploy(context: Context, call: Call, rest: list[str]) -> Reply:
    match rest:
        case []:
            _allow(call, "POST")
            return deploy.start(context, call)
        case [deploy_id]:
            _allow(call, "GET")
            return deploy.status(context, call, deploy_id)
    raise not_found()


def _tooling(context: Context, call: Call) -> Reply:
    if not call.segments:
        _allow(call, "GET")
        return Reply(body={name: f"{context.root}/{name}" for name in _TOOLING_RESOURCES})
    if call.segments[0] not in _TOOLING_RESOURCES:
        raise not_found()
    return dispatch(context, call)


def _sub_dispatch(context: Context) -> Callable[[Call, bool], Reply]:
    return lambda call, all_or_none: dispatch(context, call, all_or_none=all_or_none)


def _sobjects(context: Context, call: Call, rest: list[str]) -> Reply:
    if not rest:
        _allow(call, "GET")
        return Reply(body=describe.describe_global(context.objects, context.root))
    obj = context.sobject(rest[0])
    match rest[1:]:
        case []:
            if _allow(call, "GET", "POST") == "POST":
                return records.create(context, call, obj)
            return Reply(body=describe.basic_information(obj, context.root, []))
        case ["describe"]:
            _allow(call, "GET")
            return Reply(body=describe.describe_object(obj, context.objects, context.root))
        case ["updated"]:
            _allow(call, "GET")
            return records.updated(context, call, obj)
        case ["deleted"]:
            _allow(call, "GET")
            return records.deleted(context, call, obj)
        case [record_id]:
            return _record(context, call, obj.name, record_id)
        case [field_name, value]:
            _allow(call, "GET", "PATCH", "DELETE")
            return records.by_external_id(context, call, obj, field_name, value)
    raise not_found()


def _record(context: Context, call: Call, sobject: str, record_id: str) -> Reply:
    obj = context.sobject(sobject)
    _allow(call, "GET", "PATCH", "DELETE")
    row = records.row_by_id(context, obj, record_id)
    if call.method == "PATCH":
        return records.update(context, call, obj, row)
    if call.method == "DELETE":
        return records.delete(context, obj, row)
    return records.read(context, call, obj, row)


def _collections(context: Context, call: Call, rest: list[str], *, all_or_none: bool | None) -> Reply:
    match rest:
        case []:
            method = _allow(call, "POST", "PATCH", "DELETE")
            write = {"POST": collections.create, "PATCH": collections.update, "DELETE": collections.delete}[method]
            return write(context, call, all_or_none=all_or_none)
        case [name]:
            _allow(call, "GET", "POST")
            return collections.retrieve(context, call, context.sobject(name))
        case [name, field_name]:
            _allow(call, "PATCH")
            return collections.upsert(context, call, context.sobject(name), field_name, all_or_none=all_or_none)
    raise not_found()


def _allow(call: Call, *methods: str) -> str:
    if call.method == "HEAD" and "GET" in methods:
        return "GET"
    if call.method not in methods:
        message = f"HTTP Method '{call.method}' not allowed. Allowed are {','.join(methods)}"
        raise ApiError(405, "METHOD_NOT_ALLOWED", message)
    return call.method


def _limits(context: Context) -> dict[str, dict[str, int]]:
    if "PermissionsViewSetup" not in context.permissions:
        # platform.md B, "Limits": the resource needs View Setup. How the refusal is worded is not known.
        raise ApiError(403, "INSUFFICIENT_ACCESS", "You need the View Setup and Configuration permission")
    left = max(context.api_limit - context.api_used, 0)
    return {
        "DailyApiRequests": {"Max": context.api_limit, "Remaining": left},
        "DataStorageMB": {"Max": 1024, "Remaining": 1000},
        "FileStorageMB": {"Max": 1024, "Remaining": 1024},
    }


def _record_count(context: Context, call: Call) -> Reply:
    names = [name for name in call.parameters.get("sObjects", "").split(",") if name]
    counts = [
        {"count": len(context.database.tables[name].rows), "name": name}
        for name in (names or context.objects)
        if name in context.objects
    ]
    return Reply(body={"sObjects": counts})
