"""What a parsed SOQL query is made of. Positions are offsets into the query text, for error messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    parts: tuple[str, ...]
    position: int

    @property
    def text(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`SUM(field)`, `COUNT()`; the name in upper case."""

    function: str
    argument: Path | None
    alias: str | None
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """kind: string, number, date, datetime, boolean, null, or a date literal such as LAST_N_DAYS with its number."""

    kind: str
    value: Any
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    left: Path | Call
    #: = != < <= > >= LIKE IN, NOT IN
    operator: str
    #: one literal, a tuple of them, or a subselect
    right: Literal | tuple[Literal, ...] | Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    operand: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Logical:
    #: AND or OR
    operator: str
    operands: tuple[Condition, ...]


Condition = Comparison | Not | Logical


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    by: Path | Call
    descending: bool
    #: None: the default, nulls first for ascending and last for descending
    nulls_first: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    select: tuple[Path | Call | Query, ...]
    #: an object, or for a subquery in the select list a relationship name
    source: Path
    alias: str | None
    where: Condition | None
    group_by: tuple[Path, ...]
    having: Condition | None
    order_by: tuple[Order, ...]
    limit: int | None
    offset: int
