"""Several requests in one: `composite` with references and all-or-none, and `composite/batch`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from connector.sandbox.salesforce.errors import ApiError
from connector.sandbox.salesforce.rest import records
from connector.sandbox.salesforce.rest.context import Call, Context
from connector.sandbox.salesforce.rest.wire import Reply

MAX_SUBREQUESTS = 25
MAX_QUERIES_AND_COLLECTIONS = 5
_REFERENCE = re.compile(r"@\{([^}]+)\}")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
Json = dict[str, Any]
#: runs one call below the version root; True as second argument makes collections all-or-none
Dispatch = Callable[[Call, bool], Reply]


class _UnknownReference(Exception):
    """A reference to a subrequest that failed or said nothing of the kind."""


def composite(context: Context, call: Call, dispatch: Dispatch) -> Reply:
    """`POST composite`. HTTP 200 whatever happens to the subrequests."""
    body = records.body_of(call)
    requests = body.get("compositeRequest")
    if not isinstance(requests, list) or not requests or not all(isinstance(item, dict) for item in requests):
        raise ApiError(400, "JSON_PARSER_ERROR", "compositeRequest must be an array of subrequests")
    _check_limits(requests)
    all_or_none = body.get("allOrNone") is True
    savepoint = context.engine.savepoint()
    answers: list[Json] = []
    bodies: dict[str, Any] = {}
    for position, item in enumerate(requests):
        reference = item["referenceId"]
        reply = _run(context, item, bodies, dispatch, all_or_none=all_or_none)
        context.engine.settle_rollups()
        if reply.status < 400:
            bodies[reference] = reply.body
        answers.append(_answer(reference, reply))
        if all_or_none and _failed(reply):
            context.engine.roll_back(savepoint)
            halted = [_answer(other["referenceId"], _halted()) for other in requests]
            halted[position] = answers[position]
            return Reply(body={"compositeResponse": halted})
    return Reply(body={"compositeResponse": answers})


def batch(context: Context, call: Call, dispatch: Dispatch) -> Reply:
    """`POST composite/batch`: independent subrequests, none of them composite."""
    body = records.body_of(call)
    requests = body.get("batchRequests")
    if (
        not isinstance(requests, list)
        or not 0 < len(requests) <= MAX_SUBREQUESTS
        or not all(isinstance(item, dict) for item in requests)
    ):
        raise ApiError(400, "LIMIT_EXCEEDED", f"between 1 and {MAX_SUBREQUESTS} batch requests are allowed")
    results: list[Json] = []
    failed = False
    for item in requests:
        if failed and body.get("haltOnError") is True:
            halted = [{"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing has been halted"}]
            results.append({"statusCode": 412, "result": halted})
            continue
        url = "/services/data/" + str(item.get("url", "")).lstrip("/")
        try:
            reply = dispatch(_call(context, str(item.get("method", "")), url, {}, item.get("richInput")), False)
        except ApiError as error:
            reply = Reply(status=error.status, body=error.as_body())
        context.engine.settle_rollups()
        failed = failed or reply.status >= 400
        results.append({"statusCode": reply.status, "result": reply.body})
    return Reply(body={"hasErrors": failed, "results": results})


# The Tooling and Metadata APIs' resources are no part of the data API's composite.
_APIS_OF_THEIR_OWN = (["tooling"], ["metadata"])


def _check_limits(requests: list[Json]) -> None:
    if len(requests) > MAX_SUBREQUESTS:
        raise ApiError(400, "LIMIT_EXCEEDED", f"Maximum number of subrequests is {MAX_SUBREQUESTS}")
    heavy = sum(_is_query_or_collection(str(item.get("url", ""))) for item in requests)
    if heavy > MAX_QUERIES_AND_COLLECTIONS:
        message = f"Maximum number of query and sObject Collections subrequests is {MAX_QUERIES_AND_COLLECTIONS}"
        raise ApiError(400, "LIMIT_EXCEEDED", message)
    references = [item.get("referenceId") for item in requests]
    if not all(isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_]*", name) for name in references):
        raise ApiError(
            400, "JSON_PARSER_ERROR", "every subrequest needs a referenceId of letters, digits and underscores"
        )
    if len(set(references)) != len(references):
        raise ApiError(400, "JSON_PARSER_ERROR", "referenceId must be unique within a composite request")


def _is_query_or_collection(url: str) -> bool:
    segments = urlsplit(url).path.strip("/").split("/")[3:]
    return segments[:1] in (["query"], ["queryAll"]) or segments[:2] == ["composite", "sobjects"]


def _run(context: Context, item: Json, bodies: Mapping[str, Any], dispatch: Dispatch, *, all_or_none: bool) -> Reply:
    try:
        url = _REFERENCE.sub(
            lambda match: quote(str(_resolve(match.group(1), bodies)), safe=""), str(item.get("url", ""))
        )
        body = _substitute(item.get("body"), bodies)
        given = item.get("httpHeaders")
        headers = {name.lower(): str(value) for name, value in given.items()} if isinstance(given, dict) else {}
        return dispatch(_call(context, str(item.get("method", "")), url, headers, body), all_or_none)
    except ApiError as error:
        return Reply(status=error.status, body=error.as_body())
    except _UnknownReference as error:
        message = f"Invalid reference specified. No value for {error} found"
        return Reply(status=400, body=[{"errorCode": "PROCESSING_HALTED", "message": message}])


def _call(context: Context, method: str, url: str, headers: Mapping[str, str], body: object) -> Call:
    parts = urlsplit(url)
    segments = parts.path.strip("/").split("/")
    if (
        segments[:2] != ["services", "data"]
        or segments[2:3] != [context.version]
        or (segments[3:4] == ["composite"] and (segments[4:5] != ["sobjects"]))
        or segments[3:4] in _APIS_OF_THEIR_OWN
    ):
        raise ApiError(400, "INVALID_URI", f"not a resource a subrequest may use: {parts.path}")
    return Call(
        method=method.upper(),
        segments=tuple(segment for segment in segments[3:] if segment),
        parameters=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers=headers,
        body=body,
    )


def _substitute(value: Any, bodies: Mapping[str, Any]) -> Any:
    """The body with every `@{reference.path}` replaced; a string that is one reference keeps the value's type."""
    if isinstance(value, str):
        whole = _REFERENCE.fullmatch(value)
        if whole:
            return _resolve(whole.group(1), bodies)
        return _REFERENCE.sub(lambda match: str(_resolve(match.group(1), bodies)), value)
    if isinstance(value, dict):
        return {name: _substitute(content, bodies) for name, content in value.items()}
    if isinstance(value, list):
        return [_substitute(content, bodies) for content in value]
    return value


def _resolve(path: str, bodies: Mapping[str, Any]) -> Any:
    value: Any = bodies
    for name, index in _STEP.findall(path):
        try:
            value = value[int(index)] if index else value[name]
        except (KeyError, IndexError, TypeError):
            raise _UnknownReference(path) from None
    return value


def _failed(reply: Reply) -> bool:
    rows = reply.body if isinstance(reply.body, list) else []
    return reply.status >= 400 or any(isinstance(row, dict) and row.get("success") is False for row in rows)


def _halted() -> Reply:
    message = "The transaction was rolled back since another operation in the same transaction failed."
    return Reply(status=400, body=[{"errorCode": "PROCESSING_HALTED", "message": message}])


def _answer(reference: str, reply: Reply) -> Json:
    return {
        "body": reply.body,
        "httpHeaders": reply.headers,
        "httpStatusCode": reply.status,
        "referenceId": reference,
    }
