"""Plays a story: the whole program under one scheduler and one clock, and looks after every step."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from connector.core.brake import BrakeName
from connector.core.errors import Braked, ConnectorError
from connector.flows import chunks
from connector.flows.rebuild import rebuild
from connector.flows.sweep.run import look
from connector.flows.sync import run_pass
from tests.simulation.oracles import Always, AtRest
from tests.simulation.people import People
from tests.simulation.scheduler import Scheduler, SimulatedWorkers
from tests.simulation.sometimes import LATE_COMMIT, WINDOW_CROSSED
from tests.simulation.wire import Door, Line, Notes, Violation, Wire, plan_fault
from tests.support.clock import ManualClock, SkewedClock
from tests.support.databases import Sqlite, rows_of
from tests.support.killing import Fate, Killed
from tests.support.world import START, Surroundings, World

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from connector.flows.workspace import Workspace
    from tests.simulation.story import Step, Story
    from tests.support.databases import Database

#: passes until rest; each comes this much later than the one before
RESTS_MAX = 12
BETWEEN_RESTS = timedelta(hours=2)
#: how long Stripe remembers a key
KEYS_KEPT = timedelta(hours=24)
#: a simulated death loses nothing of what the operating system has: the disk need not be waited for
MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    seed: int
    #: None: no violation
    violation: str | None
    trace: list[str]
    seen: Counter[str]

    @property
    def digest(self) -> str:
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()[:16]


@dataclass(kw_only=True)
class Process:
    """One process of the program: started when it is first needed, gone when it is killed."""

    name: str
    line: Line
    workspace: Workspace | None = None


@dataclass
class Play:
    story: Story
    folder: Path
    database: Database
    notes: Notes = field(default_factory=Notes)
    skew: timedelta = timedelta()
    #: everything up to here was read by a pass that reached its end
    watermark: datetime = START
    backup: Any = None
    #: which intents had taken effect when it was made
    effects_kept: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        options = self.story.world
        self.world = World(
            self.folder,
            seed=self.story.seed,
            clock=ManualClock(START),
            org_settings={"rollups_move_modstamp": options["rollups_move"]},
            database=self.database,
        )
        self.people = People(self.world)
        self.always = Always(self.people)

    # -- steps --------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Raises Violation."""
        for number, step in enumerate(self.story.steps):
            self.notes.write(f"{number} {self.world.clock.now():%d %H:%M:%S} {step}")
            getattr(self, f"_{step.kind.replace(' ', '_')}")(step)
            self._look()
        self._rest()

    def _look(self) -> None:
        if self.notes.violation is not None:
            raise Violation(self.notes.violation)
        for broken in self.always.broken():
            raise Violation(broken)

    def _people(self, step: Step) -> None:
        self._act(step.options["action"], Random(step.seed))
        self.world.clock.advance(timedelta(seconds=1))

    def _time(self, step: Step) -> None:
        self.world.clock.advance(timedelta(seconds=step.options["seconds"]))

    def _skew(self, step: Step) -> None:
        self.skew = timedelta(seconds=step.options["seconds"])
        self.notes.saw("clock stepped")

    def _back_up(self, step: Step) -> None:
        """The store as it is on disk is kept."""
        self.backup = self.database.save()
        self.effects_kept = list(self.notes.effects_of_store)

    def _restore(self, step: Step) -> None:
        """Yesterday's store in place of today's."""
        if self.backup:
            self.database.restore(self.backup)
            self._went_back(self.effects_kept)
            self.notes.saw("backup restored")

    def _lose_store(self, step: Step) -> None:
        self.database.lose()
        self._went_back([])
        self.notes.saw("store lost")

    def _went_back(self, effects: list[str]) -> None:
        self.notes.effects_of_store[:] = effects
        self.notes.went_back = True

    def _pass(self, step: Step) -> None:
        chance = Random(step.seed)
        scheduler = Scheduler(chance)
        options = step.options
        first = self._process("A", scheduler, chance, options.get("kill_at"), options.get("faults", ()))
        first.line.signals = dict(options.get("signals", {}))
        processes = [first]
        if options.get("second"):
            processes.append(self._process("B", scheduler, chance, options.get("second_kill_at"), ()))
            self.notes.saw("second daemon")
        left = len(processes)

        def work(process: Process) -> None:
            nonlocal left
            self._guarded_pass(process)
            left -= 1

        for process in processes:
            scheduler.start(lambda process=process: work(process), name=process.name)  # type: ignore[misc]
        for action in options.get("during", ()):
            scheduler.start(lambda action=action: self._during(action, chance), name="people")  # type: ignore[misc]
        scheduler.wait_until(lambda: left == 0)
        scheduler.wait_until(lambda: scheduler.alone)

    def _during(self, action: str, chance: Random) -> None:
        self.notes.write("  meanwhile")
        self._act(action, chance)

    def _act(self, action: str, chance: Random) -> None:
        self.notes.write(f"  {self.people.act(action, chance)}")
        if self.people.hidden_before is not None and self.people.hidden_before < self.watermark:
            self.notes.saw(LATE_COMMIT)
        self.people.hidden_before = None

    # -- processes ----------------------------------------------------------------------------------------------

    def _process(self, name: str, scheduler: Scheduler, chance: Random, kill_at: int | None, planned: Any) -> Process:
        line = Line(
            name=name,
            clock=self.world.clock,
            chance=chance,
            scheduler=scheduler,
            fate=Fate(kill_at),
            notes=self.notes,
            planned=[plan_fault(at, fault) for at, fault in planned],
            org=self.world.org,
            account=self.world.account,
        )
        return Process(name=name, line=line)

    def _guarded_pass(self, process: Process, *, sweeps: bool = False) -> bool:
        """Whether a pass reached its end; what the program may raise is noted, what it may not is a violation."""
        went_well, started = False, self.world.clock.now()
        try:
            process.workspace = self._open(process.line)
            if sweeps:
                look(process.workspace)
            report = run_pass(process.workspace)
            self.watermark = started
            self.notes.write(f"  {process.name} done: {report.writes} writes")
            went_well = True
        except Braked as braked:
            self.notes.write(f"  {process.name} braked: {[brake.name for brake in braked.brakes]}")
            self._operate(process)
        except Killed as killed:
            self.notes.saw("killed")
            self.notes.write(f"  {process.name} died {killed}")
        except ConnectorError as error:
            self.notes.write(f"  {process.name} ended: {type(error).__name__}: {error}")
        except Exception as error:  # noqa: BLE001 - anything else is a bug of the program
            self.notes.violated(f"{type(error).__name__}: {error}")
        finally:
            self._close(process)
        return went_well

    def _operate(self, process: Process) -> None:
        """A person looks at what tripped, links everything again where the store was lost, and lets the rest go on."""
        workspace = process.workspace
        assert workspace is not None
        try:
            for brake in workspace.store.brakes.load_open():
                self.notes.saw(f"brake {brake.name}")
                if brake.name == BrakeName.STORE_RESTORED:
                    rebuild(workspace, by="operator", reason="simulated")
                else:
                    now = workspace.clock.now()
                    workspace.store.brakes.release(brake.name, brake.subject, by="operator", reason="simulated", at=now)
        except Killed as killed:
            self.notes.write(f"  {process.name} died {killed} while a person was at work")
        except ConnectorError as error:
            self.notes.write(f"  recovering ended: {type(error).__name__}: {error}")

    def _open(self, line: Line) -> Workspace:
        around = Surroundings(
            clock=SkewedClock(self.world.clock, self.skew),
            carrier=lambda app: Wire(app, line),
            guarded=lambda store: self._door(store, line),
            workers=SimulatedWorkers(line.scheduler),
            chance=line.chance.random,
            margin_s=5,
        )
        return self.world.start(around, batch_size=self.story.world["batch_size"])

    def _door(self, store: Any, line: Line) -> Door:
        engine, opened = store._database.engine, set()

        def begun(connection: Any) -> None:
            opened.add(id(connection))
            self.notes.open_transactions += 1

        def ended(connection: Any) -> None:
            if id(connection) in opened:
                opened.discard(id(connection))
                self.notes.open_transactions -= 1

        for operation in store.load_unresolved():
            if self.world.clock.now() - operation.first_sent_at > KEYS_KEPT:
                self.notes.saw(WINDOW_CROSSED)
        event.listen(engine, "begin", begun)
        event.listen(engine, "commit", ended)
        event.listen(engine, "rollback", ended)
        return Door(store, line)

    def _close(self, process: Process) -> None:
        """A process that died closes nothing itself; what it held is given back all the same."""
        workspace, process.workspace = process.workspace, None
        if workspace is not None:
            process.line.fate.dead = False
            process.line.fate.kill_at = None
            workspace.store.close()
            workspace.salesforce.close()
            workspace.stripe.close()

    # -- at rest ------------------------------------------------------------------------------------------------

    def _rest(self) -> None:
        """Faults stop, time passes, everything is looked at once more: both sides agree and nothing is written."""
        self.notes.write("rest")
        self.skew = timedelta()
        self.world.clock.advance(timedelta(days=5))
        self.world.account.settle_bank_debits()
        swept = False
        for number in range(RESTS_MAX):
            before = self._written()
            went_well = self._clean_pass(number, sweeps=not swept)
            self._look()
            if went_well and swept and self._written() == before:
                break
            swept = swept or went_well
            self.world.clock.advance(BETWEEN_RESTS)
        else:
            raise Violation(f"I11 no rest after {RESTS_MAX} passes")
        self._look()
        for broken in self._at_rest().broken():
            raise Violation(broken)
        self._audited()

    def _audited(self) -> None:
        """Every intent that took effect at Stripe has a row that tells its end, and nothing is left in doubt."""
        details = [json.loads(row.detail_json) for row in rows_of(self.database, "SELECT detail_json FROM audit")]
        told = {detail.get("idempotency_key") for detail in details if detail.get("state") in ("settled", "abandoned")}
        doubts = len(rows_of(self.database, "SELECT id FROM operation WHERE state IN ('sent', 'unknown')"))
        for key in self.notes.effects_of_store:
            if key not in told:
                raise Violation(f"audit: {key} took effect and no row tells of it")
        if doubts:
            raise Violation(f"I4 {doubts} operations are in doubt for ever")

    def _clean_pass(self, number: int, *, sweeps: bool) -> bool:
        chance = Random(self.story.seed * 1_000 + number)
        scheduler = Scheduler(chance)
        return self._guarded_pass(self._process("A", scheduler, chance, None, ()), sweeps=sweeps)

    def _written(self) -> tuple[int, int]:
        return self.world.org.counters["writes"], self.world.account.counters["writes"]

    def _at_rest(self) -> AtRest:
        """Told is what an open finding or a parked link names."""
        workspace = self.world.open()
        try:
            findings = workspace.store.load_findings()
            parked = workspace.store.load_links_in(states=["parked"], limit=10_000)
        finally:
            self.world.close()
        return AtRest(
            self.people,
            told={finding.subject for finding in findings} | {link.born.id for link in parked},
            drifted={finding.subject for finding in findings if finding.code.startswith("drift.")},
        )


def in_a_file(folder: Path) -> Database:
    return Sqlite(folder, "state.sqlite")


def play(story: Story, *, database_in: Callable[[Path], Database] = in_a_file) -> Result:
    chunk = chunks.CHUNK
    with TemporaryDirectory(prefix="simulated-", dir=MEMORY if MEMORY.is_dir() else None) as name:
        folder = Path(name)
        playing = Play(story, folder, database_in(folder))
        violation: str | None = None
        try:
            chunks.CHUNK = story.world["chunk"]
            playing.run()
        except Violation as broken:
            violation = str(broken)
            playing.notes.write(f"VIOLATION {violation}")
        finally:
            chunks.CHUNK = chunk
            playing.database.close()
    return Result(seed=story.seed, violation=violation, trace=playing.notes.trace, seen=playing.notes.seen)
