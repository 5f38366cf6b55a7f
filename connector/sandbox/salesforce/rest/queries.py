"""`query`, `queryAll` and their further pages."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

from connector.sandbox.salesforce.errors import ApiError
from connector.sandbox.salesforce.rest import tooling
from connector.sandbox.salesforce.rest.wire import Reply
from connector.sandbox.salesforce.soql.execute import Result, run_query
from connector.sandbox.salesforce.soql.parser import parse

if TYPE_CHECKING:
    from connector.sandbox.salesforce.rest.context import Call, Context

_BATCH_SIZE = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)


def query(context: Context, call: Call, *, with_deleted: bool) -> Reply:
    """Runs SOQL and answers with the first page."""
    text = call.parameters.get("q")
    if text is None:
        raise ApiError(400, "MALFORMED_QUERY", "SOQL query string must be specified: parameter q is missing")
    try:
        result = _run(context, text, with_deleted=with_deleted)
    except RecursionError:
        raise ApiError(400, "QUERY_TOO_COMPLICATED", "The query is nested too deeply") from None
    return _page(context, result, None, _batch_size(context, call), 0, "queryAll" if with_deleted else "query")


def _run(context: Context, text: str, *, with_deleted: bool) -> Result:
    parsed = parse(text)
    context.access.check_query(parsed.source.text)
    if context.api == "tooling":
        parsed = tooling.prepared(parsed, context.database)
    result = run_query(
        text,
        parsed,
        context.objects,
        context.database,
        today=context.now.date(),
        with_deleted=with_deleted,
        url_prefix=f"{context.root}/sobjects/",
        row_filter=functools.partial(context.access.row_filter, context.actor.user_id),
        envelope=tooling.subquery if context.api == "tooling" else _subquery,
    )
    if context.api == "tooling":
        tooling.check_result(parsed, result)
    return result


def more(context: Context, locator: str, resource: str) -> Reply:
    """A further page by its locator."""
    result, name, batch_size, position = context.cursors.find(locator, context.now)
    return _page(context, result, name, batch_size, position, resource)


def _subquery(_entity: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    return {"totalSize": len(records), "done": True, "records": records}


def _batch_size(context: Context, call: Call) -> int:
    """The wanted page size is a hint, kept between 200 and the largest page (platform.md B, "REST query")."""
    wanted = _BATCH_SIZE.search(call.headers.get("sforce-query-options", ""))
    size = int(wanted.group(1)) if wanted else 2000
    return min(max(size, 200), 2000, context.max_page_size)


def _page(context: Context, result: Result, locator: str | None, size: int, start: int, resource: str) -> Reply:
    rows = result.rows[start : start + size]
    end = start + len(rows)
    done = end >= len(result.rows)
    body: dict[str, Any] = {"totalSize": result.total_size, "done": done}
    if done:
        if locator is not None:
            context.cursors.close(locator)
    else:
        name = locator or context.cursors.open(result, size, context.now)
        body["nextRecordsUrl"] = f"{context.root}/{resource}/{name}-{end}"
    if context.api == "tooling":
        following = body.get("nextRecordsUrl", "").rpartition("/")[2] or None
        entity = result.entity if rows else None  # as recorded
        body = {"size": len(rows), **body, "queryLocator": following, "entityTypeName": entity}
    body["records"] = [result.render(row) for row in rows]
    return Reply(body=body)
