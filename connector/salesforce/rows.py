"""One write as the row of a collections call, and which rows may share a call.

Pure. What happens to the rows is told in `writes.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connector.core.body import decode_body
from connector.salesforce import soql

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from connector.core.errors import RemoteError
    from connector.core.model import Operation


@dataclass(slots=True, kw_only=True)
class Row:
    """One operation on its way; the only thing in this adapter that changes."""

    operation: Operation
    object: str
    fields: dict[str, Any]
    #: record id for an update, None for an upsert
    target_id: str | None
    #: (field, value) for an upsert
    external_id: tuple[str, str] | None = None
    #: an upsert that may have happened already is looked up before it is sent
    look_first: bool = False
    #: some attempt ended without a trustworthy reply
    ambiguous: bool = False
    error: RemoteError | None = field(default=None)

    @property
    def path(self) -> str:
        """The resource the row is sent to; rows of one path may share a call."""
        if self.external_id is None:
            return "composite/sobjects"
        return f"composite/sobjects/{self.object}/{self.external_id[0]}"

    @property
    def shape(self) -> tuple[str, ...]:
        return (self.object, *sorted(self.fields))

    @property
    def target(self) -> tuple[str, ...]:
        if self.external_id is not None:
            return (self.object, *self.external_id)
        assert self.target_id is not None
        return (self.object, self.target_id)

    def content(self) -> dict[str, Any]:
        content: dict[str, Any] = {"attributes": {"type": self.object}, **self.fields}
        if self.external_id is not None:
            content[self.external_id[0]] = self.external_id[1]
        else:
            content["Id"] = self.target_id
        return content


def row_of(operation: Operation) -> Row:
    """The row of a stored body; see `core/body.py` for its form."""
    body = decode_body(operation.body)
    name = soql.identifier(body["object"])
    external_id = body.get("external_id")
    if operation.target_id is not None:
        # An existing record is updated by Id: its external id may still be empty, an upsert would make a twin.
        return Row(
            operation=operation, object=name, fields=body["fields"], target_id=soql.record_id(operation.target_id)
        )
    assert external_id is not None, "a Salesforce write needs a record id or an external id"
    return Row(
        operation=operation,
        object=name,
        fields=body["fields"],
        target_id=None,
        external_id=(soql.identifier(external_id["field"]), external_id["value"]),
        look_first=operation.attempts > 1,
    )


def call_groups(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """Groups for one call each: one path, at most `size` rows, no record twice."""
    group: list[Row] = []
    targets: set[tuple[str, ...]] = set()
    for row in rows:
        if group and (len(group) == size or row.path != group[0].path or row.target in targets):
            yield group
            group, targets = [], set()
        group.append(row)
        targets.add(row.target)
    if group:
        yield group
