"""A report as people may see it: names shown or hidden, secrets never there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.core.verify.private import hidden, private, shown
from connector.runtime.redaction import redact_secrets, redact_text


def for_people(report: Mapping[str, Any], *, hide: bool) -> dict[str, Any]:
    """A copy of the report without marks; with `hide` also without names of users and records."""
    seen: dict[str, Any] = _walk(report, hide)
    user = report["salesforce"]["user"] if (report["salesforce"] or {}).get("reached") else None
    if user and hide:
        seen["salesforce"]["user"] = redact_text(user) if "@" in user else hidden(private(user))
    return seen


def _walk(value: Any, hide: bool) -> Any:
    if isinstance(value, str):
        return redact_text(hidden(value)) if hide else redact_secrets(shown(value))
    if isinstance(value, Mapping):
        return {name: _walk(part, hide) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_walk(part, hide) for part in value]
    return value
