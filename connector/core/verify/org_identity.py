"""What probes see of an org itself and of the user that asks. Names of fields: platform.md A1 and A3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiVersions:
    """What the instance offers, oldest first: `67.0`."""

    offered: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Whose session this is."""

    user_id: str
    username: str
    org_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    id: str
    name: str
    is_sandbox: bool
    #: `Enterprise Edition`, `Developer Edition`
    edition: str
    instance: str
    trial_expires: str | None = None

    @property
    def kind(self) -> str:
        """What people call it."""
        if self.is_sandbox:
            return "sandbox"
        return "Developer Edition org" if self.edition == "Developer Edition" else "production org"

    @property
    def is_government(self) -> bool:
        """Government Cloud by the name of its instance (inferred: USA..., `gov`)."""
        return self.instance.upper().startswith("USA") or "GOV" in self.instance.upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPermissions:
    """Effective permissions of the calling user."""

    #: `PermissionsApiEnabled` -> whether it is held; absent where it could not be read
    held: Mapping[str, bool]
    #: permission -> why it could not be read
    unreadable: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiBudget:
    """Calls of the rolling 24 hours."""

    used: int
    allowed: int
    #: where it was read: `limits`, or the header of an answer
    source: str

    @property
    def remaining(self) -> int:
        return self.allowed - self.used
