"""What was kept comes back, on either database and from every earlier version; and never half of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import inspect, make_url, text

from connector.core.brake import BrakeName
from connector.core.errors import ConfigError, SchemaTooNew, Superseded
from connector.store import backup as store_backup
from connector.store import open_store
from connector.store.backup_file import ArchiveWriter
from connector.store.job_queue import NOTE as QUEUE_NOTE
from connector.store.migrate import VERSION_TABLE
from connector.store.tables import HEAD, metadata
from tests.contract.store.test_upgrades import EARLIER
from tests.support import old_versions as old
from tests.support.backups import backup, restore, rewrite, same_rows
from tests.support.clock import ManualClock
from tests.support.memory import IDENTITY, link_of, mirror, remember, salesforce
from tests.support.trail import check, details, told


@pytest.fixture(params=["sqlite", "postgresql"])
def other_url(request, tmp_path):
    """A second database, of either sort, that nobody has opened yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/other/connector.db"
        return
    from tests.contract.store.conftest import _fresh_name
    from tests.support.postgres import fresh_database

    with fresh_database(request.getfixturevalue("postgres_server"), _fresh_name()) as fresh:
        yield fresh


def filled(url, version, monkeypatch):
    old.make(url, version, monkeypatch)


def test_all_rows_come_back_on_either_database(empty_url, other_url, tmp_path, monkeypatch):
    filled(empty_url, HEAD, monkeypatch)
    kept = backup(empty_url, tmp_path / "a.zip")
    assert all(digest.rows for digest in kept.manifest.tables.values()), "every table holds something"
    done = restore(other_url, tmp_path / "a.zip")
    assert (done.aside, done.trail.fault_count) == (None, 0)
    again = backup(other_url, tmp_path / "b.zip")
    assert set(same_rows(kept.manifest, again.manifest).values()) == {True}
    assert again.manifest.identity == kept.manifest.identity
    store = open_store(other_url, clock=ManualClock())
    # what the database counts goes on behind what was restored
    assert store.start_run("sync", ManualClock().now()) > 2
    assert check(store).fault_count == 0
    store.close()


@pytest.mark.parametrize("version", EARLIER)
def test_a_backup_of_an_earlier_version_is_upgraded_as_its_database_would_be(empty_url, version, tmp_path, monkeypatch):
    filled(empty_url, version, monkeypatch)
    kept = backup(empty_url, tmp_path / "old.zip")
    assert kept.manifest.schema == version
    other = f"sqlite:///{tmp_path}/other.db"
    restore(other, tmp_path / "old.zip")
    open_store(empty_url, clock=ManualClock()).close()
    upgraded, restored = backup(empty_url, tmp_path / "a.zip"), backup(other, tmp_path / "b.zip")
    assert set(same_rows(upgraded.manifest, restored.manifest).values()) == {True}


def test_a_restored_database_writes_nothing_until_it_was_recovered(store, url, tmp_path):
    mirror(store, link_of(salesforce("customer", "001000000000001AAA")), "cus_1")
    before = store.audit.load_head()
    backup(url, tmp_path / "a.zip")
    remember(store, link_of(salesforce("customer", "001000000000002AAA")))
    store.close()
    done = restore(url, tmp_path / "a.zip")
    reopened = open_store(url, clock=ManualClock())
    [brake] = reopened.brakes.load_open()
    assert (brake.name, brake.subject) == (BrakeName.STORE_RESTORED, "")
    assert "restored from a backup of 2026-11-02" in brake.observed
    [row] = details(reopened, "database restored")
    assert (row["cause"], row["reason"], row["trail"]) == ("person ann", "a drill", str(before))
    assert row["replaced_trail"] == str(done.present.trail)
    assert reopened.count_links() == {"customer": {"open": 1}}
    assert check(reopened).fault_count == 0
    reopened.close()


def test_what_was_there_is_kept_aside_whole(store, url, tmp_path):
    backup(url, tmp_path / "a.zip")
    mirror(store, link_of(salesforce("customer", "001000000000001AAA")), "cus_1")
    store.close()
    before = backup(url, tmp_path / "before.zip")
    done = restore(url, tmp_path / "a.zip")
    if "sqlite" in url:
        aside = backup(f"sqlite:///{done.aside}", tmp_path / "aside.zip")
        assert aside.manifest.tables == before.manifest.tables
    else:
        with old.opened(url) as database, database.read(1) as tx:
            rows = tx.connection.execute(text(f'SELECT mate_id FROM "{done.aside}".link')).scalars().all()
            assert rows == ["cus_1"]
            names = set(inspect(tx.connection).get_table_names(schema=done.aside))
            assert names >= set(metadata.tables)
    # and once more, in another second
    restore(url, tmp_path / "before.zip", clock=ManualClock(ManualClock().now() + timedelta(days=1)))
    reopened = open_store(url, clock=ManualClock())
    assert reopened.count_links() == {"customer": {"open": 1}}
    reopened.close()


def test_while_a_service_works_on_it_nothing_is_replaced_and_it_is_named(store, url, tmp_path):
    backup(url, tmp_path / "a.zip")
    clock = ManualClock()
    serving = open_store(url, clock=clock, server_clock=True)
    held = serving.leases.acquire("service", holder="host pid 7", lease_s=30)
    with pytest.raises(Superseded, match="host pid 7"):
        restore(url, tmp_path / "a.zip", clock=clock)
    assert store.brakes.load_open() == []
    serving.leases.release(held)
    serving.close()
    store.close()
    restore(url, tmp_path / "a.zip", clock=clock)


def test_who_held_a_lease_before_is_not_taken_for_the_next_holder(url, tmp_path, clock):
    store = open_store(url, clock=clock, identity=IDENTITY, server_clock=True)
    # each runs out at once
    first = store.leases.acquire("service", holder="a", lease_s=0)
    backup(url, tmp_path / "a.zip")
    store.leases.acquire("service", holder="b", lease_s=0)
    zombie = store.leases.acquire("shard-1", holder="b", lease_s=0)
    store.close()
    restore(url, tmp_path / "a.zip", clock=clock)
    reopened = open_store(url, clock=clock, server_clock=True)
    epochs = {lease.name: lease.epoch for lease in reopened.leases.load()}
    assert epochs["service"] > first.epoch + 1
    assert epochs["shard-1"] > zombie.epoch
    taken = reopened.leases.acquire("service", holder="c", lease_s=30)
    assert taken.holder == "c"
    with pytest.raises(Superseded):
        reopened.fenced(zombie).save_note("a", "b")
    reopened.close()


def test_the_queue_of_the_engine_is_as_it_was_or_not_there_whatever_the_backup_says(store, url, tmp_path):
    """Its tables are no part of a backup."""
    store.save_note(QUEUE_NOTE, "3.9.0")
    backup(url, tmp_path / "a.zip")
    store.save_note(QUEUE_NOTE, "3.10.0")
    store.close()
    other = f"sqlite:///{tmp_path}/other.db"
    for place, version in ((other, None), (url, "3.10.0")):
        restore(place, tmp_path / "a.zip")
        restored = open_store(place, clock=ManualClock())
        assert restored.load_note(QUEUE_NOTE) == version
        restored.close()


def test_a_backup_is_of_one_moment_whatever_is_written_meanwhile(store, url, tmp_path, monkeypatch):
    """Between any two tables somebody mirrors a record: its link and its operation are both in, or neither."""
    write, number = ArchiveWriter.write_table, 0

    def busy(self, name, lines):
        nonlocal number
        number += 1
        mirror(store, link_of(salesforce("customer", f"001000000000{number:03}AAA")), f"cus_{number}")
        write(self, name, lines)

    mirror(store, link_of(salesforce("customer", "001000000000000AAA")), "cus_0")
    monkeypatch.setattr(ArchiveWriter, "write_table", busy)
    kept = backup(url, tmp_path / "a.zip")
    assert number > 10
    assert kept.manifest.tables["link"].rows == kept.manifest.tables["operation"].rows == 1
    assert kept.trail.fault_count == 0


def test_a_backup_of_another_pair_is_refused(store, url, tmp_path):
    other = f"sqlite:///{tmp_path}/other.db"
    theirs = type(IDENTITY)(**{**old.IDENTITY, "account_id": "acct_9"})
    open_store(other, clock=ManualClock(), identity=theirs).close()
    backup(other, tmp_path / "a.zip")
    store.close()
    with pytest.raises(ConfigError, match=r"acct_9.*belongs to .*acct_1"):
        restore(url, tmp_path / "a.zip")


def test_a_backup_of_a_newer_program_is_refused_and_nothing_is_replaced(store, url, tmp_path):
    store.save_note("a", "b")
    backup(url, tmp_path / "a.zip")
    store.close()
    rewrite(tmp_path / "a.zip", "manifest.json", lambda text: text.replace(f'"{HEAD}"'.encode(), b'"9999"'))
    with pytest.raises(SchemaTooNew, match=f"schema 9999, this one knows up to {HEAD}"):
        restore(url, tmp_path / "a.zip")
    reopened = open_store(url, clock=ManualClock())
    assert (reopened.load_note("a"), reopened.brakes.load_open()) == ("b", [])
    reopened.close()


def test_a_database_of_a_newer_program_is_not_kept_by_halves(store, url, tmp_path):
    store.close()
    with old.opened(url) as database, database.write(1) as tx:
        tx.connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
        place = database.place
    with pytest.raises(SchemaTooNew) as refused:
        backup(url, tmp_path / "a.zip")
    assert str(refused.value).startswith(f"{place}: was written by a newer connector (schema 9999")
    assert not (tmp_path / "a.zip").exists()


def test_death_in_the_middle_of_a_restore_leaves_what_was_there(store, url, tmp_path, monkeypatch):
    """At every table that is filled; the crash suite kills a real process at every file and commit."""
    backup(url, tmp_path / "a.zip")
    remember(store, link_of(salesforce("customer", "001000000000002AAA")))
    store.close()
    load = store_backup.load_rows

    class DeathError(BaseException):
        pass

    for last in (1, 9, len(metadata.tables)):
        seen = 0

        def die(tx, table, lines, last=last):
            nonlocal seen
            seen += 1
            load(tx, table, lines)
            if seen == last:
                raise DeathError

        with monkeypatch.context() as dying:
            dying.setattr(store_backup, "load_rows", die)
            if "postgresql" in url:
                # its first filling is the one that is thrown away
                dying.setattr("connector.keeping._tried", lambda *_args, **_given: None)
            with pytest.raises(DeathError):
                restore(url, tmp_path / "a.zip")
        reopened = open_store(url, clock=ManualClock())
        assert reopened.count_links() == {"customer": {"open": 1}}
        assert reopened.brakes.load_open() == []
        assert told(reopened)[-1][0] != "database restored"
        reopened.close()
    restore(url, tmp_path / "a.zip")
    if "sqlite" in url:
        folder = tmp_path.joinpath(str(make_url(url).database)).parent
        assert not list(folder.glob("*.restoring*"))
