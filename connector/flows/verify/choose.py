"""Which checks a run is about, and which it must judge beside them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from connector.core.verify.checks import Check, Profile, Rules


class NoSuchCheck(LookupError):
    """`pattern` names no check."""

    def __init__(self, pattern: str) -> None:
        super().__init__(pattern)
        self.pattern = pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    #: judged, in the order of the file: the shown ones and all they need
    checks: tuple[Check, ...]
    #: ids of the checks that stand in the report
    shown: frozenset[str]
    #: whether these are all checks of the profile
    whole: bool = True
    #: asked for by name, but not part of the profile
    elsewhere: tuple[str, ...] = ()


def choose(rules: Rules, profile: Profile, *, only: Sequence[str] = (), skip: Sequence[str] = ()) -> Choice:
    """`only` and `skip` are ids or globs (`SF-PKG-*`), whatever their case. Raises NoSuchCheck for one that names none."""
    ids = [check.id for check in rules.checks]
    wanted = matching(only, ids) if only else set(ids)
    wanted -= matching(skip, ids)
    here = {check.id for check in rules.checks if not check.profiles or profile.id in check.profiles}
    judged = _with_needed(rules.checks, wanted & here)
    return Choice(
        checks=tuple(check for check in rules.checks if check.id in judged),
        shown=frozenset(wanted & here),
        whole=here <= wanted,
        elsewhere=tuple(sorted(wanted - here)) if only else (),
    )


def matching(patterns: Iterable[str], ids: Collection[str]) -> set[str]:
    """The ids that one of the patterns names. Raises NoSuchCheck for a pattern that names none."""
    found: set[str] = set()
    for pattern in patterns:
        named = {each for each in ids if fnmatchcase(each.upper(), pattern.upper())}
        if not named:
            raise NoSuchCheck(pattern)
        found |= named
    return found


def _with_needed(checks: Sequence[Check], wanted: Collection[str]) -> set[str]:
    judged = set(wanted)
    # A check stands below what it needs, so one pass from the end reaches everything.
    for check in reversed(checks):
        if check.id in judged:
            judged.update(check.needs)
    return judged
