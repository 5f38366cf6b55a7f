"""`metadata/deployRequest`: a deployment over REST and its status (Metadata API Developer Guide, meta_rest_deploy and
meta_rest_deploy_checkstatus).

The package is dealt with when it arrives; the status walks Pending, InProgress and the result from one question to the
next, because a client must be able to wait.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any

from connector.sandbox.salesforce import deployment
from connector.sandbox.salesforce.errors import ApiError, not_found
from connector.sandbox.salesforce.ids import as_18
from connector.sandbox.salesforce.rest.wire import Reply, load_object
from connector.sandbox.salesforce.values import wire_datetime

if TYPE_CHECKING:
    from connector.sandbox.salesforce.rest.context import Call, Context
    from connector.sandbox.salesforce.rest.deployments import Request

_DEPLOYERS = {"PermissionsModifyMetadata", "PermissionsModifyAllData"}
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_DEFAULTS = {
    "allowMissingFiles": False,
    "autoUpdatePackage": False,
    "checkOnly": False,
    "ignoreWarnings": False,
    "performRetrieve": False,
    "purgeOnDelete": False,
    "rollbackOnError": True,
    "runTests": [],
    "singlePackage": True,
    "testLevel": "NoTestRun",
}
# An option that would do something else than this org does must not be taken silently.
_FIXED = {"allowMissingFiles": False, "autoUpdatePackage": False, "performRetrieve": False, "singlePackage": True}


def start(context: Context, call: Call) -> Reply:
    if not _DEPLOYERS & context.permissions:
        raise ApiError(
            403, "INSUFFICIENT_ACCESS", "You need the Modify Metadata Through Metadata API Functions permission"
        )
    settings, package = _multipart(call)
    options = _options(settings)
    components = deployment.deploy(
        package,
        context.deployments.customizing,
        check_only=options["checkOnly"],
        roll_back=options["rollbackOnError"],
    )
    made = context.deployments.add(options, components, wire_datetime(context.now))
    return Reply(status=201, body=_body(context, made, detailed=False))


def status(context: Context, call: Call, deploy_id: str) -> Reply:
    found = context.deployments.requests.get(as_18(deploy_id) or "")
    if found is None:
        raise not_found()
    found.asked += 1
    return Reply(body=_body(context, found, detailed=call.parameters.get("includeDetails", "").lower() == "true"))


def _body(context: Context, request: Request, *, detailed: bool) -> dict[str, Any]:
    known = [one for one in request.components if one.type]
    failures = [one for one in request.components if one.problem]
    done = request.status == request.verdict
    result: dict[str, Any] = {
        "checkOnly": request.options["checkOnly"],
        "completedDate": request.created_at if done else None,
        "createdBy": context.actor.user_id,
        "createdDate": request.created_at,
        "done": done,
        "errorMessage": None,
        "errorStatusCode": None,
        "id": request.id,
        "ignoreWarnings": request.options["ignoreWarnings"],
        "lastModifiedDate": request.created_at,
        "numberComponentErrors": len(failures) if done else 0,
        "numberComponentsDeployed": len(known) - sum(1 for one in known if one.problem) if done else 0,
        "numberComponentsTotal": len(known) if request.asked else 0,
        "numberTestErrors": 0,
        "numberTestsCompleted": 0,
        "numberTestsTotal": 0,
        "rollbackOnError": request.options["rollbackOnError"],
        "runTestsEnabled": False,
        "startDate": request.created_at if request.asked else None,
        "stateDetail": None,
        "status": request.status,
        "success": done and not failures,
    }
    if detailed:
        result["details"] = deployment.details(request.components if done else [], at=request.created_at)
    body = {"id": request.id, "validatedDeployRequestId": None, "deployOptions": request.options}
    return {**body, "deployResult": result}


def _options(settings: dict[str, Any]) -> dict[str, Any]:
    given = settings.get("deployOptions")
    if not isinstance(given, dict):
        raise ApiError(400, "INVALID_REQUEST", "deployOptions is missing from the json part")
    unknown = sorted(set(given) - set(_DEFAULTS))
    if unknown:
        raise ApiError(400, "JSON_PARSER_ERROR", f'Unrecognized field "{unknown[0]}"')
    for name, value in given.items():
        if value is not None and type(value) is not type(_DEFAULTS[name]):
            raise ApiError(400, "JSON_PARSER_ERROR", f"Cannot deserialize the value of {name}")
    options = {**_DEFAULTS, **{name: value for name, value in given.items() if value is not None}}
    for name, only in _FIXED.items():
        if options[name] != only:
            raise ApiError(400, "INVALID_REQUEST", f"{name} can only be {only} in this org")
    return options


def _multipart(call: Call) -> tuple[dict[str, Any], bytes]:
    """The json part and the file part, by their names (`file` and `entity_content` are both in use)."""
    boundary = _BOUNDARY.search(call.headers.get("content-type", ""))
    if boundary is None or not isinstance(call.body, bytes):
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", "The request must be multipart/form-data")
    found: dict[str, bytes] = {}
    for piece in (b"\r\n" + call.body).split(b"\r\n--" + boundary.group(1).encode())[1:]:
        head, blank, content = piece.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]*)"', head)
        if blank and name is not None:
            encoded = b"content-transfer-encoding: base64" in head.lower()
            found[name.group(1).decode("utf-8", "replace")] = _decoded(content) if encoded else content
    package = found.get("file", found.get("entity_content"))
    if package is None or "json" not in found:
        raise ApiError(400, "INVALID_MULTIPART_REQUEST", "The request needs the parts json and file")
    return load_object(found["json"]), package


def _decoded(content: bytes) -> bytes:
    try:
        return base64.b64decode(content)
    except binascii.Error:
        raise ApiError(400, "INVALID_MULTIPART_REQUEST", "The file part is not base64") from None
