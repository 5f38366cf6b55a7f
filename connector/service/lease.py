"""Keeps a lease while the process lives, and says so at once when it is gone."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.core.errors import StoreError, Superseded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from connector.core.service import Lease
    from connector.ports.service import Leases


#: how often one that is held is looked at: in parts of a lease, and at least so often
_LOOKS_PER_LEASE: Final = 10
_LOOK_EVERY_S: Final = 1.0


def take(
    leases: Leases,
    name: str,
    *,
    holder: str,
    lease_s: float,
    monotonic_s: Callable[[], float],
    wait: Callable[[float], bool],
) -> Lease | None:
    """Waits for one lease's length at most, so that the lease of a process that was killed can run out; `wait` says
    whether to stop, and then there is none. Raises Superseded, naming who holds it, as soon as its holder gives a
    sign of life, or when it is still not free.
    """
    seen = lease = leases.acquire(name, holder=holder, lease_s=lease_s)
    look_every_s = min(_LOOK_EVERY_S, lease_s / _LOOKS_PER_LEASE)
    until_s = monotonic_s() + lease_s + look_every_s
    while lease.holder != holder:
        if lease != seen or monotonic_s() >= until_s:
            raise Superseded(
                f"this database is worked on by {lease.holder}, until {lease.expires_at:%H:%M:%S} UTC at least"
            )
        if wait(look_every_s):
            return None
        lease = leases.acquire(name, holder=holder, lease_s=lease_s)
    return lease


class LeaseKeeper:
    """Renews a lease three times as often as it must. `lost` is told when somebody else has it, or when it could
    not be renewed until it ran out: whoever works under it must stop then. One that `may_lapse` is taken again.
    """

    def __init__(
        self,
        leases: Leases,
        lease: Lease,
        *,
        lease_s: float,
        monotonic_s: Callable[[], float],
        lost: Callable[[str], None],
        may_lapse: bool = False,
    ) -> None:
        self._leases = leases
        self._lease = lease
        self._lease_s = lease_s
        self._monotonic_s = monotonic_s
        self._lost = lost
        self._may_lapse = may_lapse
        self._stopping = threading.Event()
        self._renewed_s = monotonic_s()
        self._is_lost = False
        #: why the last try did not renew it
        self._trouble = "the database does not answer"
        name = f"lease-{lease.name}"
        self._thread = threading.Thread(target=self._renew, name=name, daemon=True)
        # A renewal may wait for a database that swallows everything: the time that passes is seen by another thread.
        self._watcher = threading.Thread(target=self._watch, name=f"{name}-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._watcher.start()

    def stop(self, *, release: bool = True) -> None:
        """Gives the lease back, so that the next process need not wait for its end; one that is lost is nobody's to
        give, and the database that did not answer is not waited for.
        """
        self._stopping.set()
        if self._is_lost:
            return
        for thread in (self._thread, self._watcher):
            if thread.is_alive():
                thread.join()
        if release:
            self._leases.release(self._lease)

    def _renew(self) -> None:
        while not self._stopping.wait(self._lease_s / 3):
            # the lease counts from when it was asked for, however late the answer comes
            asked_s = self._monotonic_s()
            try:
                lease = self._leases.renew(self._lease, lease_s=self._lease_s)
            except StoreError as error:
                # the database may come back before the lease runs out
                self._trouble = str(error)
                continue
            if lease is None:
                self._lose("another process took the lease over")
                return
            self._renewed_s = asked_s

    def _watch(self) -> None:
        while not self._stopping.wait(self._lease_s / 10):
            if not self._may_lapse and self._monotonic_s() - self._renewed_s >= self._lease_s:
                self._lose(f"the lease could not be renewed: {self._trouble}")
                return

    def _lose(self, why: str) -> None:
        self._is_lost = True
        self._stopping.set()
        self._lost(why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A lease while it is kept."""

    lease: Lease
    #: set once it is somebody else's: what is written under it is refused from then on
    lost: threading.Event


@contextlib.contextmanager
def holding(
    leases: Leases, name: str, *, holder: str, lease_s: float, monotonic_s: Callable[[], float]
) -> Iterator[Held | None]:
    """Keeps the lease while the block runs; None when somebody else who lives has it."""
    lease = leases.acquire(name, holder=holder, lease_s=lease_s)
    if lease.holder != holder:
        yield None
        return
    held = Held(lease=lease, lost=threading.Event())
    keeper = LeaseKeeper(leases, lease, lease_s=lease_s, monotonic_s=monotonic_s, lost=lambda _why: held.lost.set())
    keeper.start()
    try:
        yield held
    finally:
        with contextlib.suppress(StoreError):
            # what cannot be given back runs out by itself
            keeper.stop()


class Joint:
    """A lease that any number of processes hold together, in one name. It keeps out who holds it in his own."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases

    def acquire(self, name: str, *, holder: str, lease_s: float) -> Lease:
        return self._leases.acquire(name, holder=holder, lease_s=lease_s)

    def renew(self, held: Lease, *, lease_s: float) -> Lease | None:
        """Whoever of them renews it raises its epoch: nobody writes under it."""
        lease = self._leases.acquire(held.name, holder=held.holder, lease_s=lease_s)
        return lease if lease.holder == held.holder else None

    def release(self, held: Lease) -> None:
        """The others hold it still; the last one's runs out."""

    def load(self) -> Sequence[Lease]:
        return self._leases.load()
