"""Every probe of this side, by the name of its evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.stripe.inspect import account, key, rights, setup

if TYPE_CHECKING:
    from connector.stripe.inspect.probe import Probe

PROBES: Final[dict[str, Probe]] = {
    probe.name: probe for probe in (*key.PROBES, *rights.PROBES, *account.PROBES, *setup.PROBES)
}
