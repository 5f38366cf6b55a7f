"""Orgs by name: a healthy one, and ones with named defects. Each plants exactly what its description says."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from connector.sandbox.http import Request, Response
    from connector.sandbox.salesforce.platform import Platform
    from connector.sandbox.salesforce.settings import OrgSettings


class Site(Protocol):
    """What a scenario may touch of an org."""

    platform: Platform
    #: the user behind the API
    user_id: str
    #: the administrator
    person_id: str
    faults: Callable[[Request], Response | None] | None

    def hide_field(self, sobject: str, field_name: str) -> None: ...

    def make_read_only(self, sobject: str, field_name: str) -> None: ...

    def define_picklist(self, sobject: str, field_name: str, values: Sequence[str]) -> None: ...


def _nothing(_org: Site) -> None:
    """The healthy org needs no change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    name: str
    description: str
    #: settings of the org it needs
    settings: dict[str, Any] = field(default_factory=dict)
    #: changes the healthy org
    plant: Callable[[Site], None] = _nothing
    #: whether the Stripe account beside it is in live mode
    stripe_livemode: bool = False

    def settings_of(self, given: OrgSettings) -> OrgSettings:
        return replace(given, **self.settings)


SCENARIOS = (
    Scenario(name="demo", description="Healthy: CPQ and Billing, this connector's fields, no Stripe package."),
)


def find(name: str) -> Scenario:
    """Raises ValueError for a name that is none."""
    for scenario in SCENARIOS:
        if scenario.name == name:
            return scenario
    raise ValueError(f"no org is called {name!r}; there are: {', '.join(one.name for one in SCENARIOS)}")
