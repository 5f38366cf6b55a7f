"""Every probe of this side, by the name of its evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.salesforce.inspect import accounts, automation, collectors, money, needs, packages, upcoming

if TYPE_CHECKING:
    from connector.salesforce.inspect.probe import Probe

PROBES: Final[dict[str, Probe]] = {
    probe.name: probe
    for probe in (
        *packages.PROBES,
        *needs.PROBES,
        *money.PROBES,
        *upcoming.PROBES,
        *automation.PROBES,
        *collectors.PROBES,
        *accounts.PROBES,
    )
}
