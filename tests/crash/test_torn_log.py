"""A write-ahead log that ends anywhere, as after a loss of power: what was synced is there, a torn end is let go.

A killed process leaves the page cache; only a log cut by hand shows what a disk may show (invariants.md T4).
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from connector.core.model import OperationState
from connector.store import open_store
from tests.support.clock import ManualClock
from tests.support.memory import IDENTITY, applied, link_of, operation_on, raised, salesforce

if TYPE_CHECKING:
    from pathlib import Path

    from connector.store import SqlStore

PAIRS = 4
HEADER_BYTES, FRAME_HEADER_BYTES = 32, 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A database and its log, and how long the log was when each transaction had been acknowledged."""

    database: bytes
    log: bytes
    #: (length of the log, number of the pair, state of its operation)
    acknowledged: tuple[tuple[int, int, OperationState], ...]
    frame_bytes: int

    def ends(self) -> range:
        return range(HEADER_BYTES, len(self.log) + 1, self.frame_bytes)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    path = tmp_path_factory.mktemp("log") / "state.db"
    open_store(f"sqlite:///{path}", clock=ManualClock(), identity=IDENTITY).close()
    store = open_store(f"sqlite:///{path}", clock=ManualClock())
    log = path.with_name("state.db-wal")
    acknowledged = []
    for number in range(PAIRS):
        link = raised(link_of(_born(number)))
        [operation] = store.begin([link], [operation_on(link)])
        acknowledged.append((log.stat().st_size, number, OperationState.SENT))
        store.settle([applied(operation, link, f"in_{number}")])
        acknowledged.append((log.stat().st_size, number, OperationState.SETTLED))
    content = Written(
        database=path.read_bytes(),
        log=log.read_bytes(),
        acknowledged=tuple(acknowledged),
        frame_bytes=FRAME_HEADER_BYTES + _page_bytes(path),
    )
    store.close()
    assert len(content.ends()) > 2 * PAIRS, "each transaction has frames of its own"
    return content


def _born(number: int):
    return salesforce("invoice", f"a0I00000000000{number}AAA")


def _page_bytes(path: Path) -> int:
    connection = sqlite3.connect(path)
    [(size,)] = connection.execute("PRAGMA page_size")
    connection.close()
    return int(size)


def _assert_whole(folder: Path, written: Written, log: bytes, *, good_to: int) -> None:
    """Every transaction acknowledged with the log up to `good_to` is there, and of the others nothing."""
    path = folder / "state.db"
    path.write_bytes(written.database)
    path.with_name("state.db-wal").write_bytes(log)
    path.with_name("state.db-shm").unlink(missing_ok=True)
    store = open_store(f"sqlite:///{path}", clock=ManualClock(), identity=IDENTITY)
    with store._database.read(1) as tx:
        assert tx.connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    kept = {number: state for length, number, state in written.acknowledged if length <= good_to}
    for number in range(PAIRS):
        assert _state(store, number) == kept.get(number), f"the log is good for {good_to} of {len(written.log)} bytes"
    store.close()


def _state(store: SqlStore, number: int) -> OperationState | None:
    """What the store knows of a pair, where its link and its operation have to say the same."""
    born = _born(number)
    link = store.load_links([born]).get(born)
    if link is None:
        assert store.load_unresolved([born]) == []
        return None
    unresolved = store.load_unresolved([born])
    assert (link.mate_id is None) == bool(unresolved), "half of a transaction"
    return unresolved[0].state if unresolved else OperationState.SETTLED


def test_a_log_that_ends_between_two_frames(tmp_path: Path, written: Written) -> None:
    for end in written.ends():
        _assert_whole(tmp_path, written, written.log[:end], good_to=end)


@pytest.mark.parametrize("share", [0.01, 0.99])
def test_a_log_that_ends_in_the_middle_of_a_frame(tmp_path: Path, written: Written, share: float) -> None:
    for end in written.ends()[:-1]:
        _assert_whole(tmp_path, written, written.log[: end + int(written.frame_bytes * share)], good_to=end)


def test_a_byte_that_flipped_ends_the_log_before_its_frame(tmp_path: Path, written: Written) -> None:
    for end in written.ends()[:-1]:
        damaged = bytearray(written.log)
        damaged[end + written.frame_bytes // 2] ^= 0x40
        _assert_whole(tmp_path, written, bytes(damaged), good_to=end)


def test_a_log_that_is_gone(tmp_path: Path, written: Written) -> None:
    _assert_whole(tmp_path, written, b"", good_to=0)


def test_the_check_itself_notices_a_lost_transaction(tmp_path: Path, written: Written) -> None:
    end = written.acknowledged[-1][0]
    with pytest.raises(AssertionError, match="the log is good for"):
        _assert_whole(tmp_path, written, written.log[: end - written.frame_bytes], good_to=end)
