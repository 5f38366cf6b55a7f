"""One deployment through the Metadata API over REST: sent, then asked after until it ends.

Shapes: Metadata API Developer Guide, "Deploy Metadata with Apex Testing Using REST" (meta_rest_deploy),
"Check the Status of Your Deployment Using REST Resources" (meta_rest_deploy_checkstatus) and "DeployResult"
(meta_deployresult). The guide prints some booleans as texts, so both forms are read.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from connector.core.errors import Transient, Unfinished
from connector.core.metadata import ComponentResult, DeployResult
from connector.core.model import Side

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.ports import Clock
    from connector.salesforce.client import Client

#: our package takes Salesforce seconds; one that waits behind others in the org's queue may take minutes
WAIT_MAX_S: Final = 600.0
_PAUSE_FIRST_S: Final = 1.0
_PAUSE_MAX_S: Final = 5.0
_PATH: Final = "metadata/deployRequest"
_ENDED: Final = frozenset({"Succeeded", "SucceededPartial", "Failed", "Canceled"})


def run_deployment(client: Client, clock: Clock, archive: bytes, *, check_only: bool) -> DeployResult:
    """Raises Unfinished when the deployment has not ended after WAIT_MAX_S, RemoteError for refused requests."""
    action = "validate the deployment" if check_only else "deploy"
    content, kind = multipart(archive, check_only=check_only)
    # Repeatable: the same package deployed twice leaves the org as once.
    reply = client.caller.call(
        lambda: client.call_once(
            "POST", _PATH, action=action, write=True, content=content, headers={"Content-Type": kind}
        ),
        repeatable=True,
    )
    deploy_id = str(reply.body["id"])
    started_s, pause_s = clock.monotonic_s(), _PAUSE_FIRST_S
    while True:
        body = client.call("GET", f"{_PATH}/{deploy_id}?includeDetails=true", action=action).body
        result = body.get("deployResult") if isinstance(body, dict) else None
        if not isinstance(result, dict):
            raise Transient("the status of the deployment has an unknown form", side=Side.SALESFORCE, action=action)
        if _is_true(result.get("done")) or result.get("status") in _ENDED:
            return read_result(deploy_id, result)
        if clock.monotonic_s() - started_s + pause_s > WAIT_MAX_S:
            raise Unfinished(
                f"deployment {deploy_id} is still {result.get('status')} after {WAIT_MAX_S:.0f} s and goes on by itself; "
                f"look at it in Setup, Deployment Status",
                side=Side.SALESFORCE,
                action=action,
            )
        clock.sleep(pause_s)
        pause_s = min(2 * pause_s, _PAUSE_MAX_S)


def multipart(archive: bytes, *, check_only: bool) -> tuple[bytes, str]:
    """The body of the request and its content type. The boundary comes from the content: no chance is needed."""
    options = {
        "allowMissingFiles": False,
        "autoUpdatePackage": False,
        "checkOnly": check_only,
        "ignoreWarnings": False,
        "performRetrieve": False,
        "purgeOnDelete": False,
        # all or nothing, which production orgs insist on
        "rollbackOnError": True,
        "singlePackage": True,
    }
    boundary = f"connector-{hashlib.sha256(archive).hexdigest()[:32]}"
    parts = [
        _part(boundary, 'name="json"', "application/json", json.dumps({"deployOptions": options}).encode()),
        _part(boundary, 'name="file"; filename="package.zip"', "application/zip", archive),
    ]
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f'multipart/form-data; boundary="{boundary}"'


def _part(boundary: str, disposition: str, kind: str, content: bytes) -> bytes:
    head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: {kind}\r\n\r\n"
    return head.encode() + content + b"\r\n"


def read_result(deploy_id: str, result: Mapping[str, Any]) -> DeployResult:
    """What became of each component. Pure."""
    details = result.get("details") or {}
    found = [*(details.get("componentSuccesses") or ()), *(details.get("componentFailures") or ())]
    components = {entry["fullName"]: _component(entry) for entry in found if entry.get("componentType")}
    # package.xml itself has no type; it is told of only when something is wrong with it
    for entry in details.get("componentFailures") or ():
        components.setdefault(entry["fullName"], _component(entry))
    failed = result.get("status") in {"Failed", "Canceled"} or result.get("errorMessage")
    named = any(component.problem is not None for component in components.values())
    message = None
    if failed and not named:
        message = str(result.get("errorMessage") or f"Salesforce says: {result.get('status')}")
    return DeployResult(id=deploy_id, components=components, message=message)


def _component(entry: Mapping[str, Any]) -> ComponentResult:
    failed = not _is_true(entry.get("success"))
    return ComponentResult(
        name=entry["fullName"],
        created=_is_true(entry.get("created")),
        problem=str(entry.get("problem") or "no reason given") if failed else None,
    )


def _is_true(value: Any) -> bool:
    return value is True or value == "true"
