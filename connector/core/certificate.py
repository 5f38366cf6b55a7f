"""What a sweep proves: up to when both systems were read through, and whether they agreed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    started_at: datetime
    #: what changed in either system after this moment is not vouched for
    as_of: datetime
    #: nothing unexplained differed
    is_complete: bool
    #: counts and digests per kind and period, and the ids that differ; JSON-able
    detail: Mapping[str, Any]

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds that were compared."""
        return frozenset(self.detail["kinds"])

    @property
    def period(self) -> str | None:
        """The only month that was compared; None for all."""
        period: str | None = self.detail["period"]
        return period

    @property
    def unexplained(self) -> int:
        """How many records differ without a known reason."""
        return int(self.detail["unexplained"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether the two systems are known to agree."""

    #: a whole certificate is young enough, and no sweep since found anything
    is_green: bool
    #: in words, the same for every face
    words: str
    #: the certificate it rests on
    number: int | None = None
    as_of: datetime | None = None


def standing(
    recent: Sequence[tuple[int, Certificate]], *, kinds: Collection[str], now: datetime, max_age: timedelta
) -> Standing:
    """By the sweeps so far, newest first. `kinds` are those that have to be compared."""
    for number, certificate in recent:
        is_whole = certificate.period is None and certificate.kinds >= set(kinds)
        if certificate.is_complete and not is_whole:
            # it says nothing about the rest
            continue
        words = _objection(number, certificate, now - certificate.as_of, max_age)
        return Standing(
            is_green=words is None,
            words=words or f"certified: both systems agree as of {_when(certificate)}, certificate {number}",
            number=number,
            as_of=certificate.as_of,
        )
    return Standing(is_green=False, words="not certified: never swept; `connector sweep` compares everything")


def _objection(number: int, certificate: Certificate, age: timedelta, max_age: timedelta) -> str | None:
    """Why nobody should rely on it any more; None when they may."""
    if certificate.unexplained:
        are = "record differs" if certificate.unexplained == 1 else "records differ"
        return (
            f"not certified: {certificate.unexplained} {are} without a known reason as of {_when(certificate)}; "
            f"`connector certificate show {number}` names what"
        )
    if not certificate.is_complete:
        stopped = ", ".join(certificate.detail["stopped_kinds"])
        return f"not certified: {stopped} could not be compared as of {_when(certificate)}"
    if age > max_age:
        hours = int(age.total_seconds() // 3600)
        return f"not certified: certificate {number} is {hours} hours old; `connector sweep` makes a new one"
    return None


def _when(certificate: Certificate) -> str:
    return f"{certificate.as_of:%Y-%m-%d %H:%M} (UTC)"
