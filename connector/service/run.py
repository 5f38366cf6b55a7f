"""`connector run`: one process of the service, from its start to its end.

Starts with what needs no remote system, so that webhooks are taken in while Salesforce is down, and connects
as soon as both answer. Stops in the reverse order: no new work, the operation in flight ends and is settled,
the lease is given back.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Final

import structlog

from connector.app import open_own_store
from connector.config.mapping_loader import load_pack
from connector.config.retry_policies import load_retry_settings
from connector.config.schedule import load_schedule
from connector.core.errors import StoreError
from connector.core.health import Limits
from connector.core.service import TOGETHER
from connector.runtime.metrics import Metrics
from connector.runtime.notify import READY, STOPPING, WATCHDOG, Notifier
from connector.service.alerting import Alerter, AlertThread, poster
from connector.service.alone import Alone
from connector.service.counting import Counting
from connector.service.faces import Faces
from connector.service.holder import holder_of
from connector.service.lease import Joint, LeaseKeeper, take
from connector.service.observing import Observer
from connector.service.presence import Presence
from connector.service.process import Process
from connector.service.roles import Role, check, is_shared
from connector.service.running import Broken, Part, Running

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.config.settings import Settings
    from connector.ports import Clock
    from connector.store import SqlStore

#: held by the one process that is the whole service, or by all that share the work together
LEASE: Final = "service"
#: of those that share the work, the one that tells people about incidents
_ALERTS_LEASE: Final = "alerts"
#: what is still at work so long after the stop was asked for is left to whoever works next, who recovers it
STOP_WITHIN_S: Final = 26.0
_LOOK_EVERY_S: Final = 15.0
_LAST_WORD_S: Final = 2.0


def run(settings: Settings, *, role: Role, clock: Clock, environment: Mapping[str, str], running: Running) -> None:
    """Serves until `running.stopping` is set. Raises ConfigError and StoreError before it serves, Superseded when
    another process has, or took over, this database.
    """
    log = structlog.get_logger("connector")
    notifier = Notifier(environment)
    check(settings, role)
    pack = load_pack(settings.mappings, overrides=settings.pack_overrides())
    jobs = load_schedule(settings.run.schedule, kinds=tuple(pack.kinds))
    shares = load_retry_settings(*settings.retry_files, kinds=pack.kinds).shares
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(open_own_store(settings, clock=clock))
        counting = Counting(Metrics(), pace=store.pace, clock=clock)
        holder = holder_of(clock.now())
        presence = Presence(
            processes=store.processes, holder=holder, role=role, running=running, counting=counting, clock=clock
        )
        observer = Observer(
            store=store,
            kinds=tuple(pack.kinds),
            jobs=jobs,
            shards=settings.shards,
            counting=counting,
            limits=Limits(shares=shares),
            own=presence.now,
        )
        if is_shared(settings):
            store.queue.open()
        working = _held(stack, settings, store, clock=clock, holder=holder, running=running)
        if working is None:
            return
        faces = Faces(
            settings=settings, role=role, pack=pack, store=working, clock=clock, counting=counting, running=running
        )
        stack.enter_context(faces.serving(observer))
        process = Process(
            settings=settings,
            role=role,
            jobs=jobs,
            clock=clock,
            counting=counting,
            running=running,
            faces=faces,
            holder=holder,
            presence=presence,
        )
        stack.callback(_end, presence)
        alerts = _alerts(process, store)
        if alerts is not None:
            alerts.start()
            stack.callback(alerts.stop)
        part = _part(process, working)
        part.start()
        log.info("serving", role=role.value, webhooks=faces.webhook_address, ops=faces.ops_address, holder=holder)
        notifier.tell(READY)
        _supervise(process, part, notifier, observer, alerts, store)
        notifier.tell(STOPPING)
        log.info("stopping", reason=str(running.failure or "asked to"))
        if not part.stop(STOP_WITHIN_S):
            running.is_abandoned = True
            log.warning("not waited for", reason="an operation is still under way; whoever works next ends it")
    if running.failure is not None:
        raise running.failure


def _held(
    stack: contextlib.ExitStack, settings: Settings, store: SqlStore, *, clock: Clock, holder: str, running: Running
) -> SqlStore | None:
    """The store for who works on it, alone or together with others; None when it was told to stop meanwhile."""
    shared = is_shared(settings)
    leases = Joint(store.leases) if shared else store.leases
    lease = take(
        leases,
        LEASE,
        holder=TOGETHER if shared else holder,
        lease_s=settings.run.lease_s,
        monotonic_s=clock.monotonic_s,
        wait=running.stopping.wait,
    )
    if lease is None:
        return None
    keeper = LeaseKeeper(
        leases, lease, lease_s=settings.run.lease_s, monotonic_s=clock.monotonic_s, lost=running.lose, may_lapse=shared
    )
    keeper.start()
    # what is still under way may yet write: then the lease is not given back, and runs out by itself
    stack.callback(lambda: keeper.stop(release=not running.is_abandoned))
    return store if shared else store.fenced(lease)


def _part(process: Process, store: SqlStore) -> Part:
    if not is_shared(process.settings):
        return Alone(process, store)
    # Imported here: only who shares the work has the engine's package.
    from connector.service.shared import Shared  # noqa: PLC0415 -- see above

    return Shared(process, store)


def _supervise(
    process: Process,
    part: Part,
    notifier: Notifier,
    observer: Observer,
    alerts: AlertThread | None,
    store: SqlStore,
) -> None:
    """Signs of life, metrics and alerts, until somebody stops it."""
    log = structlog.get_logger("connector")
    running, clock = process.running, process.clock
    beat_s = min(notifier.watchdog_s or _LOOK_EVERY_S, _LOOK_EVERY_S)
    looked_s = clock.monotonic_s() - _LOOK_EVERY_S
    while not running.stopping.wait(min(beat_s, 1.0)):
        if not part.is_alive():
            running.fail(Broken("a thread that works has ended; see the log"))
            return
        notifier.tell(WATCHDOG)
        try:
            process.faces.look()
            if clock.monotonic_s() - looked_s < _LOOK_EVERY_S:
                continue
            looked_s = clock.monotonic_s()
            process.presence.tell()
            pulse = observer.collect()
            part.collect(process.counting.metrics)
            if alerts is not None and _tells(process, store):
                alerts.hand_over(observer.health(pulse).reasons, now=pulse.at)
        except StoreError as error:
            # told in the log; the next look comes in a quarter of a minute
            log.warning("looking after the service", error=str(error))


def _end(presence: Presence) -> None:
    """A database that does not answer is not waited for: silence says the same, a little later."""

    def tell() -> None:
        with contextlib.suppress(StoreError):
            presence.end()

    last_word = threading.Thread(target=tell, name="last word", daemon=True)
    last_word.start()
    last_word.join(_LAST_WORD_S)


def _tells(process: Process, store: SqlStore) -> bool:
    """Whether this process tells people what is new: of those that share the work one does."""
    if not is_shared(process.settings):
        return True
    lease = store.leases.acquire(_ALERTS_LEASE, holder=process.holder, lease_s=4 * _LOOK_EVERY_S)
    return lease.holder == process.holder


def _still_tells(process: Process, store: SqlStore) -> bool:
    """Asked again before it tells: it may have slept since it was handed what to tell."""
    if not is_shared(process.settings):
        return True
    mine = (_ALERTS_LEASE, process.holder)
    return any((lease.name, lease.holder) == mine and lease.lasts for lease in store.leases.load())


def _alerts(process: Process, store: SqlStore) -> AlertThread | None:
    settings = process.settings
    if settings.alerts.url is None:
        return None
    log = structlog.get_logger("connector")
    post = poster(settings.alerts.url.get_secret_value(), form=settings.alerts.format, name=settings.run.name)
    return AlertThread(
        Alerter(store=store, post=post, may_tell=lambda: _still_tells(process, store)),
        failed=lambda error: log.warning("an alert was not told", error=str(error)),
    )
