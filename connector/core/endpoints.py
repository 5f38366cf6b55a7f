"""The webhook endpoint that should send us events, and what makes it so; pure.

An endpoint's API version is fixed when it is made (derived API description), so one of another version
is replaced: the new one first, then the old one is switched off, never deleted. While both are on,
events come twice, which costs nothing: a signal carries no data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from connector.core.verify.account import WebhookEndpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The one endpoint there should be."""

    url: str
    api_version: str
    events: tuple[str, ...]


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DISABLE = "disable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One write."""

    action: Action
    #: in one sentence, for people
    why: str
    wanted: Wanted
    #: the same for a repeat within one run, so that a lost answer makes nothing twice; another one in every
    #: run, because Stripe would answer a key of yesterday without doing anything, whatever people did since
    idempotency_key: str
    #: None: it is made
    endpoint: WebhookEndpoint | None = None
    add_events: tuple[str, ...] = ()
    remove_events: tuple[str, ...] = ()
    #: it is off and is to be switched on
    enable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointPlan:
    wanted: Wanted
    #: in the order in which they are to be made
    changes: tuple[Change, ...]
    #: every endpoint at our address before them
    found: tuple[WebhookEndpoint, ...]

    @property
    def creates(self) -> bool:
        return any(change.action is Action.CREATE for change in self.changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A change that was made."""

    change: Change
    endpoint_id: str
    #: the signing secret of an endpoint just made; Stripe never shows it again
    secret: str | None = field(default=None, repr=False)


def plan_endpoint(
    endpoints: Sequence[WebhookEndpoint], wanted: Wanted, *, run_id: str, secret_lost: bool = False
) -> EndpointPlan:
    """What makes one enabled endpoint at our address, of our version, with exactly our events.

    `endpoints` are all of the account, newest first; `run_id` is of this run alone. `secret_lost`: the
    signing secret of the endpoint made last was never stored, so it is of no use.
    """
    found = tuple(each for each in endpoints if each.is_at(wanted.url))
    kept = None if secret_lost else _kept(found, wanted)
    if kept is None:
        why = _why_new(found, wanted, secret_lost=secret_lost)
        key = f"connector-setup-{run_id}-create"
        changes = [Change(action=Action.CREATE, why=why, wanted=wanted, idempotency_key=key)]
    else:
        changes = list(_repair(kept, wanted, run_id))
    changes += [
        Change(
            action=Action.DISABLE,
            why=_why_off(each, wanted),
            wanted=wanted,
            idempotency_key=f"connector-setup-{run_id}-{each.id}",
            endpoint=each,
        )
        for each in found
        if each.enabled and each is not kept
    ]
    return EndpointPlan(wanted=wanted, changes=tuple(changes), found=found)


def _kept(found: Sequence[WebhookEndpoint], wanted: Wanted) -> WebhookEndpoint | None:
    """The oldest enabled one of our version: its secret is most likely the one in use. Else one that is off."""
    ours = [each for each in found if each.api_version == wanted.api_version]
    candidates = [each for each in ours if each.enabled] or ours
    return candidates[-1] if candidates else None


def _repair(kept: WebhookEndpoint, wanted: Wanted, run_id: str) -> Iterator[Change]:
    missing, surplus = kept.missing(wanted.events), kept.surplus(wanted.events)
    reasons = []
    if not kept.enabled:
        reasons.append("it is off")
    if missing:
        reasons.append(f"it does not send {len(missing)} of the {len(wanted.events)} events we handle")
    if surplus:
        reasons.append("it sends events nobody handles")
    if reasons:
        yield Change(
            action=Action.UPDATE,
            why=", ".join(reasons),
            wanted=wanted,
            idempotency_key=f"connector-setup-{run_id}-{kept.id}",
            endpoint=kept,
            add_events=tuple(each for each in wanted.events if each not in kept.events),
            remove_events=surplus,
            enable=not kept.enabled,
        )


def _why_new(found: Sequence[WebhookEndpoint], wanted: Wanted, *, secret_lost: bool) -> str:
    if not found:
        return "no endpoint sends events to this address"
    if secret_lost:
        return "the signing secret of the endpoint made last was never stored, and Stripe shows it only once"
    versions = ", ".join(sorted({each.api_version or "the account's default" for each in found}))
    return (
        f"what is at this address speaks API version {versions}, we read {wanted.api_version}, and the version of an"
        " endpoint cannot be changed"
    )


def _why_off(endpoint: WebhookEndpoint, wanted: Wanted) -> str:
    if endpoint.api_version != wanted.api_version:
        return f"it speaks API version {endpoint.api_version or '(default)'}; another endpoint takes its place"
    return "two endpoints at one address send every event twice"
