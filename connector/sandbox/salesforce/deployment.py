"""Metadata deployments: a zip file in, custom fields and permission sets in the org, a result per component out.

The shapes are those of the Metadata API Developer Guide, "Deploy Metadata with Apex Testing Using REST" and "Check the
Status of Your Deployment Using REST Resources" (meta_rest_deploy, meta_rest_deploy_checkstatus).
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from connector.sandbox.salesforce import metadata
from connector.sandbox.salesforce.errors import ApiError
from connector.sandbox.salesforce.metadata import PermissionSet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.sandbox.salesforce.customizing import Customizing

_FOLDERS = {"objects": ".object", "permissionsets": ".permissionset"}
_MANIFEST = "package.xml"
# What the reader raises for files that are none, are damaged, encrypted or packed in a way it does not know.
_NO_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
)
_MAX_UNCOMPRESSED_BYTES = 400 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    #: CustomField or PermissionSet; empty for the manifest
    type: str
    full_name: str
    file_name: str
    #: the field in the vocabulary of the schema files, or the permission set
    content: Any = None
    problem: str | None = None
    created: bool = False
    changed: bool = False


def deploy(package: bytes, customizing: Customizing, *, check_only: bool, roll_back: bool) -> list[Component]:
    """Applies a package and returns every component with what became of it.

    With `roll_back` one failure keeps everything out. `check_only` changes nothing and says what would happen.
    """
    components = _read(package)
    pending = {
        component.full_name for component in components if component.type == "CustomField" and not component.problem
    }
    checked = [_checked(component, customizing, pending) for component in components]
    failed = any(component.problem for component in checked)
    if not check_only and not (failed and roll_back):
        # Fields first: permission sets speak of them.
        for component in sorted(checked, key=lambda one: one.type):
            if component.problem is None and component.changed:
                _apply(component, customizing)
    return checked


def _checked(component: Component, customizing: Customizing, pending: set[str]) -> Component:
    if component.problem is not None or component.content is None:
        return component
    try:
        if isinstance(component.content, PermissionSet):
            created, changed = customizing.compare_permission_set(component.content, pending)
        else:
            created, changed = customizing.compare_field(component.full_name.split(".")[0], component.content)
    except ValueError as error:
        return replace(component, problem=str(error))
    return replace(component, created=created, changed=changed)


def _apply(component: Component, customizing: Customizing) -> None:
    if isinstance(component.content, PermissionSet):
        customizing.put_permission_set(component.content)
    else:
        customizing.put_field(component.full_name.split(".")[0], component.content)


# -- reading the zip --------------------------------------------------------------------------------------------


def _read(package: bytes) -> list[Component]:
    files = _unzip(package)
    manifests = [name for name in files if name.rpartition("/")[2] == _MANIFEST]
    if len(manifests) != 1:
        return [Component(type="", full_name=_MANIFEST, file_name=_MANIFEST, problem="No package.xml found")]
    root = manifests[0].removesuffix(_MANIFEST)
    try:
        wanted = _members(metadata.parse_xml(files[manifests[0]]))
    except ValueError as error:
        return [Component(type="", full_name=_MANIFEST, file_name=manifests[0], problem=str(error))]
    found = [Component(type="", full_name=_MANIFEST, file_name=manifests[0])]
    for name, text in sorted(files.items()):
        if name != manifests[0]:
            found += _components(name, name.removeprefix(root), text)
    listed = [replace(one, problem=_not_listed(one, wanted)) if one.problem is None else one for one in found]
    return listed + _missing(found, wanted, manifests[0])


def _unzip(package: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            if sum(info.file_size for info in infos) > _MAX_UNCOMPRESSED_BYTES:
                raise ApiError(
                    400, "LIMIT_EXCEEDED", "Maximum size of request reached. Maximum size of request is 400MB"
                )
            return {info.filename: archive.read(info) for info in infos}
    except _NO_ZIP:
        raise ApiError(400, "INVALID_REQUEST", "The file part is not a zip file") from None


def _members(root: Any) -> set[tuple[str, str]]:
    """(type, member) of the manifest."""
    wanted = set()
    for part in metadata.parts(root, "types"):
        kind = metadata.tags(part).get("name", "")
        wanted |= {(kind, (member.text or "").strip()) for member in metadata.parts(part, "members")}
    return wanted


def _components(file_name: str, inner: str, text: bytes) -> list[Component]:
    folder, _, base = inner.partition("/")
    suffix = _FOLDERS.get(folder, "")
    if not suffix or not base.endswith(suffix):
        problem = f"The file {inner} is of a kind this org cannot deploy"
        return [Component(type="", full_name=inner, file_name=file_name, problem=problem)]
    name = base.removesuffix(suffix)
    kind = "PermissionSet" if folder == "permissionsets" else "CustomObject"
    try:
        root = metadata.parse_xml(text)
        if kind == "PermissionSet":
            content = metadata.permission_set(root, name)
            return [Component(type=kind, full_name=name, file_name=file_name, content=content)]
        others = sorted(set(metadata.tags(root)) - {"fields"})
        if others:
            raise ValueError(f"cannot deploy {others}")  # noqa: TRY301 - one place words what is wrong with a file
        fields = [metadata.custom_field(part, where=inner) for part in metadata.parts(root, "fields")]
    except (ValueError, KeyError) as error:
        return [Component(type=kind, full_name=name, file_name=file_name, problem=f"Error parsing file: {error}")]
    return [
        Component(type="CustomField", full_name=f"{name}.{field['name']}", file_name=file_name, content=field)
        for field in fields
    ]


def _not_listed(component: Component, wanted: set[tuple[str, str]]) -> str | None:
    if not component.type or (component.type, component.full_name) in wanted or (component.type, "*") in wanted:
        return None
    if component.type == "CustomField" and ("CustomObject", component.full_name.split(".")[0]) in wanted:
        return None
    return f"{component.file_name} is not in package.xml: {component.type} {component.full_name}"


def _missing(found: list[Component], wanted: set[tuple[str, str]], manifest: str) -> list[Component]:
    there = {(one.type, one.full_name) for one in found}
    there |= {("CustomObject", one.full_name.split(".")[0]) for one in found if one.type == "CustomField"}
    return [
        Component(
            type=kind,
            full_name=name,
            file_name=manifest,
            problem=f"An object '{name}' of type {kind} was named in package.xml, but was not found in zipped directory",
        )
        for kind, name in sorted(wanted - there)
        if name != "*"
    ]


# -- the result -------------------------------------------------------------------------------------------------


def details(components: list[Component], *, at: str) -> dict[str, Any]:
    """The `details` of a DeployResult."""
    messages = [_message(component, at) for component in components]
    return {
        "allComponentMessages": [],
        "componentFailures": [one for one in messages if not one["success"]],
        "componentSuccesses": [one for one in messages if one["success"]],
        "retrieveResult": None,
        "runTestResult": {"numFailures": 0, "numTestsRun": 0, "totalTime": 0.0, "successes": [], "failures": []},
    }


def _message(component: Component, at: str) -> Mapping[str, Any]:
    failed = component.problem is not None
    return {
        "changed": component.changed and not failed,
        "columnNumber": None,
        "componentType": component.type,
        "created": component.created and not failed,
        "createdDate": at,
        "deleted": False,
        "fileName": component.file_name,
        "forPackageManifestFile": component.full_name == _MANIFEST,
        "forUnpackagedManifestFile": False,
        "fullName": component.full_name,
        "knownPackagingProblem": False,
        "lineNumber": None,
        "problem": component.problem,
        "problemType": "Error" if failed else None,
        "requiresProductionTestRun": False,
        "success": not failed,
        "warning": False,
    }
