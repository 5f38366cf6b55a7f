"""A person's command that changes a system outside a pass leaves two rows in the audit trail: begun, and how it ended."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from connector.config.settings import Settings


@contextlib.contextmanager
def told(settings: Settings, command: str, *, changes: bool) -> Iterator[MutableMapping[str, Any]]:
    """Yields what is to be told of the end. Without `changes` nothing is told. Raises StoreError: what cannot be
    told is not done.
    """
    from connector.app import open_own_store
    from connector.core.chain import AuditEntry
    from connector.runtime.redaction import redact_text

    facts: MutableMapping[str, Any] = {}
    if not changes:
        yield facts
        return
    cause = _who(command)
    with open_own_store(settings) as store:
        store.audit.append([AuditEntry(event=f"{command} begun", cause=cause)])
        try:
            yield facts
        except BaseException as error:
            reason = redact_text(f"{type(error).__name__}: {error}")
            store.audit.append([AuditEntry(event=f"{command} failed", cause=cause, detail={"error": reason})])
            raise
        store.audit.append([AuditEntry(event=f"{command} ended", cause=cause, detail=facts)])


def _who(command: str) -> str:
    """In a container nobody may be known; the command still is."""
    import click

    from connector.cli.person import person

    try:
        return f"person {person(None)}"
    except click.UsageError:
        return f"command {command}"
