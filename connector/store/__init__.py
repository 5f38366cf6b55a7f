"""Our memory: links, signals, operations, findings and the audit trail, in SQLite or PostgreSQL."""

from __future__ import annotations

from connector.store.store import SqlStore, open_store

__all__ = ["SqlStore", "open_store"]
