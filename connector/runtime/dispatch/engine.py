"""WHERE, many machines: procrastinate's workers, on a thread with an event loop of its own.

The jobs are functions of ours and run on threads; they may not raise. The engine carries them one at a time per
lock, to whichever process is free. What it does not do by itself is done here: a job whose worker gives no sign of
life any more, or could not say that it ended, is put back (measured: it would stay `doing` for ever,
performance.md 5), and a worker that the database failed begins anew.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException, ProcrastinateException, UniqueViolation
from procrastinate.jobs import Status
from procrastinate.manager import JobManager
from sqlalchemy import make_url

from connector.core.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from procrastinate.connector import BaseConnector
    from procrastinate.jobs import Job
    from psycopg.abc import PQGen

#: waits before a worker that the database failed begins anew
_BEGIN_AGAIN_S: Final = 1.0
#: two signs of life fit into one and a third of a lease
_HEARTBEATS_PER_LEASE: Final = 1.5
_LOOKS_PER_LEASE: Final = 10
#: fetching, ending and heartbeats of two lanes; each worker listens on a connection beside these
_CONNECTIONS_MAX: Final = 4
#: how often a connection that waits for the server looks up although nothing came
_LOOK_UP_S: Final = 5.0
#: a moment that is past by anybody's clock
_AT_ONCE: Final = datetime(2000, 1, 1, tzinfo=UTC)
#: what a database that is away, or answers nonsense, comes to
_FAILED: Final = (ProcrastinateException, psycopg.Error, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One queue: what is done with its jobs, and how many of them at once."""

    task: str
    do: Callable[..., None]
    at_once: int
    #: a job that waited for its lock or its moment, or was put back, is found at the next look: nothing announces it
    fetch_every_s: float = 1.0


class UnhurriedConnection(psycopg.AsyncConnection[Any]):
    """Waits for the server without looking up ten times a second, which the library does for Ctrl-C's sake: a task is
    told to end by its event loop. Two lanes that listen cost a third of an idle worker's processor time otherwise.
    """

    async def wait(
        self,
        gen: PQGen[Any],
        interval: float = _LOOK_UP_S,
        timeout: float | None = None,  # noqa: ASYNC109 -- as the library calls it
    ) -> Any:
        return await super().wait(gen, interval, timeout)


class Manager(JobManager):
    """Remembers the jobs whose end the database did not hear: their worker lives, so nobody else would put them back,
    and what waits for their lock would wait for ever.
    """

    def __init__(self, connector: BaseConnector) -> None:
        super().__init__(connector)
        self.unheard: list[Job] = []

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        try:
            await super().finish_job(job, status, delete_job)
        except _FAILED:
            self.unheard.append(job)


class Engine:
    """Works on its lanes' jobs until it is stopped, and watches over everybody's. `is_held` says whether somebody
    alive has the lease that a job's lock is named after, or raises StoreError; `told` hears what a person may want to
    know.
    """

    def __init__(
        self,
        url: str,
        lanes: Sequence[Lane],
        *,
        connect_arguments: Mapping[str, Any],
        lease_s: float,
        is_held: Callable[[str], bool],
        told: Callable[..., None],
    ) -> None:
        self._address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._lanes = lanes
        self._connect_arguments = dict(connect_arguments)
        self._lease_s = lease_s
        self._is_held = is_held
        self._told = told
        self._threads = ThreadPoolExecutor(
            max_workers=max(1, sum(lane.at_once for lane in lanes)), thread_name_prefix="job"
        )
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._turn = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        """Takes no further job; waits for those under way."""
        with self._turn:
            self._stopping.set()
            if self._loop is not None and self._main is not None:
                self._loop.call_soon_threadsafe(self._main.cancel)
        self._thread.join()
        self._threads.shutdown()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve_until_stopped())
        except asyncio.CancelledError:
            return

    async def _serve_until_stopped(self) -> None:
        with self._turn:
            self._loop, self._main = asyncio.get_running_loop(), asyncio.current_task()
        try:
            while not self._stopping.is_set():
                try:
                    await self._serve()
                except _FAILED as error:
                    self._told("the engine begins anew", error=_words(error))
                await asyncio.sleep(_BEGIN_AGAIN_S)
        finally:
            with self._turn:
                self._loop = None

    async def _serve(self) -> None:
        connector = PsycopgConnector(
            conninfo=self._address,
            kwargs=self._connect_arguments,
            connection_class=UnhurriedConnection,
            min_size=1,
            max_size=_CONNECTIONS_MAX,
        )
        app = App(connector=connector)
        app.job_manager = manager = Manager(connector)
        for lane in self._lanes:
            app.task(name=lane.task, queue=lane.task)(self._on_a_thread(lane.do))
        async with app.open_async():
            lanes = [asyncio.create_task(self._work(app, lane)) for lane in self._lanes]
            watching = asyncio.create_task(self._watch(manager))
            try:
                await asyncio.gather(*lanes, watching)
            finally:
                # each lane ends once its jobs have; what they lead to needs the connections until then
                for task in (*lanes, watching):
                    task.cancel()
                await asyncio.gather(*lanes, watching, return_exceptions=True)

    def _on_a_thread(self, do: Callable[..., None]) -> Callable[..., Any]:
        async def run(**arguments: Any) -> None:
            await asyncio.get_running_loop().run_in_executor(self._threads, functools.partial(do, **arguments))

        return run

    async def _work(self, app: App, lane: Lane) -> None:
        while True:
            try:
                await app.run_worker_async(
                    queues=[lane.task],
                    concurrency=lane.at_once,
                    fetch_job_polling_interval=lane.fetch_every_s,
                    # nobody asks for it: jobs end by themselves when the process is told to
                    abort_job_polling_interval=3600.0,
                    update_heartbeat_interval=self._lease_s / _HEARTBEATS_PER_LEASE,
                    stalled_worker_timeout=self._lease_s,
                    # what is done is remembered by what it did
                    delete_jobs="always",
                    install_signal_handlers=False,
                )
            except _FAILED as error:
                self._told("a worker of the engine begins anew", lane=lane.task, error=_words(error))
            await asyncio.sleep(_BEGIN_AGAIN_S)

    async def _watch(self, manager: Manager) -> None:
        while True:
            await asyncio.sleep(self._lease_s / _LOOKS_PER_LEASE)
            try:
                while manager.unheard:
                    await self._put_back(manager, manager.unheard[0])
                    del manager.unheard[0]
                for job in await manager.get_stalled_jobs(seconds_since_heartbeat=self._lease_s):
                    if job.lock is None or not await asyncio.to_thread(self._is_held, job.lock):
                        await self._put_back(manager, job)
            except (*_FAILED, StoreError) as error:
                self._told("stalled jobs were not looked for", error=_words(error))

    async def _put_back(self, manager: JobManager, job: Job) -> None:
        """The first of those who noticed does it, the others find it done."""
        assert job.id is not None
        try:
            try:
                await manager.retry_job_by_id_async(job.id, retry_at=_AT_ONCE)
            except UniqueViolation:
                # one that came later waits already, and does what this one should have
                await manager.finish_job_by_id_async(job.id, Status.FAILED, delete_job=True)
        except ConnectorException as error:
            if isinstance(error.__cause__, psycopg.errors.RaiseException):
                # it is not `doing` any more
                return
            raise
        self._told("a job that nobody works on was put back", job=job.task_name, lock=job.lock, attempts=job.attempts)


def _words(error: BaseException) -> str:
    cause = error.__cause__ if isinstance(error, ConnectorException) else None
    return f"{type(cause or error).__name__}: {cause or error}"
