"""A look at a SOQL condition of a mapping: obvious slips, the fields it names, and whether two exclude each other.

This is no SOQL parser: Salesforce judges the condition when it runs. It finds what would otherwise be
found by a customer: a double-quoted text, `==`, a whole query where a condition belongs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<operator><=|>=|<>|!=|=|<|>)|(?P<mark>[(),])
    |(?P<value>[0-9][0-9A-Za-z:.+-]*|-[0-9.]+)|(?P<word>[A-Za-z][A-Za-z0-9_.]*(?::[0-9]+)?))""",
    re.VERBOSE,
)
_JOINERS: Final = frozenset({"AND", "OR", "NOT"})
_COMPARERS: Final = frozenset({"LIKE", "IN", "NOT", "INCLUDES", "EXCLUDES"})
_NO_CONDITION: Final = ("SELECT", "FROM", "WHERE", "ORDER", "GROUP", "HAVING", "LIMIT", "OFFSET", "FOR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """`field operator value`, e.g. `Type = 'Customer'`; the value as written, upper-cased if it is a word."""

    field: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    #: paths compared in it
    fields: tuple[str, ...]
    #: the terms that must all hold; None when it is more than terms joined by AND
    terms: tuple[Term, ...] | None
    #: (observed, remedy) of each slip
    slips: tuple[tuple[str, str], ...]


def read_condition(text: str) -> Condition:
    slips = list(_slips(text))
    if slips:
        return Condition(fields=(), terms=None, slips=tuple(slips))
    tokens, rest = _tokens(text)
    if rest:
        return Condition(fields=(), terms=None, slips=((f"cannot read {rest[:20]!r}", "write a SOQL condition"),))
    fields = tuple(
        token
        for number, (group, token) in enumerate(tokens)
        if group == "word" and token.upper() not in _JOINERS and _is_compared(tokens, number)
    )
    if not fields:
        slips.append(("compares no field", "write a SOQL condition such as `IsActive = true`"))
    return Condition(fields=fields, terms=_terms(tokens), slips=tuple(slips))


def are_disjoint(one: Condition, other: Condition) -> bool:
    """True when no record can meet both, as far as terms joined by AND show it."""
    if one.terms is None or other.terms is None:
        return False
    return any(_exclude(a, b) for a in one.terms for b in other.terms if a.field.casefold() == b.field.casefold())


def demands_null(condition: Condition, field: str) -> bool:
    """True when only records without a value in `field` meet it."""
    return any(
        term.field.casefold() == field.casefold() and (term.operator, term.value) == ("=", "NULL")
        for term in condition.terms or ()
    )


def _slips(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    bare = re.sub(r"'(?:[^'\\]|\\.)*'", "''", text)
    if '"' in bare:
        found.append(("double quotes", "SOQL texts stand in single quotes"))
    if bare.count("'") % 2:
        found.append(("a quote is not closed", "close it; a quote inside a text is written \\'"))
    if "==" in bare:
        found.append(("`==`", "SOQL compares with `=`"))
    if ";" in bare or "--" in bare:
        found.append(("`;` or `--`", "write one condition and nothing else"))
    if re.search(r"\bIS\s+(NOT\s+)?NULL\b", bare, re.IGNORECASE):
        found.append(("`IS NULL`", "SOQL writes `= null` and `!= null`"))
    if bare.count("(") != bare.count(")"):
        found.append(("parentheses do not match", "close every parenthesis"))
    words = {word.upper() for word in re.findall(r"[A-Za-z_]+", bare)}
    found += [
        (f"the word {word}", "write only the condition; the query around it is made by the program")
        for word in _NO_CONDITION
        if word in words
    ]
    return found


def _tokens(text: str) -> tuple[list[tuple[str, str]], str]:
    tokens: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            return tokens, text[position:].strip()
        assert match.lastgroup is not None
        tokens.append((match.lastgroup, match.group(match.lastgroup)))
        position = match.end()
    return tokens, ""


def _is_compared(tokens: list[tuple[str, str]], number: int) -> bool:
    if number + 1 >= len(tokens):
        return False
    group, token = tokens[number + 1]
    return group == "operator" or token.upper() in _COMPARERS


def _terms(tokens: list[tuple[str, str]]) -> tuple[Term, ...] | None:
    terms: list[Term] = []
    for start in range(0, len(tokens), 4):
        match tokens[start : start + 4]:
            case [("word", field), ("operator", operator), (group, value), *rest]:
                if group not in {"text", "value", "word"} or (rest and rest[0][1].upper() != "AND"):
                    return None
                value = value.upper() if group == "word" else value
                terms.append(Term(field=field, operator="!=" if operator == "<>" else operator, value=value))
            case _:
                return None
    return tuple(terms)


def _exclude(one: Term, other: Term) -> bool:
    if one.operator == other.operator == "=":
        return one.value.casefold() != other.value.casefold()
    return {one.operator, other.operator} == {"=", "!="} and one.value.casefold() == other.value.casefold()
