"""COUNT, SUM, MIN, MAX, AVG with GROUP BY and HAVING."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connector.sandbox.salesforce.errors import malformed_query
from connector.sandbox.salesforce.soql.ast import Call, Path, Query
from connector.sandbox.salesforce.soql.where import Operand, Subselect, compared, compile_condition
from connector.sandbox.salesforce.table import Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.sandbox.salesforce.schema import Field
    from connector.sandbox.salesforce.soql.scope import Bound, Scope

#: one group of rows
Group = list[Row]
FUNCTIONS = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"})
_NOT_MIN_MAX = frozenset({"boolean", "id", "reference", "address", "multipicklist"})


def is_aggregate(query: Query) -> bool:
    return bool(query.group_by) or any(isinstance(item, Call) and item.function in FUNCTIONS for item in query.select)


def aggregate(query: Query, scope: Scope, rows: list[Row], subselect: Subselect) -> list[dict[str, Any]]:
    """The AggregateResult records, before ORDER BY is cut by LIMIT."""
    grouped = [_grouped(scope, path) for path in query.group_by]
    columns = _columns(query, scope, grouped)
    if grouped:
        groups: dict[tuple[Any, ...], Group] = {}
        for row in rows:
            key = tuple(compared(bound.field, bound.read(row)) for bound in grouped)
            groups.setdefault(key, []).append(row)
        found = list(groups.values())
    else:
        found = [rows]

    def operand(left: Path | Call) -> Operand:
        read, field = _column(left, scope, grouped)
        return Operand(name=field.name, field=field, read=read)

    if query.having is not None:
        having = compile_condition(query.having, scope, operand, subselect)
        found = [group for group in found if having(group)]
    for order in reversed(query.order_by):
        read, field = _column(order.by, scope, grouped)
        nulls_first = order.nulls_first if order.nulls_first is not None else not order.descending
        with_value = [group for group in found if read(group) is not None]
        without = [group for group in found if read(group) is None]
        with_value.sort(key=lambda group: compared(field, read(group)), reverse=order.descending)
        found = [*without, *with_value] if nulls_first else [*with_value, *without]
    found = found[query.offset :]
    if query.limit is not None:
        found = found[: query.limit]
    return [
        {"attributes": {"type": "AggregateResult"}, **{name: read(group) for name, read in columns}} for group in found
    ]


def _grouped(scope: Scope, path: Path) -> Bound:
    bound = scope.bind(path)
    if not bound.field.groupable:
        message = f"field '{bound.field.name}' can not be grouped in a query call"
        raise scope.error(path, "MALFORMED_QUERY", message)
    return bound


def _columns(query: Query, scope: Scope, grouped: list[Bound]) -> list[tuple[str, Callable[[Group], Any]]]:
    columns: list[tuple[str, Callable[[Group], Any]]] = []
    unnamed = 0
    for item in query.select:
        if isinstance(item, Query):
            raise malformed_query("subqueries are not allowed in an aggregate query")
        read, field = _column(item, scope, grouped)
        name = field.name
        if isinstance(item, Call):
            name = item.alias or f"expr{unnamed}"
            unnamed += item.alias is None
        if any(name == other for other, _ in columns):
            raise malformed_query(f"duplicate alias: {name}")
        columns.append((name, read))
    return columns


def _column(item: Path | Call, scope: Scope, grouped: list[Bound]) -> tuple[Callable[[Group], Any], Field]:
    """How to read a selected, ordered or filtered expression from a group, and its type."""
    if isinstance(item, Path):
        bound = scope.bind(item)
        if bound.parts not in [known.parts for known in grouped]:
            raise scope.error(item, "MALFORMED_QUERY", f"Field must be grouped or aggregated: {item.text}")
        return (lambda group: bound.read(group[0])), bound.field
    if item.function not in FUNCTIONS:
        raise malformed_query(f"unknown function: {item.function}")
    if item.argument is None:
        if item.function != "COUNT":
            raise malformed_query(f"{item.function} needs a field")
        if grouped:
            raise malformed_query("Grouped query should have aggregate functions with field names: COUNT(Id)")
        return len, _counting(scope.obj.fields["Id"])
    bound = scope.bind(item.argument)
    field, function = bound.field, item.function
    unfit = (function in {"SUM", "AVG"} and not (field.is_number or field.type == "int")) or (
        function in {"MIN", "MAX"} and field.type in _NOT_MIN_MAX
    )
    if unfit or not field.filterable:
        message = f"field {field.name} does not support aggregate operator {function}"
        raise scope.error(item.argument, "MALFORMED_QUERY", message)
    result = _counting(field) if function in {"COUNT", "COUNT_DISTINCT"} else field
    return (lambda group: _apply(function, [value for row in group if (value := bound.read(row)) is not None])), result


def _counting(field: Field) -> Field:
    return replace(field, type="int")


def _apply(function: str, values: list[Any]) -> Any:
    if function == "COUNT":
        return len(values)
    if function == "COUNT_DISTINCT":
        return len(set(values))
    if not values:
        return None
    if function == "MIN":
        return min(values)
    if function == "MAX":
        return max(values)
    total = sum(values, Decimal(0))
    return total if function == "SUM" else total / len(values)
