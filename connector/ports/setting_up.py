"""Where the set-up of an org and of an account is written to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.endpoints import Change, Written
    from connector.core.metadata import Components, DeployResult, OrgState
    from connector.core.verify.account import WebhookEndpoint


class MetadataTarget(Protocol):
    """An org our fields and permission set are deployed into. RemoteError for what is refused or not answered."""

    def fetch_state(self) -> OrgState:
        """What the org has already."""
        ...

    def deploy(self, components: Components, *, check_only: bool) -> DeployResult:
        """Deploys all of them or none; with `check_only` tries only. Raises Unfinished when it takes too long."""
        ...

    def assign(self, permission_set_id: str, user_id: str) -> None:
        """Gives the permission set; also right when the user has it already."""
        ...


class EndpointTarget(Protocol):
    """An account whose webhook endpoint is set up. RemoteError for what is refused or not answered."""

    @property
    def livemode(self) -> bool: ...

    def fetch_endpoints(self) -> Sequence[WebhookEndpoint]:
        """All of them, newest first."""
        ...

    def write(self, change: Change) -> Written:
        """Makes one change; the same change again makes nothing twice."""
        ...


class SecretKeeper(Protocol):
    """A place for one new secret. ConfigError where it cannot be kept."""

    def is_owed(self) -> bool:
        """Whether the place was reserved and the secret never came."""
        ...

    def reserve(self) -> None:
        """Makes sure that a secret can be stored, and that none is there."""
        ...

    def release(self) -> None:
        """There will be no secret: takes the reservation back."""
        ...

    def store(self, secret: str) -> None: ...
