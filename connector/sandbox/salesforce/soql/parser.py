"""SOQL text to its tree, by a real grammar. What the grammar does not know is MALFORMED_QUERY, never ignored.

Understands the SOQL of the REST API except: TYPEOF, USING SCOPE, WITH, FOR VIEW/REFERENCE/UPDATE, ALL ROWS, currency
literals, INCLUDES/EXCLUDES, geolocation and the functions other than the aggregates; those are refused.
"""

from __future__ import annotations

import functools
import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken
from lark.exceptions import VisitError

from connector.sandbox.salesforce.errors import ApiError, malformed_query
from connector.sandbox.salesforce.soql.ast import Call, Comparison, Condition, Literal, Logical, Not, Order, Path, Query
from connector.sandbox.salesforce.values import parse_datetime, wire_datetime

if TYPE_CHECKING:
    from collections.abc import Callable

_GRAMMAR = r"""
start: query
query: SELECT select_list FROM path alias? where? group? having? order? limit? offset?
subquery: "(" query ")"
select_list: select_item ("," select_item)*
?select_item: path | call | subquery
path: NAME ("." NAME)*
call: NAME "(" path? ")" NAME?
alias: NAME
where: WHERE condition
?condition: unit | all_of | any_of
all_of: unit (AND unit)+
any_of: unit (OR unit)+
?unit: comparison | "(" condition ")" | negation
negation: NOT unit
comparison: operand OPERATOR literal
          | operand LIKE literal -> like
          | operand IN value_list -> is_in
          | operand NOT IN value_list -> is_not_in
?operand: path | bare_call
bare_call: NAME "(" path? ")"
value_list: STRING_LIST | "(" literal ("," literal)* ")" | subquery
group: GROUP_BY path ("," path)*
having: HAVING condition
order: ORDER_BY order_item ("," order_item)*
order_item: operand [ASC | DESC] [NULLS_FIRST | NULLS_LAST]
limit: LIMIT INTEGER
offset: OFFSET INTEGER
literal: STRING | DATETIME | DATE | NUMBER | INTEGER | TRUE | FALSE | NULL | DATE_LITERAL_N | NAME

SELECT.3: /select\b/i
FROM.3: /from\b/i
WHERE.3: /where\b/i
AND.3: /and\b/i
OR.3: /or\b/i
NOT.3: /not\b/i
LIKE.3: /like\b/i
IN.3: /in\b/i
GROUP_BY.3: /group\s+by\b/i
HAVING.3: /having\b/i
ORDER_BY.3: /order\s+by\b/i
ASC.3: /asc\b/i
DESC.3: /desc\b/i
NULLS_FIRST.3: /nulls\s+first\b/i
NULLS_LAST.3: /nulls\s+last\b/i
LIMIT.3: /limit\b/i
OFFSET.3: /offset\b/i
TRUE.3: /true\b/i
FALSE.3: /false\b/i
NULL.3: /null\b/i
OPERATOR: "<=" | ">=" | "!=" | "<>" | "=" | "<" | ">"
STRING_LIST.4: /\(\s*'(?:[^'\\]|\\.)*'(?:\s*,\s*'(?:[^'\\]|\\.)*')*\s*\)/
STRING: /'(?:[^'\\]|\\.)*'/
DATETIME.5: /\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:?\d\d)/
DATE.4: /\d{4}-\d\d-\d\d/
NUMBER.3: /[+-]?\d*\.\d+/
INTEGER.2: /[+-]?\d+/
DATE_LITERAL_N.4: /[A-Za-z_]+_N_[A-Za-z_]+:\d+/
NAME: /[A-Za-z][A-Za-z0-9_]*/
%ignore /\s+/
"""

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_STRING = re.compile(r"'(?:[^'\\]|\\.)*'", re.DOTALL)
DATE_LITERALS = frozenset(
    [
        "YESTERDAY",
        "TODAY",
        "TOMORROW",
        "LAST_WEEK",
        "THIS_WEEK",
        "NEXT_WEEK",
        "LAST_MONTH",
        "THIS_MONTH",
        "NEXT_MONTH",
        "LAST_90_DAYS",
        "NEXT_90_DAYS",
        "LAST_YEAR",
        "THIS_YEAR",
        "NEXT_YEAR",
    ]
)
DATE_LITERALS_N = frozenset(
    [
        "LAST_N_DAYS",
        "NEXT_N_DAYS",
        "N_DAYS_AGO",
        "LAST_N_MONTHS",
        "NEXT_N_MONTHS",
        "N_MONTHS_AGO",
        "LAST_N_YEARS",
        "NEXT_N_YEARS",
    ]
)
# The beginnings of clauses this grammar refuses; as aliases they would be swallowed.
_NOT_AN_ALIAS = frozenset({"FOR", "WITH", "USING", "ALL", "UPDATE", "AS"})
_MAX_DIGITS = 9
MAX_QUERY_CHARACTERS = 100_000


class _Builder(Transformer[Token, Query]):
    """Children in, tree nodes out. Keyword tokens are kept by lark and skipped here."""

    def start(self, children: list[Any]) -> Query:
        return children[0]  # type: ignore[no-any-return] # lark hands over what `query` returned

    def query(self, children: list[Any]) -> Query:
        clauses: dict[str, Any] = {}
        for child in children[4:]:
            if isinstance(child, tuple):
                clauses[child[0]] = child[1]
        return Query(
            select=tuple(children[1]),
            source=children[3],
            alias=clauses.get("alias"),
            where=clauses.get("where"),
            group_by=clauses.get("group", ()),
            having=clauses.get("having"),
            order_by=clauses.get("order", ()),
            limit=clauses.get("limit"),
            offset=clauses.get("offset", 0),
        )

    def subquery(self, children: list[Any]) -> Query:
        return children[0]  # type: ignore[no-any-return] # as above

    def select_list(self, children: list[Any]) -> list[Any]:
        return children

    def path(self, children: list[Token]) -> Path:
        return Path(parts=tuple(str(token) for token in children), position=children[0].start_pos or 0)

    def alias(self, children: list[Token]) -> tuple[str, str]:
        if children[0].upper() in _NOT_AN_ALIAS:
            raise malformed_query(f"unexpected token: '{children[0]}'")
        return "alias", str(children[0])

    def call(self, children: list[Any]) -> Call:
        name, *rest = children
        argument = next((child for child in rest if isinstance(child, Path)), None)
        alias = next((str(child) for child in rest if isinstance(child, Token)), None)
        return Call(function=name.upper(), argument=argument, alias=alias, position=name.start_pos or 0)

    bare_call = call

    def where(self, children: list[Any]) -> tuple[str, Condition]:
        return "where", children[1]

    def having(self, children: list[Any]) -> tuple[str, Condition]:
        return "having", children[1]

    def all_of(self, children: list[Any]) -> Logical:
        return Logical(operator="AND", operands=tuple(children[::2]))

    def any_of(self, children: list[Any]) -> Logical:
        return Logical(operator="OR", operands=tuple(children[::2]))

    def negation(self, children: list[Any]) -> Not:
        return Not(operand=children[1])

    def comparison(self, children: list[Any]) -> Comparison:
        operator = "!=" if children[1] == "<>" else str(children[1])
        return Comparison(left=children[0], operator=operator, right=children[2])

    def like(self, children: list[Any]) -> Comparison:
        return Comparison(left=children[0], operator="LIKE", right=children[2])

    def is_in(self, children: list[Any]) -> Comparison:
        return Comparison(left=children[0], operator="IN", right=children[2])

    def is_not_in(self, children: list[Any]) -> Comparison:
        return Comparison(left=children[0], operator="NOT IN", right=children[3])

    def value_list(self, children: list[Any]) -> Query | tuple[Literal, ...]:
        first = children[0]
        if isinstance(first, Token):
            position = first.start_pos or 0
            return tuple(
                Literal(kind="string", value=_unescape(text[1:-1]), position=position)
                for text in _STRING.findall(first)
            )
        return first if isinstance(first, Query) else tuple(children)

    def group(self, children: list[Any]) -> tuple[str, tuple[Path, ...]]:
        return "group", tuple(children[1:])

    def order(self, children: list[Any]) -> tuple[str, tuple[Order, ...]]:
        return "order", tuple(children[1:])

    def order_item(self, children: list[Any]) -> Order:
        tokens = {child.type for child in children[1:] if isinstance(child, Token)}
        nulls = "NULLS_FIRST" in tokens if tokens & {"NULLS_FIRST", "NULLS_LAST"} else None
        return Order(by=children[0], descending="DESC" in tokens, nulls_first=nulls)

    def limit(self, children: list[Token]) -> tuple[str, int]:
        return "limit", _not_negative(children[1])

    def offset(self, children: list[Token]) -> tuple[str, int]:
        return "offset", _not_negative(children[1])

    def literal(self, children: list[Token]) -> Literal:
        token = children[0]
        kind, value = _LITERALS[token.type](token)
        return Literal(kind=kind, value=value, position=token.start_pos or 0)


def _not_negative(token: Token) -> int:
    if len(token) > _MAX_DIGITS or int(token) < 0:
        raise malformed_query(f"unexpected token: '{token[:40]}'")
    return int(token)


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text

    def replace(match: re.Match[str]) -> str:
        code = match.group(1)
        if code[0] == "u" and len(code) == 5:
            return chr(int(code[1:], 16))
        if code in {"_", "%"}:
            return f"\\{code}"  # kept for LIKE, which alone gives these a meaning
        if code.lower() not in _ESCAPES:
            raise malformed_query(
                f"Illegal string literal: Invalid string literal. Illegal character sequence '\\{code}'"
            )
        return _ESCAPES[code.lower()]

    return _ESCAPE.sub(replace, text)


def _date(token: Token) -> tuple[str, str]:
    try:
        return "date", date.fromisoformat(token).isoformat()
    except ValueError:
        raise malformed_query(f"Invalid date: {token}") from None


def _datetime(token: Token) -> tuple[str, str]:
    try:
        return "datetime", wire_datetime(parse_datetime(token.upper()))
    except ValueError:
        raise malformed_query(f"Invalid datetime: {token}") from None


def _named(token: Token) -> tuple[str, int]:
    name, _, number = token.upper().partition(":")
    if name not in (DATE_LITERALS_N if number else DATE_LITERALS):
        raise malformed_query(f"unexpected token: '{token}'")
    if len(number) > _MAX_DIGITS:
        raise malformed_query(f"unexpected token: '{token[:40]}'")
    return name, int(number or 0)


_LITERALS: dict[str, Callable[[Token], tuple[str, Any]]] = {
    "STRING": lambda token: ("string", _unescape(token[1:-1])),
    "DATETIME": _datetime,
    "DATE": _date,
    "NUMBER": lambda token: ("number", Decimal(token)),
    "INTEGER": lambda token: ("number", Decimal(token)),
    "TRUE": lambda _token: ("boolean", True),
    "FALSE": lambda _token: ("boolean", False),
    "NULL": lambda _token: ("null", None),
    "DATE_LITERAL_N": _named,
    "NAME": _named,
}

_PARSER = Lark(_GRAMMAR, parser="lalr", lexer="contextual", transformer=_Builder(), propagate_positions=False)


@functools.lru_cache(maxsize=512)
def parse(text: str) -> Query:
    """The tree of a query. Raises ApiError MALFORMED_QUERY with the place of the error."""
    if len(text) > MAX_QUERY_CHARACTERS:
        raise ApiError(400, "QUERY_TOO_COMPLICATED", "The query is too long: 100000 characters at most")
    try:
        return _PARSER.parse(text)  # type: ignore[return-value] # the transformer makes it a Query
    except VisitError as error:
        if isinstance(error.orig_exc, ApiError):
            raise error.orig_exc from None
        raise
    except UnexpectedToken as error:
        shown = "<EOF>" if error.token.type == "$END" else str(error.token)
        position = len(text) if error.token.type == "$END" else error.token.start_pos or 0
        raise located(text, position, "MALFORMED_QUERY", f"unexpected token: '{shown}'") from None
    except UnexpectedInput as error:
        position = error.pos_in_stream or 0
        word = re.match(r"\w+|.", text[position:], re.DOTALL)
        shown = word.group() if word else ""
        raise located(text, position, "MALFORMED_QUERY", f"unexpected token: '{shown}'") from None


def located(text: str, position: int, code: str, message: str) -> ApiError:
    """The error as Salesforce words it: an excerpt, a caret under the place, row and column, the message."""
    line_start = text.rfind("\n", 0, position) + 1
    row, column = text.count("\n", 0, position) + 1, position - line_start + 1
    start, end = max(line_start, position - 40), min(len(text), position + 40)
    excerpt = text[start:end].split("\n", maxsplit=1)[0]
    caret = " " * (position - start) + "^"
    return ApiError(400, code, f"\n{excerpt}\n{caret}\nERROR at Row:{row}:Column:{column}\n{message}")
