"""Runs a parsed query: finds candidate rows by an index where one fits, filters, orders, and says how to render them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connector.sandbox.salesforce.errors import malformed_query
from connector.sandbox.salesforce.soql.aggregate import aggregate, is_aggregate
from connector.sandbox.salesforce.soql.ast import Call, Order, Path, Query
from connector.sandbox.salesforce.soql.scope import Envelope, RowFilterOf, Scope, find_children, find_object
from connector.sandbox.salesforce.soql.select import Children, Json, Renderer
from connector.sandbox.salesforce.soql.where import (
    compared,
    compile_condition,
    equality_hint,
    field_operand,
    modstamp_bounds,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date

    from connector.sandbox.salesforce.database import Database
    from connector.sandbox.salesforce.schema import SObject
    from connector.sandbox.salesforce.table import Row

_FIELDS_LIMIT = 200
_MAX_OFFSET = 2000
_MAX_SUBQUERIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`rows` in order; `render` turns one into its JSON object. A bare COUNT() has a size and no rows."""

    total_size: int
    rows: list[Row]
    render: Callable[[Row], Json]
    #: what was asked for: an object, or AggregateResult
    entity: str


def run_query(  # noqa: PLR0913 - who asks, what they may see, and when
    text: str,
    query: Query,
    objects: Mapping[str, SObject],
    database: Database,
    *,
    today: date,
    with_deleted: bool,
    url_prefix: str,
    row_filter: RowFilterOf,
    envelope: Envelope,
) -> Result:
    """Runs parsed SOQL for a user who sees `objects`; `text` is for error messages. Raises ApiError."""
    obj = find_object(objects, query.source, text)
    scope = Scope(
        text=text,
        obj=obj,
        alias=query.alias,
        objects=objects,
        database=database,
        today=today,
        with_deleted=with_deleted,
        row_filter=row_filter,
        envelope=envelope,
    )
    if is_aggregate(query):
        rows = list(_matching(query, scope))
        only = query.select[0]
        if len(query.select) == 1 and isinstance(only, Call) and only.argument is None and not query.group_by:
            if only.function != "COUNT" or only.alias is not None:
                raise malformed_query(f"unexpected token: '{only.alias or only.function}'")
            size = len(rows) if query.limit is None else min(len(rows), query.limit)
            return Result(total_size=size, rows=[], render=dict, entity=obj.name)
        records = aggregate(query, scope, rows, _subselect(scope))
        return Result(total_size=len(records), rows=records, render=dict, entity="AggregateResult")
    if query.having is not None:
        raise malformed_query("HAVING needs a GROUP BY")
    renderer = _renderer(query, scope, url_prefix)
    rows = select_rows(query, scope)
    return Result(total_size=len(rows), rows=rows, render=renderer.render, entity=obj.name)


def select_rows(query: Query, scope: Scope) -> list[Row]:
    """Matching rows, ordered and cut."""
    if query.offset > _MAX_OFFSET:
        raise malformed_query(f"Maximum SOQL offset allowed is {_MAX_OFFSET}")
    end = None if query.limit is None else query.offset + query.limit
    if _by_modstamp(query.order_by) and not scope.with_deleted and equality_hint(query.where, scope) is None:
        return _first(_matching(query, scope), end)[query.offset :]
    if not query.order_by:
        return _first(_matching(query, scope), end)[query.offset :]
    return _ordered(list(_matching(query, scope)), query.order_by, scope)[query.offset : end]


def _matching(query: Query, scope: Scope) -> Iterator[Row]:
    candidates = _candidates(query, scope)
    visible = scope.row_filter(scope.obj.name)
    if visible is not None:
        candidates = filter(visible, candidates)
    if query.where is None:
        return iter(candidates)
    predicate = compile_condition(query.where, scope, field_operand(scope), _subselect(scope))
    return filter(predicate, candidates)


def _candidates(query: Query, scope: Scope) -> Iterable[Row]:
    table = scope.database.tables[scope.obj.name]
    if scope.with_deleted:
        return [*table.rows.values(), *table.deleted.values()]
    hint = equality_hint(query.where, scope)
    if hint is not None:
        return [table.rows[record_id] for record_id in dict.fromkeys(table.ids_where(*hint))]
    low, high = modstamp_bounds(query.where)
    if _by_modstamp(query.order_by) or (low, high) != ("", "~"):
        start = bisect_left(table.by_modstamp, (low, ""))
        end = bisect_right(table.by_modstamp, (high, "~"))
        return (table.rows[table.by_modstamp[index][1]] for index in range(start, end))
    return table.rows.values()


def _first(rows: Iterator[Row], count: int | None) -> list[Row]:
    if count is None:
        return list(rows)
    return [row for _, row in zip(range(count), rows, strict=False)]


def _by_modstamp(order_by: tuple[Order, ...]) -> bool:
    """Whether the order is that of the modstamp index."""
    names = [order.by.text.lower() for order in order_by if isinstance(order.by, Path) and not order.descending]
    return len(names) == len(order_by) and names in (["systemmodstamp"], ["systemmodstamp", "id"])


def _ordered(rows: list[Row], order_by: tuple[Order, ...], scope: Scope) -> list[Row]:
    for order in reversed(order_by):
        if isinstance(order.by, Call):
            raise malformed_query(f"unexpected token: '{order.by.function}'")
        bound = scope.bind(order.by)
        if not bound.field.sortable:
            message = f"field '{bound.field.name}' can not be sorted in a query call"
            raise scope.error(order.by, "MALFORMED_QUERY", message)
        field, read = bound.field, bound.read
        nulls_first = order.nulls_first if order.nulls_first is not None else not order.descending
        keyed = [(compared(field, read(row)), row) for row in rows]
        empty = [row for value, row in keyed if value is None]
        filled = sorted((pair for pair in keyed if pair[0] is not None), key=_key, reverse=order.descending)
        ordered = [row for _, row in filled]
        rows = [*empty, *ordered] if nulls_first else [*ordered, *empty]
    return rows


def _key(pair: tuple[Any, Row]) -> Any:
    return pair[0]


def _subselect(scope: Scope) -> Callable[[Query], set[str]]:
    def run(query: Query) -> set[str]:
        inner = scope.inner(find_object(scope.objects, query.source, scope.text), query.alias)
        column = query.select[0]
        if len(query.select) != 1 or not isinstance(column, Path) or query.order_by or query.limit is not None:
            raise malformed_query(
                "a semi-join subselect selects exactly one id or reference and is neither ordered nor limited"
            )
        bound = inner.bind(column)
        if bound.field.type not in {"id", "reference"}:
            raise malformed_query(f"a semi-join subselect cannot select {bound.field.name}: it is no id or reference")
        return {value for row in _matching(query, inner) if (value := bound.read(row)) is not None}

    return run


def _renderer(query: Query, scope: Scope, url_prefix: str) -> Renderer:
    renderer = Renderer(scope.obj, scope.database, url_prefix)
    if sum(isinstance(item, Query) for item in query.select) > _MAX_SUBQUERIES:
        raise malformed_query(f"at most {_MAX_SUBQUERIES} subqueries are allowed")
    for item in query.select:
        if isinstance(item, Query):
            relationship, children = _children(item, scope, url_prefix)
            renderer.add_children(relationship, children)
        elif isinstance(item, Call):
            for name in _fields_function(item, query, scope):
                renderer.add_field(scope.bind(Path(parts=(name,), position=item.position)))
        elif not renderer.add_field(scope.bind(item)):
            raise scope.error(item, "MALFORMED_QUERY", f"duplicate field selected: {item.text}")
    return renderer


def _fields_function(call: Call, query: Query, scope: Scope) -> list[str]:
    which = call.argument.text.upper() if call.argument is not None else ""
    if call.function != "FIELDS" or which not in {"ALL", "STANDARD", "CUSTOM"}:
        raise malformed_query(f"unknown function: {call.function}")
    if which != "STANDARD" and (query.limit is None or query.limit > _FIELDS_LIMIT):
        raise malformed_query(f"The SOQL FIELDS function must have a LIMIT of at most {_FIELDS_LIMIT}")
    wanted = {"ALL": (True, False), "STANDARD": (False,), "CUSTOM": (True,)}[which]
    return [name for name in scope.obj.fields if name.endswith("__c") in wanted]


def _children(query: Query, scope: Scope, url_prefix: str) -> tuple[str, Children]:
    if is_aggregate(query):
        raise malformed_query("aggregate functions are not allowed in a subquery")
    obj, reference = find_children(scope, query.source)
    inner = scope.inner(obj, query.alias)
    renderer = _renderer(query, inner, url_prefix)
    predicate = None
    if query.where is not None:
        predicate = compile_condition(query.where, inner, field_operand(inner), _subselect(inner))
    table = scope.database.tables[obj.name]
    end = None if query.limit is None else query.offset + query.limit

    def render(parent: Row) -> Json | None:
        rows = [table.rows[child_id] for child_id in table.children(reference.name, parent["Id"])]
        if predicate is not None:
            rows = [row for row in rows if predicate(row)]
        rows = _ordered(rows, query.order_by, inner)[query.offset : end]
        if not rows:
            return None
        return scope.envelope(obj.name, [renderer.render(row) for row in rows])

    assert reference.child_relationship_name is not None
    return reference.child_relationship_name, render
