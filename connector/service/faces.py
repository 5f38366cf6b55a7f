"""The addresses at which the service is reached: one for Stripe's webhooks, one for operators."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from connector.flows.subject import shard_of
from connector.runtime.clock import new_trace_id
from connector.service.backlog import Backlog
from connector.service.observing import Observer, readiness
from connector.web.committing import Committer
from connector.web.intake import Intake
from connector.web.ops import ops_app
from connector.web.public import public_app
from connector.web.receiver import Receiver
from connector.web.server import Listening, WebServer, listen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from connector.config.settings import Settings
    from connector.core.mapping import Pack
    from connector.core.model import Identity, Signal
    from connector.ports import Clock
    from connector.service.counting import Counting
    from connector.service.roles import Role
    from connector.service.running import Running
    from connector.store import SqlStore


class Faces:
    """Both addresses and what stands behind them, or only the one for operators. Webhooks are taken in as soon as the
    pair is known: from the start, but for the very first one.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        role: Role,
        pack: Pack,
        store: SqlStore,
        clock: Clock,
        counting: Counting,
        running: Running,
    ) -> None:
        self._settings = settings
        self._role = role
        self._pack = pack
        self._store = store
        self._clock = clock
        self._counting = counting
        self._running = running
        self._wake: Callable[[], None] = _nobody
        self.backlog = Backlog(store.events, most=settings.run.signals_waiting_max, monotonic_s=clock.monotonic_s)
        self._committer = Committer(
            Intake(store, shard_of=self._shard_of, clock=clock, new_trace_id=new_trace_id),
            capacity=settings.run.events_waiting_max,
            is_full=self.backlog.is_full,
            wake=self.wake,
        )
        self._receiver: Receiver | None = None
        self.webhook_address = self.ops_address = ""

    def wake(self) -> None:
        self._wake()

    def woken_by(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        wake()

    def knows(self, identity: Identity) -> None:
        """From now on webhooks of this account and mode are taken in."""
        secrets = tuple(secret.get_secret_value() for secret in self._settings.stripe.webhook_secrets)
        self._receiver = Receiver(
            identity=identity,
            api_version=self._settings.stripe.api_version,
            secrets=secrets,
            pack=self._pack,
            clock=self._clock,
            committer=self._committer,
            counted=self._counting.webhook,
        )

    def look(self) -> None:
        """Learns which pair it is, once another process has found out. Raises StoreError."""
        if self._receiver is None:
            identity = self._store.load_identity()
            if identity is not None:
                self.knows(identity)

    @contextlib.contextmanager
    def serving(self, observer: Observer) -> Iterator[None]:
        self.look()
        ops = listen(
            ops_app(
                registry=self._counting.metrics.registry,
                readiness=lambda: readiness(self._store, missing=self._running.missing),
                health=lambda: self._health(observer),
            ),
            self._settings.web.ops_listen,
            setting="CONNECTOR_WEB__OPS_LISTEN",
        )
        self.ops_address = ops.address
        listening = [ops]
        if self._role.hears:
            listening.append(self._public())
        server = WebServer(listening)
        self._committer.start()
        server.start()
        try:
            yield
        finally:
            server.stop()
            self._committer.stop()

    def _public(self) -> Listening:
        takes_webhooks = bool(self._settings.stripe.webhook_secrets)
        public = listen(
            public_app((lambda: self._receiver) if takes_webhooks else None),
            self._settings.web.webhook_listen,
            setting="CONNECTOR_WEB__WEBHOOK_LISTEN",
        )
        self.webhook_address = public.address
        return public

    def _shard_of(self, signal: Signal) -> int:
        return shard_of(signal.key.id, self._settings.shards)

    def _health(self, observer: Observer) -> dict[str, Any]:
        answer = observer.as_json(troubles=self._running.troubles())
        why_not = self._running.not_connected if self._role.works else None
        return {**answer, "role": self._role.value, "connected": why_not is None, "why_not": why_not}


def _nobody() -> None:
    """Nobody works yet; whoever begins looks at everything."""
