"""A plan as a file: written for `apply`, readable by people, without personal data."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from connector.core.errors import Problem, UsageError
from connector.core.plan import Plan
from connector.runtime.redaction import mask_contact, redact, redact_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_Document = TypeVar("_Document")

#: a plan of a hundred thousand entries stays below; a larger file is something else
_LARGEST_BYTES = 1 << 30


def masked(plan: Plan) -> Plan:
    """The plan with e-mail addresses, telephone numbers and streets hidden. Digests stay: `apply` compares those."""
    entries = tuple(
        replace(
            entry,
            changes=tuple(
                replace(change, old=mask_contact(change.old, change.field), new=mask_contact(change.new, change.field))
                for change in entry.changes
            ),
            lines=tuple(replace(line, description=redact_text(line.description)) for line in entry.lines),
        )
        for entry in plan.entries
    )
    return replace(plan, entries=entries, findings=tuple(redact(finding) for finding in plan.findings))


def save_plan(plan: Plan, path: Path) -> str:
    """Writes the plan, readable by its owner only, and returns the SHA-256 of the file. Raises UsageError."""
    return save_document(plan.as_dict(), path)


def save_document(content: Mapping[str, Any], path: Path) -> str:
    """The same for any document that a person looks at and a later command reads."""
    body = (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
    except OSError as error:
        raise _problem(
            path, f"cannot be written: {error.strerror}", "choose a folder that exists and is yours"
        ) from error
    return hashlib.sha256(body).hexdigest()


def load_plan(path: Path) -> Plan:
    """Raises UsageError for a file that is no plan of this version."""
    return load_document(path, read=Plan.from_dict, command="connector plan --out")


def load_document(path: Path, *, read: Callable[[Mapping[str, Any]], _Document], command: str) -> _Document:
    """What `command` wrote, as `read` understands it. Raises UsageError for anything else."""
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise _problem(path, "is too large for a plan", f"name the file `{command}` wrote")
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _problem(path, f"cannot be read: {error.strerror}", f"name the file `{command}` wrote") from error
    except (ValueError, RecursionError) as error:
        raise _problem(path, f"is not a plan: {error}", f"make a new one by `{command}`") from error
    if not isinstance(data, dict):
        raise _problem(path, "is not a plan: it holds no JSON object", f"make a new one by `{command}`")
    try:
        return read(data)
    except (ValueError, AttributeError) as error:
        raise _problem(path, str(error), f"make a new one by `{command}`") from error


def _problem(path: Path, observed: str, remedy: str) -> UsageError:
    return UsageError([Problem(where=str(path), observed=observed, remedy=remedy)])
