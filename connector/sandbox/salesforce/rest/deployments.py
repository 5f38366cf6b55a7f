"""Deployments that were asked for, and how far the asker has been told they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connector.sandbox.salesforce.ids import new_id

if TYPE_CHECKING:
    from connector.sandbox.salesforce.customizing import Customizing
    from connector.sandbox.salesforce.deployment import Component


@dataclass(slots=True, kw_only=True)
class Request:
    id: str
    options: dict[str, Any]
    components: list[Component]
    created_at: str
    #: how often the status was asked for
    asked: int = 0

    @property
    def status(self) -> str:
        return ("Pending", "InProgress")[self.asked] if self.asked < 2 else self.verdict

    @property
    def verdict(self) -> str:
        return "Failed" if any(component.problem for component in self.components) else "Succeeded"


@dataclass(slots=True, kw_only=True)
class Deployments:
    """Kept in memory: a restarted org has forgotten them, as the real one does after some days."""

    customizing: Customizing
    pod: str
    requests: dict[str, Request] = field(default_factory=dict)

    def add(self, options: dict[str, Any], components: list[Component], created_at: str) -> Request:
        deploy_id = new_id("0Af", self.pod, len(self.requests) + 1)
        made = Request(id=deploy_id, options=options, components=components, created_at=created_at)
        self.requests[deploy_id] = made
        return made
