"""What a probe is: the questions it asks, and how their answers become evidence. Pure.

Questions of all probes travel together (SOQL and describes in composite calls), so a probe costs what its
questions cost and no more. An answer that is an error raises `NotReadable` when it is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from connector.core.verify.evidence import NotReadable, Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from connector.core.mapping import Pack
    from connector.core.quota import Quota
    from connector.core.verify.evidence import Evidence

#: how Salesforce says that the user may not: what is hidden is often called unknown (platform.md 0.2, B "Errors")
_NOT_ALLOWED: Final = frozenset(
    {"INVALID_TYPE", "INVALID_FIELD", "INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One question. `via` says how it travels."""

    #: `soql`, `describe` (an object's name), `tooling` (SOQL of the Tooling API), `rest` (a path below the
    #: version), `host` (a path of the instance)
    via: str
    text: str
    #: the permission without which Salesforce does not answer this, where it is known
    permission: str | None = None
    #: the first page is enough: the question is about examples, and the answer says how many there are
    is_sample: bool = False

    @property
    def source(self) -> str:
        """For people: what was asked, without its details."""
        if self.via in ("soql", "tooling"):
            words = self.text.split()
            name = words[[word.upper() for word in words].index("FROM") + 1]
            return f"{'Tooling query' if self.via == 'tooling' else 'query'} {name}"
        return f"describe {self.text}" if self.via == "describe" else f"GET {self.text}"


def soql(text: str, *, permission: str | None = None) -> Ask:
    """All rows, as far as an inspector reads pages."""
    return Ask(via="soql", text=text, permission=permission)


def sample(text: str) -> Ask:
    """The first page of a query, with `totalSize` of the whole."""
    return Ask(via="soql", text=text, is_sample=True)


def describe(name: str) -> Ask:
    """An object that the user cannot see answers with code NOT_FOUND."""
    return Ask(via="describe", text=name)


def tooling(text: str, *, permission: str | None = None) -> Ask:
    return Ask(via="tooling", text=text, permission=permission)


def rest(path: str, *, permission: str | None = None) -> Ask:
    return Ask(via="rest", text=path, permission=permission)


def host(path: str) -> Ask:
    return Ask(via="host", text=path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back for one question."""

    ask: Ask
    body: Any = None
    #: why it could not be read; None when it could
    failure: str | None = None
    #: Salesforce's error code, `INVALID_TYPE`; None without one
    code: str | None = None

    @property
    def ok(self) -> bool:
        return self.failure is None

    def content(self) -> Any:
        """The body. NotReadable where the question was not answered."""
        if self.failure is not None:
            # A server that is down is not mended by granting a permission.
            permission = self.ask.permission if self.code in _NOT_ALLOWED else None
            reason = self.failure
            if permission is not None and self.code == "INVALID_TYPE":
                # Salesforce's own words ("append the '__c'") send people the wrong way.
                reason = f"Salesforce does not show {self.ask.source.split()[-1]} to this user (INVALID_TYPE)"
            raise NotReadable(Unreadable(source=self.ask.source, reason=reason, permission=permission))
        return self.body

    def rows(self) -> list[dict[str, Any]]:
        """The records of a query. NotReadable as above."""
        records: list[dict[str, Any]] = self.content()["records"]
        return records


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a probe may use to make its questions."""

    pack: Pack
    #: settings a question depends on; no secret
    options: Mapping[str, Any]
    #: the evidence of the probes named in `after`
    evidence: Mapping[str, Evidence]
    #: the org's quota as the newest answer told it
    quota: Callable[[], Quota | None] = lambda: None

    def value(self, name: str) -> Any:
        """The value of earlier evidence; NotReadable where there is none."""
        found = self.evidence[name]
        if isinstance(found, Unreadable):
            raise NotReadable(found)
        return getattr(found, "value", None)


Asks: TypeAlias = "Callable[[Known], Sequence[Ask]]"
Read: TypeAlias = "Callable[[Known, Sequence[Answer]], Any]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One kind of evidence. `read` may raise NotReadable, which makes the evidence Unreadable."""

    name: str
    asks: Asks
    read: Read
    #: probes whose evidence its questions need; they are asked first
    after: tuple[str, ...] = ()
