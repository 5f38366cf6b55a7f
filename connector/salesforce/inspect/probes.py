"""Every probe of this side, by the name of its evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.salesforce.inspect import (
    accounts,
    automation,
    collectors,
    identity,
    money,
    needs,
    packages,
    people,
    setup,
    upcoming,
)

if TYPE_CHECKING:
    from connector.salesforce.inspect.probe import Probe

PROBES: Final[dict[str, Probe]] = {
    probe.name: probe
    for probe in (
        *accounts.PROBES,
        *automation.PROBES,
        *collectors.PROBES,
        *identity.PROBES,
        *money.PROBES,
        *needs.PROBES,
        *packages.PROBES,
        *people.PROBES,
        *setup.PROBES,
        *upcoming.PROBES,
    )
}
