"""What people and later passes look up: brakes, certificates, marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from connector.core.brake import TrippedBrake
    from connector.core.certificate import Certificate
    from connector.core.model import Key


class BrakeMemory(Protocol):
    """Brakes that tripped. Every method is one transaction."""

    def load_open(self) -> Sequence[TrippedBrake]:
        """Those no person has released yet, oldest first."""
        ...

    def load_recent(self, limit: int = 50) -> Sequence[TrippedBrake]:
        """Newest first, released ones too."""
        ...

    def load_released(self, since: datetime) -> Sequence[TrippedBrake]:
        """Those released since then, newest first."""
        ...

    def trip(self, tripped: Sequence[TrippedBrake]) -> None:
        """Stores them; one that is open already (same name and subject) stays as it was."""
        ...

    def release(self, name: str, subject: str, *, by: str, reason: str, at: datetime) -> bool:
        """Whether it was open."""
        ...

    def load_tallied(self, records: Collection[str], *, since: datetime) -> Mapping[str, AbstractSet[str]]:
        """What these records were tallied as since then."""
        ...

    def tally(self, adding: Mapping[str, Collection[str]], *, since: datetime) -> Mapping[str, int]:
        """Remembers weight -> records, each once, forgets what is older than `since`, and counts what remains by
        weight: of any number of workers each sees what those before it added.
        """
        ...

    def untally(self, taken_back: Mapping[str, Collection[str]]) -> None: ...

    def count_repeats(self, born: Sequence[Key], *, since: datetime) -> Mapping[Key, int]:
        """How often the most repeated write of each of these links was carried out since then."""
        ...


class CertificateMemory(Protocol):
    """What the sweeps found. Every method is one transaction."""

    def save(self, given: Certificate) -> int:
        """Its number."""
        ...

    def load_recent(self, limit: int = 20) -> Sequence[tuple[int, Certificate]]:
        """Newest first, each with its number."""
        ...


class StrangerMemory(Protocol):
    """Records at Stripe that nobody claims, by traits (core/twins.py). Every method is one transaction."""

    def are_known(self, kind: str) -> bool:
        """Whether there is any of this kind."""
        ...

    def remember(self, kind: str, traits: Mapping[str, Collection[str]]) -> None:
        """Stripe id -> its traits, in place of those known so far; none forgets the record."""
        ...

    def find(self, kind: str, traits: Collection[str]) -> Mapping[str, AbstractSet[str]]:
        """Trait -> ids of the records that have it."""
        ...


class MarkMemory(Protocol):
    """What of our own doing the store knows. Every method is one transaction."""

    def load_known_keys(self, idempotency_keys: Sequence[str]) -> AbstractSet[str]:
        """Those that an operation of this store has or had."""
        ...

    def load_begun(self, born: Sequence[Key]) -> AbstractSet[Key]:
        """Those of these links for which a create was ever begun."""
        ...

    def skip_revisions(self, by: int) -> None:
        """Lifts the revision of every link: what another store used up is not used again."""
        ...
