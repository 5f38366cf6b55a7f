"""A bug planted on purpose, and what must catch it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

Plant = Callable[["pytest.MonkeyPatch"], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    #: the invariant's number in invariants.md, or the sentence of architecture.md
    invariant: str
    bug: str
    plant: Plant
    #: a test that must fail
    test: str = ""
    #: or seeds of which one must break
    seeds: tuple[int, ...] = ()


def always(answer: Any) -> Callable[..., Any]:
    return lambda *_args, **_kwargs: answer
