"""The day's calls of a system: money before the catalogue, then nobody, and over restarts until when.

What is remembered counts until the moment it names, or until a system tells that there are calls again. From then on
only that counts: what a process was told before would stop it again, and nothing would ever be asked.
"""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import orjson

from connector.core.errors import QuotaSpent
from connector.core.mapping import Nature
from connector.core.model import FailureClass, Side
from connector.core.quota import quota_note, quota_until_note

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.core.retry import RetryPolicies
    from connector.core.schedule import ScheduledJob
    from connector.flows.workspace import Workspace
    from connector.ports import Clock, Store


def may_work(workspace: Workspace, kind: str) -> bool:
    """Whether records of this kind may be worked on now. Raises QuotaSpent when nobody's may."""
    is_catalogue = workspace.pack.kinds[kind].nature == "catalogue"
    for side in Side:
        quota = workspace.system(side).quota
        if not workspace.shares.may_go_on(quota, is_catalogue=False):
            assert quota is not None
            workspace.system(side).forget_quota()
            raise _spent(
                side, workspace.clock.now() + pause(workspace.retries, side), f"{quota.used} of {quota.total} are used"
            )
        if is_catalogue and not workspace.shares.may_go_on(quota, is_catalogue=True):
            return False
    return True


def sides_to_ask(workspace: Workspace, job: ScheduledJob) -> tuple[Side, ...]:
    """The systems that this moment of a poll asks for changes: where the day's calls run short, every second moment
    is left out, then three of four, and so on; none of the catalogue alone, which waits. By the clock alone, so that
    it is the same for all processes, over restarts too.
    """
    wanted = tuple(Side) if job.side is None else (job.side,)
    return tuple(side for side in wanted if _is_turn(workspace, job, side))


def _is_turn(workspace: Workspace, job: ScheduledJob, side: Side) -> bool:
    quota, shares = workspace.system(side).quota, workspace.shares
    natures = {workspace.pack.kinds[kind].nature for kind in job.kinds}
    if natures == {Nature.CATALOGUE} and not shares.may_go_on(quota, is_catalogue=True):
        return False
    moment = 0 if job.every_s is None else int(workspace.clock.now().timestamp()) // job.every_s
    return moment % shares.stretch(quota) == 0


@contextlib.contextmanager
def heeded(store: Store, clock: Clock, retries: RetryPolicies) -> Iterator[None]:
    """Remembers a spent quota that ends the block, and names when it may go on."""
    try:
        yield
    except QuotaSpent as error:
        until = error.until or clock.now() + pause(retries, error.side)
        store.save_note(quota_until_note(error.side), until.isoformat())
        if error.until is None:
            raise _spent(error.side, until, error.message) from error
        raise


def require_open(workspace: Workspace) -> None:
    """Raises QuotaSpent, before anything is sent, while a system is to be left alone and has told nothing better since."""
    now = workspace.clock.now()
    for side in Side:
        text = workspace.store.load_note(quota_until_note(side))
        quota = workspace.system(side).quota
        if text is None or (quota is not None and workspace.shares.may_go_on(quota, is_catalogue=False)):
            continue
        until = datetime.fromisoformat(text)
        # a clock that was put back must not make it a longer pause than was meant
        if now < until <= now + pause(workspace.retries, side):
            workspace.system(side).forget_quota()
            raise _spent(side, until, "remembered from an earlier pass")


def remember(workspace: Workspace) -> None:
    """Keeps what each system told last of its day's calls, for people and for metrics, where it told something new."""
    for side in Side:
        quota = workspace.system(side).quota
        if quota is None:
            continue
        text = orjson.dumps({"used": quota.used, "total": quota.total}).decode()
        if workspace.store.load_note(quota_note(side)) != text:
            workspace.store.save_note(quota_note(side), text)


def pause(retries: RetryPolicies, side: Side) -> timedelta:
    """How long a spent quota is left alone: calls come back hour by hour, and asking uses up more of them."""
    return timedelta(seconds=retries.policy(FailureClass.QUOTA, to=side).later.cap_s)


def _spent(side: Side, until: datetime, why: str) -> QuotaSpent:
    error = QuotaSpent(
        f"the day's calls are used up ({why}); it may go on at {until:%Y-%m-%d %H:%M} UTC",
        side=side,
        action="sync",
        code="quota",
    )
    error.until = until
    return error
