"""`setup stripe`: look, plan, show it, and only then write; the signing secret goes into its file and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.core.endpoints import EndpointPlan, plan_endpoint
from connector.core.errors import ConfigError, Problem, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.core.endpoints import Wanted, Written
    from connector.ports.setting_up import EndpointTarget, SecretKeeper


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointReport:
    plan: EndpointPlan
    #: what was done; empty when nothing was to be done
    written: tuple[Written, ...] = ()
    #: whether a new signing secret was stored
    stored: bool = False


def make_plan(target: EndpointTarget, wanted: Wanted, keeper: SecretKeeper, *, run_id: str) -> EndpointPlan:
    """Writes nothing. Raises ConfigError for an address Stripe would refuse."""
    _check_address(wanted.url, livemode=target.livemode)
    return plan_endpoint(target.fetch_endpoints(), wanted, run_id=run_id, secret_lost=keeper.is_owed())


def set_up_endpoint(
    target: EndpointTarget,
    wanted: Wanted,
    keeper: SecretKeeper,
    *,
    run_id: str,
    show: Callable[[EndpointPlan], None],
) -> EndpointReport:
    """Shows the plan and carries it out. Repeating it changes nothing.

    A place for the secret is made before the endpoint is: a secret that cannot be stored is lost for good, and one
    whose storing was interrupted is owed, which the next plan knows. Raises ConfigError when there is no such place,
    RemoteError for a write that is refused; what was written until then stays and is not planned again.
    """
    plan = make_plan(target, wanted, keeper, run_id=run_id)
    show(plan)
    if plan.creates:
        keeper.reserve()
    written = []
    stored = False
    for change in plan.changes:
        try:
            done = target.write(change)
        except Refused:
            keeper.release()
            raise
        written.append(done)
        if done.secret is not None:
            keeper.store(done.secret)
            stored = True
    return EndpointReport(plan=plan, written=tuple(written), stored=stored)


def _check_address(url: str, *, livemode: bool) -> None:
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in ("http", "https") or not rest.partition("/")[0]:
        observed = "is not a web address"
    elif livemode and scheme != "https":
        observed = "is not encrypted: a live account sends events to https addresses only"
    else:
        return
    remedy = "give an address such as https://connector.example.com/stripe/events"
    raise ConfigError([Problem(where=url, observed=observed, remedy=remedy)])
