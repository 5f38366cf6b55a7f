"""A plan as a file: written for `apply`, readable by people, without personal data."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from connector.core.errors import Problem, UsageError
from connector.core.plan import Plan
from connector.runtime.redaction import mask_contact, redact, redact_text

if TYPE_CHECKING:
    from pathlib import Path

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
    body = (json.dumps(plan.as_dict(), indent=1, ensure_ascii=False) + "\n").encode()
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
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise _problem(path, "is too large for a plan", "name the file `connector plan --out` wrote")
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _problem(
            path, f"cannot be read: {error.strerror}", "name the file `connector plan --out` wrote"
        ) from error
    except ValueError as error:
        raise _problem(path, f"is not a plan: {error}", "make a new one by `connector plan --out`") from error
    if not isinstance(data, dict):
        raise _problem(path, "is not a plan: it holds no JSON object", "make a new one by `connector plan --out`")
    try:
        return Plan.from_dict(data)
    except (ValueError, AttributeError) as error:
        raise _problem(path, str(error), "make a new one by `connector plan --out`") from error


def _problem(path: Path, observed: str, remedy: str) -> UsageError:
    return UsageError([Problem(where=str(path), observed=observed, remedy=remedy)])
