"""The org as `ports.MetadataTarget`: looked at, deployed into, and the permission set assigned in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core.errors import Refused
from connector.salesforce.deploy.archive import build_archive
from connector.salesforce.deploy.seen import fetch_org_state
from connector.salesforce.deploy.sending import run_deployment

if TYPE_CHECKING:
    from connector.core.metadata import Components, DeployResult, OrgState
    from connector.ports import Clock
    from connector.salesforce.client import Client
    from connector.salesforce.deploy.source import Source


class OrgTarget:
    def __init__(self, *, client: Client, clock: Clock, source: Source, assignee: str | None) -> None:
        self._client = client
        self._clock = clock
        self._source = source
        self._assignee = assignee

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._client.calls

    def fetch_state(self) -> OrgState:
        return fetch_org_state(self._client, self._source.metadata, assignee=self._assignee)

    def deploy(self, components: Components, *, check_only: bool) -> DeployResult:
        archive = build_archive(self._source, components)
        return run_deployment(self._client, self._clock, archive, check_only=check_only)

    def assign(self, permission_set_id: str, user_id: str) -> None:
        content = {"PermissionSetId": permission_set_id, "AssigneeId": user_id}
        try:
            self._client.call(
                "POST",
                "sobjects/PermissionSetAssignment",
                action="assign the permission set",
                write=True,
                content=content,
            )
        except Refused as error:
            # Somebody, or the lost reply of our own first attempt, did it already.
            if error.code != "DUPLICATE_VALUE":
                raise
