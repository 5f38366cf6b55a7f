"""Every decision a check may name, by the name config/prerequisites.yaml uses. One room per topic, all pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from connector.flows.verify.conditions import (
    accounts,
    automation,
    collectors,
    connection,
    drift,
    licences,
    machine,
    money,
    needs,
    packages,
    predictions,
    rights,
    setup,
    stripe_account,
    stripe_key,
    stripe_packages,
    stripe_webhooks,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.core.verify.checks import Judgement
    from connector.core.verify.evidence import Facts

Condition: TypeAlias = "Callable[[Facts], Judgement]"

CONDITIONS: Final[dict[str, Condition]] = {
    **accounts.CONDITIONS,
    **automation.CONDITIONS,
    **collectors.CONDITIONS,
    **connection.CONDITIONS,
    **drift.CONDITIONS,
    **licences.CONDITIONS,
    **machine.CONDITIONS,
    **money.CONDITIONS,
    **needs.CONDITIONS,
    **packages.CONDITIONS,
    **predictions.CONDITIONS,
    **rights.CONDITIONS,
    **setup.CONDITIONS,
    **stripe_account.CONDITIONS,
    **stripe_key.CONDITIONS,
    **stripe_packages.CONDITIONS,
    **stripe_webhooks.CONDITIONS,
}
