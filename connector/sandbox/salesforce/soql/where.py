"""Conditions to predicates over rows, and what an index can do for them.

Salesforce's two-valued logic: null equals only null, is different from every value, and is on no side of < and >.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connector.sandbox.salesforce.errors import ApiError, malformed_query
from connector.sandbox.salesforce.ids import as_18
from connector.sandbox.salesforce.soql.ast import Call, Comparison, Condition, Literal, Logical, Not, Path, Query
from connector.sandbox.salesforce.soql.dates import days_of
from connector.sandbox.salesforce.soql.parser import DATE_LITERALS, DATE_LITERALS_N
from connector.sandbox.salesforce.table import Row

if TYPE_CHECKING:
    from connector.sandbox.salesforce.schema import Field
    from connector.sandbox.salesforce.soql.scope import Scope

Predicate = Callable[[Row], bool]
#: runs a subselect and gives its single column
Subselect = Callable[[Query], set[str]]

_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WANTED_KIND = {"boolean": "boolean", "date": "date", "datetime": "datetime", "int": "number"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """The left side of a comparison: how to read it, and the field that gives it its type."""

    name: str
    field: Field
    read: Callable[[Any], Any]


def compile_condition(
    condition: Condition, scope: Scope, operand: Callable[[Path | Call], Operand], subselect: Subselect
) -> Callable[[Any], bool]:
    """A predicate; `operand` says what a left side means (fields in WHERE, aggregates in HAVING)."""
    if isinstance(condition, Not):
        inner = compile_condition(condition.operand, scope, operand, subselect)
        return lambda row: not inner(row)
    if isinstance(condition, Logical):
        parts = [compile_condition(part, scope, operand, subselect) for part in condition.operands]
        if condition.operator == "AND":
            return lambda row: all(part(row) for part in parts)
        return lambda row: any(part(row) for part in parts)
    left = operand(condition.left)
    if isinstance(condition.right, Query):
        wanted = subselect(condition.right)
        if left.field.type not in {"id", "reference"}:
            raise ApiError(
                400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {left.field.type} field: {left.name}"
            )
        return _membership(left, wanted, condition.operator)
    if isinstance(condition.right, tuple):
        values = {compared(left.field, literal_value(left.field, literal)) for literal in condition.right}
        return _membership(left, values, condition.operator)
    return _comparison(left, condition.operator, condition.right, scope)


def field_operand(scope: Scope) -> Callable[[Path | Call], Operand]:
    """Left sides of a WHERE: filterable fields only."""

    def operand(left: Path | Call) -> Operand:
        if isinstance(left, Call):
            raise malformed_query(f"unexpected token: '{left.function}'")
        bound = scope.bind(left)
        if not bound.field.filterable:
            message = f"field '{bound.field.name}' can not be filtered in a query call"
            raise scope.error(left, "INVALID_FIELD", message)
        return Operand(name=bound.field.name, field=bound.field, read=bound.read)

    return operand


def literal_value(field: Field, literal: Literal) -> Any:
    """The literal as the field stores it. Raises INVALID_FIELD for a literal of another type."""
    if literal.kind == "null":
        return None
    if field.type in {"id", "reference"}:
        known = as_18(literal.value) if literal.kind == "string" else None
        if known is None:
            raise ApiError(400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {literal.value}")
        return known
    wanted = "number" if field.is_number else _WANTED_KIND.get(field.type, "string")
    if literal.kind != wanted:
        shown = {"number": "double", "datetime": "dateTime"}.get(wanted, wanted)
        quotes = "and should be enclosed in quotes" if wanted == "string" else "and should not be enclosed in quotes"
        message = f"value of filter criterion for field '{field.name}' must be of type {shown} {quotes}"
        raise ApiError(400, "INVALID_FIELD", message)
    return literal.value


def compared(field: Field, value: Any) -> Any:
    """The form in which values are equal to Salesforce: text without its case, unless the field is case-sensitive."""
    if isinstance(value, str) and field.is_text and not field.case_sensitive:
        return value.lower()
    return value


def _membership(left: Operand, wanted: Iterable[Any], operator_name: str) -> Predicate:
    read, field, values = left.read, left.field, frozenset(wanted)
    if field.is_text and not field.case_sensitive:
        if operator_name == "IN":
            return lambda row: compared(field, read(row)) in values
        return lambda row: compared(field, read(row)) not in values
    if operator_name == "IN":
        return lambda row: read(row) in values
    return lambda row: read(row) not in values


def _comparison(left: Operand, operator_name: str, literal: Literal, scope: Scope) -> Predicate:
    if literal.kind in DATE_LITERALS or literal.kind in DATE_LITERALS_N:
        return _in_days(left, operator_name, literal, scope)
    read, field = left.read, left.field
    value = literal_value(field, literal)
    if operator_name == "LIKE":
        return _like(left, value)
    wanted = compared(field, value)
    folds = field.is_text and not field.case_sensitive
    if operator_name in {"=", "!="}:
        equal = operator_name == "="
        if folds and wanted is not None:
            return lambda row: (compared(field, read(row)) == wanted) is equal
        return lambda row: (read(row) == wanted) is equal
    if field.type == "boolean":
        raise ApiError(400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on boolean field: {left.name}")
    order = _ORDERINGS[operator_name]

    def ordered(row: Row) -> bool:
        actual = read(row)
        return actual is not None and wanted is not None and order(compared(field, actual), wanted)

    return ordered


def _like(left: Operand, pattern: Any) -> Predicate:
    if not left.field.is_text or pattern is None:
        raise ApiError(
            400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {left.field.type} field: {left.name}"
        )
    pieces = re.split(r"(\\%|\\_|%|_)", pattern)
    translated = "".join({"%": ".*", "_": "."}.get(piece, re.escape(piece.removeprefix("\\"))) for piece in pieces)
    matches = re.compile(translated + r"\Z", re.IGNORECASE | re.DOTALL).match
    read = left.read

    def like(row: Row) -> bool:
        actual = read(row)
        return actual is not None and matches(actual) is not None

    return like


def _in_days(left: Operand, operator_name: str, literal: Literal, scope: Scope) -> Predicate:
    if left.field.type not in {"date", "datetime"} or operator_name == "LIKE":
        message = f"value of filter criterion for field '{left.name}' must not be a date literal"
        raise ApiError(400, "INVALID_FIELD", message)
    try:
        first, after = days_of(literal.kind, literal.value, scope.today)
    except (ValueError, OverflowError):
        raise malformed_query(f"date literal out of range: {literal.kind}:{literal.value}") from None
    # A stored datetime begins with its day, so days compare with both types as text.
    start, end = first.isoformat(), after.isoformat()
    tests: dict[str, Callable[[str], bool]] = {
        "=": lambda actual: start <= actual < end,
        "!=": lambda actual: not start <= actual < end,
        "<": lambda actual: actual < start,
        "<=": lambda actual: actual < end,
        ">": lambda actual: actual >= end,
        ">=": lambda actual: actual >= start,
    }
    test, read, differs = tests[operator_name], left.read, operator_name == "!="

    def within(row: Row) -> bool:
        actual = read(row)
        return differs if actual is None else test(actual)

    return within


# -- what an index can do ---------------------------------------------------------------------------------------


def equality_hint(condition: Condition | None, scope: Scope) -> tuple[str, list[Any]] | None:
    """An indexed field and the values it must have, taken from the conjuncts of the condition; the shortest list wins."""
    table = scope.database.tables[scope.obj.name]
    best: tuple[str, list[Any]] | None = None
    for part in _conjuncts(condition):
        if not isinstance(part, Comparison) or part.operator not in {"=", "IN"} or isinstance(part.left, Call):
            continue
        bound = scope.bind(part.left)
        if len(bound.parts) > 1 or isinstance(part.right, Query) or not table.is_indexed(bound.field.name):
            continue
        literals = part.right if isinstance(part.right, tuple) else (part.right,)
        values = list(dict.fromkeys(literal_value(bound.field, literal) for literal in literals))
        if None not in values and (best is None or len(values) < len(best[1])):
            best = bound.field.name, values
    return best


def modstamp_bounds(condition: Condition | None) -> tuple[str, str]:
    """Inclusive bounds of SystemModstamp that every matching row lies within; `~` sorts after every stamp."""
    nothing_known = ("", "~")
    if condition is None or isinstance(condition, Not):
        return nothing_known
    if isinstance(condition, Logical):
        bounds = [modstamp_bounds(part) for part in condition.operands]
        lows, highs = [low for low, _ in bounds], [high for _, high in bounds]
        return (max(lows), min(highs)) if condition.operator == "AND" else (min(lows), max(highs))
    literal = condition.right
    if (
        not isinstance(condition.left, Path)
        or condition.left.text.lower() != "systemmodstamp"
        or not isinstance(literal, Literal)
        or literal.kind != "datetime"
    ):
        return nothing_known
    return {
        "=": (literal.value, literal.value),
        ">": (literal.value, "~"),
        ">=": (literal.value, "~"),
        "<": ("", literal.value),
        "<=": ("", literal.value),
    }.get(condition.operator, nothing_known)


def _conjuncts(condition: Condition | None) -> Iterable[Condition]:
    if isinstance(condition, Logical) and condition.operator == "AND":
        for part in condition.operands:
            yield from _conjuncts(part)
    elif condition is not None:
        yield condition
