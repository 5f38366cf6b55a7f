"""What every resource of the REST API works with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connector.sandbox.salesforce.errors import not_found

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from connector.sandbox.salesforce.access import Access
    from connector.sandbox.salesforce.database import Database
    from connector.sandbox.salesforce.engine import Actor, Engine
    from connector.sandbox.salesforce.rest.cursors import Cursors
    from connector.sandbox.salesforce.rest.deployments import Deployments
    from connector.sandbox.salesforce.schema import SObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One request's view of the org."""

    version: str
    engine: Engine
    database: Database
    actor: Actor
    access: Access
    cursors: Cursors
    deployments: Deployments
    now: datetime
    #: the admin's cap on records per page, at most 2,000
    max_page_size: int
    api_used: int
    api_limit: int
    #: data or tooling: which objects there are, and where addresses lead
    api: str = "data"

    @property
    def root(self) -> str:
        return f"/services/data/{self.version}" + ("/tooling" if self.api == "tooling" else "")

    @property
    def objects(self) -> Mapping[str, SObject]:
        """What the caller sees of the objects this API knows."""
        return {name: obj for name, obj in self.actor.objects.items() if self.api in obj.apis}

    @property
    def permissions(self) -> set[str]:
        return self.access.permissions(self.actor.user_id)

    def sobject(self, name: str) -> SObject:
        """The object as the caller sees it; raises NOT_FOUND."""
        found = self.actor.objects.get(name)
        if found is None:
            found = next((obj for known, obj in self.actor.objects.items() if known.lower() == name.lower()), None)
        if found is None or self.api not in found.apis:
            raise not_found()
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request below `/services/data/vXX.X/`; `segments` are still percent-encoded."""

    method: str
    segments: tuple[str, ...]
    parameters: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)
    #: the raw body of a request of its own, or the parsed body of a composite subrequest
    body: bytes | object = b""
