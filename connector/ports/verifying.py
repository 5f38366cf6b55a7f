"""What the verifier looks through, and what it remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from connector.core.model import Side
    from connector.core.verify.checks import Attestation
    from connector.core.verify.evidence import Evidence
    from connector.core.verify.memory import AttestationEvent, PackagePin, PastRun


class Inspector(Protocol):
    """Looks at one side for the verifier. Reads only."""

    @property
    def side(self) -> Side | None:
        """None: this machine."""
        ...

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        ...

    def inspect(self, wanted: Sequence[str]) -> Mapping[str, Evidence]:
        """Each wanted piece of evidence, by name, gathered concurrently in as few calls as the system
        allows. What cannot be read is `Unreadable`, a probe that breaks is `Broken`: neither costs its
        neighbours anything, and nothing is raised for an answer or a missing answer of the system.
        """
        ...


class VerifyMemory(Protocol):
    """What the verifier remembers about one org. Every method is one transaction."""

    def load_attestations(self) -> Sequence[Attestation]:
        """The newest of each check, expired ones too; none that was withdrawn."""
        ...

    def load_attestation_history(self, limit: int = 50) -> Sequence[AttestationEvent]:
        """Everything people said and took back, newest first."""
        ...

    def save_attestation(self, attestation: Attestation) -> None: ...

    def withdraw_attestation(self, check_id: str, by: str, at: datetime) -> bool:
        """Whether there was one."""
        ...

    def load_pins(self) -> Sequence[PackagePin]: ...

    def save_pins(self, pins: Sequence[PackagePin]) -> None:
        """These and no others from now on."""
        ...

    def save_verification(self, run: PastRun) -> None: ...

    def load_verifications(self, limit: int = 20, *, profile: str | None = None) -> Sequence[PastRun]:
        """Newest first, of one profile or of all. `report` is empty where it is no longer kept."""
        ...

    def unchanged_since(self, verdicts: Mapping[str, str], *, profile: str) -> Mapping[str, datetime]:
        """For each check, when the unbroken row of runs with this verdict began; absent for a new verdict.
        Runs that did not look at a check say nothing about it.
        """
        ...
