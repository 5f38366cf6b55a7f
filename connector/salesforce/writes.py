"""Writes, as sObject collections of at most 200 rows: by Id, or as an upsert by external id.

Never a plain insert: its reply may get lost, and sent again it would make a twin (platform.md B
"Non-idempotent creates"). `allOrNone` is false and every row has its own outcome. Rows that may
succeed later are sent again in smaller groups; one whose fate is unknown is looked up first, for the
master-details of an allocation cannot be sent a second time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from connector.core.errors import Ambiguous, QuotaSpent, Refused, RemoteError, Throttled, Transient, Unauthorised
from connector.core.model import Applied, Delay, Outcome, Refusal, Unknown
from connector.salesforce import soql
from connector.salesforce.composite import Query
from connector.salesforce.conditions import condition_of
from connector.salesforce.errors import classify_row
from connector.salesforce.rows import Row, call_groups, row_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.core.model import Operation
    from connector.salesforce.client import Client

#: platform.md B "sObject Collections"
ROWS_MAX: Final = 200
#: how much smaller the groups get with every further attempt: rows that lock each other part ways
_SHRINK: Final = 4
#: refusals of a whole call that say something about fields, not about one row's values
_SHAPE_CODES: Final = frozenset({"INVALID_FIELD", "INVALID_TYPE", "NOT_FOUND", "INSUFFICIENT_ACCESS"})
#: refusals of a row that may mean that the record is gone; looked up before it is said
_GONE_CODES: Final = frozenset({"ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND", "MALFORMED_ID"})


class Writer:
    def __init__(self, *, client: Client) -> None:
        self._client = client

    def apply(self, operations: Sequence[Operation], on_outcome: Callable[[Operation, Outcome], None]) -> None:
        """One outcome per operation. Raises Unauthorised or QuotaSpent, after the outcomes of all that did
        not get through.
        """
        rows = sorted((row_of(operation) for operation in operations), key=lambda row: (row.path, row.object))
        groups = list(call_groups(rows, ROWS_MAX))
        for place, group in enumerate(groups):
            try:
                _Batch(client=self._client, rows=group, on_outcome=on_outcome).run()
            except RemoteError as error:
                for row in (row for later in groups[place + 1 :] for row in later):
                    on_outcome(row.operation, Delay(code="not_sent", message=f"not sent after: {error.message}"))
                raise


class _Batch:
    """The rows of one call, until each has its outcome."""

    def __init__(
        self, *, client: Client, rows: Sequence[Row], on_outcome: Callable[[Operation, Outcome], None]
    ) -> None:
        self._client = client
        self._left = list(rows)
        self._size = ROWS_MAX
        kinds = {row.operation.kind for row in rows}
        #: None for a call that carries several, which go by what holds for all
        self._kind = kinds.pop() if len(kinds) == 1 else None
        self._on_outcome = on_outcome

    def run(self) -> None:
        try:
            self._client.caller.call(self._attempt, repeatable=True, kind=self._kind)
        except RemoteError as error:
            for row in list(self._left):
                self._settle(row, _given_up(row, row.error or error))
            if _stops_side(error):
                raise

    def _attempt(self) -> None:
        """Sends what is left; raises when rows are left that may be sent again."""
        self._look_up()
        for group in list(call_groups(self._left, self._size)):
            self._send(group)
        self._size = max(1, self._size // _SHRINK)
        again = next((row.error for row in self._left if row.error is not None), None)
        if again is not None:
            raise again

    def _look_up(self) -> None:
        rows = [row for row in self._left if row.look_first and row.external_id is not None]
        found = self._find_marked(rows)
        for row in rows:
            row.look_first = False
            record_id = found.get(row.target)
            if record_id is not None:
                self._settle(row, Applied(target_id=record_id, created=False))

    def _send(self, group: Sequence[Row]) -> None:
        first = group[0]
        action = f"write {first.object}"
        content = {"allOrNone": False, "records": [row.content() for row in group]}
        try:
            reply = self._client.call_once("PATCH", first.path, action=action, write=True, content=content)
        except Refused as error:
            self._part(group, error)
            return
        except RemoteError as error:
            if _stops_side(error):
                raise
            for row in group:
                self._note(row, error)
            return
        if not isinstance(reply.body, list) or len(reply.body) != len(group):
            # The rows cannot be told apart: none of them has a trustworthy reply.
            for row in group:
                self._note(row, Ambiguous("the reply does not fit the rows", side=row.operation.target, action=action))
            return
        self._read_rows(group, reply.body, action)

    def _part(self, group: Sequence[Row], error: Refused) -> None:
        """A call refused as a whole fails nobody's neighbours: find out whom it is about."""
        shapes: dict[tuple[str, ...], list[Row]] = {}
        for row in group:
            shapes.setdefault(row.shape, []).append(row)
        if len(group) == 1 or (len(shapes) == 1 and error.code in _SHAPE_CODES):
            for row in group:
                self._settle(row, _refusal(error, gone=False))
        elif len(shapes) > 1:
            for rows in shapes.values():
                self._send(rows)
        else:
            middle = len(group) // 2
            self._send(group[:middle])
            self._send(group[middle:])

    def _read_rows(self, group: Sequence[Row], results: Sequence[Any], action: str) -> None:
        maybe_gone: list[tuple[Row, Refused]] = []
        maybe_there: list[tuple[Row, Refused]] = []
        for row, result in zip(group, results, strict=True):
            if result.get("success"):
                created = result.get("created") if row.external_id is not None else None
                self._settle(row, Applied(target_id=soql.record_id(result["id"]), created=created))
                continue
            error = classify_row((result.get("errors") or [{}])[0], action=action)
            if not isinstance(error, Refused):
                self._note(row, error)
            elif row.external_id is None and error.code in _GONE_CODES and not error.fields:
                maybe_gone.append((row, error))
            elif row.external_id is not None and error.code == "DUPLICATE_VALUE":
                maybe_there.append((row, error))
            else:
                self._settle(row, _refusal(error, gone=False))
        self._settle_gone(maybe_gone)
        self._settle_duplicates(maybe_there)

    def _settle_gone(self, rows: Sequence[tuple[Row, Refused]]) -> None:
        """Deletes are evidence-based (invariants.md I10): the record is asked for."""
        ids: dict[str, list[str]] = {}
        for row, _ in rows:
            assert row.target_id is not None
            ids.setdefault(row.object, []).append(row.target_id)
        queries = [
            Query(
                text=soql.select(["Id", "IsDeleted"], name, where=[soql.is_in("Id", dict.fromkeys(group))]),
                action=f"look up {name}",
                deleted_too=True,
            )
            for name, group in ids.items()
        ]
        alive = {
            record["Id"] for records in self._client.queries(queries) for record in records if not record["IsDeleted"]
        }
        for row, error in rows:
            self._settle(row, _refusal(error, gone=row.target_id not in alive))

    def _settle_duplicates(self, rows: Sequence[tuple[Row, Refused]]) -> None:
        """Two upserts of one mark met; whoever won, a record that carries our mark is the one wanted."""
        found = self._find_marked([row for row, _ in rows])
        for row, error in rows:
            record_id = found.get(row.target)
            outcome = _refusal(error, gone=False) if record_id is None else Applied(target_id=record_id, created=False)
            self._settle(row, outcome)

    def _find_marked(self, rows: Sequence[Row]) -> dict[tuple[str, ...], str]:
        """Record ids by (object, external id field, value)."""
        values: dict[tuple[str, str], list[str]] = {}
        for row in rows:
            assert row.external_id is not None
            values.setdefault((row.object, row.external_id[0]), []).append(row.external_id[1])
        asked: list[tuple[str, str]] = []
        queries: list[Query] = []
        for (name, marker), group in values.items():
            fixed = soql.select(["Id", marker], name, where=[f"{marker} IN ()"])
            for part in soql.value_chunks(list(dict.fromkeys(group)), fixed_text=fixed):
                text = soql.select(["Id", marker], name, where=[soql.is_in(marker, part)])
                queries.append(Query(text=text, action=f"look up {name}"))
                asked.append((name, marker))
        answers = self._client.queries(queries)
        return {
            (name, marker, record[marker]): record["Id"]
            for (name, marker), records in zip(asked, answers, strict=True)
            for record in records
        }

    def _note(self, row: Row, error: RemoteError) -> None:
        """Keeps the row for a further attempt, unless waiting inside this call cannot help."""
        if isinstance(error, Throttled) and error.retry_after_s is not None:
            self._settle(row, _given_up(row, error))
            return
        row.error = error
        if isinstance(error, Ambiguous):
            row.ambiguous = True
            row.look_first = row.external_id is not None

    def _settle(self, row: Row, outcome: Outcome) -> None:
        self._left.remove(row)
        self._on_outcome(row.operation, outcome)


def _refusal(error: RemoteError, *, gone: bool) -> Refusal:
    return Refusal(
        code=error.code or "unknown",
        message=error.message,
        fields=error.fields,
        request_id=error.request_id,
        gone=gone,
        condition=condition_of(error.code),
    )


def _stops_side(error: RemoteError) -> bool:
    """Nobody's row will fare better: who is not let in, or has used up the day's calls, asks for nothing more."""
    return isinstance(error, Unauthorised | QuotaSpent)


def _given_up(row: Row, error: RemoteError) -> Outcome:
    code = error.code or type(error).__name__.lower()
    if row.ambiguous:
        return Unknown(code=code, message=error.message)
    if isinstance(error, Transient | Throttled | Unauthorised):
        failure = None if _stops_side(error) else error.failure
        wait_s = getattr(error, "retry_after_s", None)
        return Delay(code=code, message=error.message, retry_after_s=wait_s, failure=failure)
    return _refusal(error, gone=False)
