"""Ground for dying on: both simulated systems on sockets, one installation, and the real command line as a child.

What the two systems and the installation hold can be put aside and put back, so that one story is
lived through once for every moment at which it may be cut short.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from connector.sandbox.server import Served
from tests.support.clock import ManualClock
from tests.support.crash_moments import EFFECTS
from tests.support.forks import forks
from tests.support.world import ROOT, START, Snapshot, World

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from tests.support.databases import Database

SYNC = ("sync", "--once", "--json")
#: a pass that goes on from a death, one that wakes what waited, one that is quiet; more is no rest
PASSES_MAX = 6
#: far above what a command takes on a busy machine; a hang must end some time
TIMEOUT_S = 400
BETWEEN_PASSES = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How one command ended."""

    status: int
    moments: list[str]
    out: str
    err: str

    @property
    def died(self) -> bool:
        return self.status == -signal.SIGKILL

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.out.splitlines()[-1]))


class Ground:
    """`world` is what people and customers work in (`tests.support.builders`); `run` is the program."""

    def __init__(self, folder: Path, database: Database, *, clock: ManualClock | None = None) -> None:
        self.folder = folder
        self.database = database
        self.world = World(folder, clock=clock or ManualClock(START), database=database)
        self._served = (Served(self.world.org), Served(self.world.account))
        self.home.mkdir()
        self._empty = self.snapshot()

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def settings(self) -> dict[str, str]:
        salesforce, stripe = (each.url for each in self._served)
        return {
            "CONNECTOR_HOME": str(self.home),
            "CONNECTOR_DATABASE__URL": self.database.url,
            "CONNECTOR_GO_LIVE": "2026-10-01",
            "CONNECTOR_SALESFORCE__AUTH": "client_credentials",
            "CONNECTOR_SALESFORCE__LOGIN_URL": salesforce,
            "CONNECTOR_SALESFORCE__INSTANCE_URL": salesforce,
            "CONNECTOR_SALESFORCE__CLIENT_ID": self.world.org.client_id,
            "CONNECTOR_SALESFORCE__CLIENT_SECRET": self.world.org.client_secret,
            "CONNECTOR_SALESFORCE__MARGIN_S": "0",
            "CONNECTOR_STRIPE__API_KEY": self.world.account.api_key,
            "CONNECTOR_STRIPE__API_BASE": stripe,
            "CONNECTOR_STRIPE__RATE_PER_SECOND": "1000",
            "CONNECTOR_STRIPE__ENDPOINT_RATE_PER_SECOND": "1000",
        }

    def run(
        self,
        *arguments: str,
        kill_at: int | str | None = None,
        counts: Iterable[str] = EFFECTS,
        bugs: Iterable[str] = (),
        settings: Mapping[str, str] | None = None,
    ) -> Answer:
        """One command as a process of its own, killed at its n-th moment, or at `name #n`, if it gets there."""
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            child = forks().start(
                arguments,
                folder=self.folder,
                environment=self.environment(self.settings if settings is None else settings),
                out=out,
                err=err,
                death={
                    "moments": str(self.folder / "moments"),
                    "kill_at": kill_at,
                    "counts": sorted(counts),
                    "bugs": sorted(bugs),
                    "now": self.world.clock.now().isoformat(),
                },
            )
        status = child.wait(TIMEOUT_S)
        self.world.clock.advance(BETWEEN_PASSES)
        moments, out, err = ((self.folder / name).read_text(encoding="utf-8") for name in ("moments", "out", "err"))
        return Answer(status=status, moments=moments.splitlines(), out=out, err=err)

    def environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "NO_COLOR": "1", "PYTHONPATH": str(ROOT), **settings}

    def rest(self, bugs: Iterable[str] = ()) -> list[str]:
        """Passes until one finds nothing to do; what each did. Raises AssertionError when there is no rest."""
        told = []
        for _ in range(PASSES_MAX):
            answer = self.run(*SYNC, bugs=bugs)
            assert answer.status == 0, f"the pass after it ended with {answer.status}: {answer.err or answer.out}"
            done = answer.json
            told.append(f"{done['writes']} writes, {done['recovered']} recovered, {done['kinds']}")
            delayed = any(kind["delayed"] for kind in done["kinds"].values())
            if not (done["writes"] or done["recovered"] or delayed):
                return told
        raise AssertionError(f"no rest after {PASSES_MAX} passes: {told}")

    def clear(self) -> None:
        self.restore(self._empty)

    def snapshot(self) -> Snapshot:
        return self.world.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        self.world.put_back(snapshot)
        shutil.rmtree(self.home)
        self.home.mkdir()

    def close(self) -> None:
        for each in self._served:
            each.close()
        self.world.stripe_session.close()
        self.database.close()
