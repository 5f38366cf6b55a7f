"""Every decision a check may name, by the name config/prerequisites.yaml uses. One room per topic, all pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from connector.flows.verify.conditions import (
    accounts,
    automation,
    collectors,
    drift,
    machine,
    money,
    needs,
    packages,
    predictions,
    stripe_account,
    stripe_key,
    stripe_webhooks,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.core.verify.checks import Judgement
    from connector.core.verify.evidence import Facts

Condition: TypeAlias = "Callable[[Facts], Judgement]"

CONDITIONS: Final[dict[str, Condition]] = {
    **packages.CONDITIONS,
    **drift.CONDITIONS,
    **needs.CONDITIONS,
    **money.CONDITIONS,
    **predictions.CONDITIONS,
    **stripe_key.CONDITIONS,
    **stripe_account.CONDITIONS,
    **stripe_webhooks.CONDITIONS,
    **automation.CONDITIONS,
    **collectors.CONDITIONS,
    **accounts.CONDITIONS,
    **machine.CONDITIONS,
}
