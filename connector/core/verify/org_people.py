"""What probes see of licences, permission sets and who holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatLicence:
    """A permission set licence or a user licence."""

    #: API name, empty where the user may not see it
    name: str
    label: str
    status: str
    total: int
    used: int
    expires: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatLicences:
    rows: tuple[SeatLicence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceHolders:
    """Who of the users that matter holds the CPQ licence."""

    #: usernames of the holders
    usernames: frozenset[str]
    #: the user this connector works as
    sync_user: str
    #: the user who installed the packages, and how that is known; None when it is not
    installer: str | None
    installer_known_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileReaders:
    """Object -> names of the profiles whose users may read it."""

    profiles: tuple[tuple[str, str], ...]

    def of(self, name: str) -> frozenset[str]:
        return frozenset(profile for sobject, profile in self.profiles if sobject == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSet:
    """A permission set somebody holds."""

    name: str
    label: str
    namespace: str | None

    @property
    def full_name(self) -> str:
        return f"{self.namespace}__{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignedSets:
    """What the connector's user is assigned: sets themselves, and groups of sets by id."""

    sets: tuple[HeldSet, ...]
    group_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldSets:
    """Sets of the connector's user, those that come by a group included."""

    mine: tuple[HeldSet, ...]
    #: of the sets a profile names by label, those that any active user holds
    held_by_anybody: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """A user with Manage Billing, and what gives it."""

    username: str
    #: `profile System Administrator`, `permission set Billing`
    through: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Managers:
    rows: tuple[Manager, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class YourAccount:
    """The permission sets and licences of Salesforce's own "Your Account", found by label."""

    permission_sets: tuple[str, ...]
    licences: tuple[SeatLicence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Logins:
    """The sort of each login of the connector's user in the last 30 days, each once: `SOAP Partner`, `REST API`."""

    kinds: frozenset[str]
