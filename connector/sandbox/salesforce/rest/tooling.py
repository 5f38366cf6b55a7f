"""The Tooling API's query: the same SOQL over Setup objects, in an envelope and with refusals of its own.

Facts: platform.md A1 and the Tooling API reference of SubscriberPackage and SubscriberPackageVersion. The wording of
refusals that no source quotes is ours.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from connector.sandbox.salesforce.errors import ApiError, malformed_query
from connector.sandbox.salesforce.ids import as_18
from connector.sandbox.salesforce.soql.ast import Comparison, Condition, Literal, Logical, Path, Query

if TYPE_CHECKING:
    from connector.sandbox.salesforce.database import Database
    from connector.sandbox.salesforce.soql.execute import Result

_ID_REQUIRED = frozenset({"subscriberpackage", "subscriberpackageversion"})
_ONE_ROW_FIELDS = frozenset({"fullname", "metadata"})
# Quoted in forcedotcom/packaging issue 580. The reference says that an installed version needs no key; people met the
# refusal all the same, so a client must be ready for it.
_KEY_WANTED = (
    "Please provide installationkey when querying against SubscriberPackageVersion that is protected by installationkey"
)


def prepared(query: Query, database: Database) -> Query:
    """The query without what is no filter but a key. Raises MALFORMED_QUERY where an id is required and missing."""
    source = query.source.text.lower()
    if source not in _ID_REQUIRED:
        return query
    conjuncts = _conjuncts(query.where)
    ids = [as_18(str(right.value)) for left, right in conjuncts if left == "id"]
    if not ids:
        raise malformed_query(f"Implementation restriction: {query.source.text} needs an Id in its WHERE clause")
    if source == "subscriberpackage":
        return query
    keys = [right.value for left, right in conjuncts if left == "installationkey"]
    _check_key(database, ids, keys)
    return replace(query, where=_without_key(query.where))


def subquery(entity: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    """Children of a parent, as recorded: in the envelope of the whole answer."""
    size = len(records)
    head = {"size": size, "totalSize": size, "done": True, "queryLocator": None, "entityTypeName": entity}
    return {**head, "records": records}


def check_result(query: Query, result: Result) -> None:
    """FullName and Metadata are answered for one row only."""
    selected = {item.text.lower() for item in query.select if isinstance(item, Path)}
    if selected & _ONE_ROW_FIELDS and result.total_size > 1:
        raise malformed_query(
            "When retrieving results with Metadata or FullName fields, the query qualifications must specify no more "
            f"than one row for retrieval. Result size: {result.total_size}"
        )


def _check_key(database: Database, ids: list[str | None], keys: list[object]) -> None:
    for version_id in ids:
        row = database.tables["SubscriberPackageVersion"].rows.get(version_id or "")
        if row is not None and row.get("InstallationKey") is not None and row["InstallationKey"] not in keys:
            raise ApiError(400, "INVALID_REQUEST", _KEY_WANTED)


def _conjuncts(condition: Condition | None) -> list[tuple[str, Literal]]:
    """(field, literal) of the equalities that must all hold."""
    if isinstance(condition, Logical) and condition.operator == "AND":
        return [pair for part in condition.operands for pair in _conjuncts(part)]
    if (
        isinstance(condition, Comparison)
        and condition.operator == "="
        and isinstance(condition.left, Path)
        and isinstance(condition.right, Literal)
    ):
        return [(condition.left.text.lower(), condition.right)]
    return []


def _without_key(condition: Condition | None) -> Condition | None:
    if isinstance(condition, Logical) and condition.operator == "AND":
        kept = [part for part in condition.operands if not _is_key(part)]
        return kept[0] if len(kept) == 1 else replace(condition, operands=tuple(kept))
    return None if _is_key(condition) else condition


def _is_key(condition: Condition | None) -> bool:
    return (
        isinstance(condition, Comparison)
        and isinstance(condition.left, Path)
        and condition.left.text.lower() == "installationkey"
        and condition.operator == "="
    )
