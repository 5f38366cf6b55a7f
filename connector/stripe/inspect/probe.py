"""What a probe is: the questions it asks, and how their answers become evidence. Pure.

The same question is sent once, whoever asks it, so a probe costs what its own questions cost. An
answer that is an error raises `NotReadable` when it is used.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from connector.core.verify.evidence import NotReadable, Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from connector.core.mapping import Pack
    from connector.core.verify.account import StripeKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One GET. Lists are asked for with a limit: what is counted must fit one page."""

    template: str
    params: tuple[tuple[str, Any], ...] = ()
    #: what a restricted key must be allowed for it, in the dashboard's words
    right: str | None = None

    @property
    def source(self) -> str:
        """For people: what was asked, without its details."""
        return f"GET {self.template}"


def get(template: str, *, right: str | None = None, **params: Any) -> Ask:
    return Ask(template=template, params=tuple(params.items()), right=right)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for one question."""

    ask: Ask
    body: Mapping[str, Any] = field(default_factory=dict)
    #: names in small letters
    headers: Mapping[str, str] = field(default_factory=dict)
    #: why it could not be read; None when it could
    failure: str | None = None
    #: HTTP status of a failure; None when no answer came
    status: int | None = None

    @property
    def denied(self) -> bool:
        """The key lacks a right (platform.md C9)."""
        return self.status == 403

    def content(self) -> Mapping[str, Any]:
        """The JSON object. NotReadable where the question was not answered; names the right where it is that."""
        if self.failure is not None:
            right = self.ask.right if self.denied else None
            fix = (
                None if right is None else f"give the restricted key {right} (Developers > API keys), then run it again"
            )
            raise NotReadable(Unreadable(source=self.ask.source, reason=self.failure, permission=right, fix=fix))
        return self.body

    def rows(self) -> list[dict[str, Any]]:
        """The objects of a list. NotReadable as above."""
        data: list[dict[str, Any]] = self.content()["data"]
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a probe may use to make its questions."""

    pack: Pack
    key: StripeKey
    #: settings a question depends on; no secret
    options: Mapping[str, Any]


Asks: TypeAlias = "Callable[[Known], Sequence[Ask]]"
Read: TypeAlias = "Callable[[Known, Sequence[Answer]], Any]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One kind of evidence. `read` may raise NotReadable, which makes the evidence Unreadable."""

    name: str
    asks: Asks
    read: Read
