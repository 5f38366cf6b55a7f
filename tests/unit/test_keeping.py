"""Files that are cut short, changed or somebody else's; a database that is open, damaged or gone; a full disk."""

from __future__ import annotations

import errno
import json
import sqlite3
import zipfile
from pathlib import Path

import pytest

from connector import keeping
from connector.core.errors import ConfigError, StoreBusy, StoreUnusable
from connector.store import backup_file, open_store
from connector.store.restore import replace_file
from tests.support.backups import backup, restore, rewrite
from tests.support.clock import ManualClock
from tests.support.memory import IDENTITY, link_of, mirror, salesforce
from tests.support.stores import lay_new_store
from tests.support.trail import check, forge


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    lay_new_store(folder / "state.sqlite")
    return folder


@pytest.fixture
def path(home):
    return home / "state.sqlite"


@pytest.fixture
def url(path):
    return f"sqlite:///{path}"


@pytest.fixture
def store(url):
    store = open_store(url, clock=ManualClock(), identity=IDENTITY, busy_timeout_s=1)
    mirror(store, link_of(salesforce("customer", "001000000000001AAA")), "cus_1")
    yield store
    store.close()


@pytest.fixture
def kept(store, url, tmp_path):
    backup(url, tmp_path / "a.zip")
    store.save_note("since", "then")
    store.close()
    return tmp_path / "a.zip"


def untouched(url):
    store = open_store(url, clock=ManualClock())
    found = (store.load_note("since"), store.brakes.load_open())
    store.close()
    return found == ("then", [])


# -- making one --------------------------------------------------------------------------------------------------


def test_it_is_its_owners_alone_and_nothing_is_left_beside_it(store, url, tmp_path, home):
    made = backup(url, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").stat().st_mode & 0o777 == 0o600
    assert {each.name for each in tmp_path.iterdir()} == {"a.zip", home.name}
    assert (made.manifest.identity, made.manifest.trail) == (IDENTITY, store.audit.load_head())


def test_anybody_can_read_it(kept):
    with zipfile.ZipFile(kept) as file:
        manifest = json.loads(file.read("manifest.json"))
        columns, row = (json.loads(line) for line in file.read("link.jsonl").splitlines())
    assert manifest["identity"]["account_id"] == "acct_1"
    assert dict(zip(columns, row, strict=True))["mate_id"] == "cus_1"


def test_an_earlier_one_is_not_written_over_unless_that_is_asked_for(store, url, tmp_path):
    backup(url, tmp_path / "a.zip")
    before = (tmp_path / "a.zip").read_bytes()
    store.save_note("a", "b")
    with pytest.raises(ConfigError, match=r"a\.zip: cannot be written: it exists\n.*--force"):
        backup(url, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == before
    backup(url, tmp_path / "a.zip", force=True)
    assert (tmp_path / "a.zip").read_bytes() != before


@pytest.mark.parametrize("fails", ["write", "finish", "check"])
def test_a_disk_that_fills_up_leaves_the_earlier_one_and_no_part(store, url, tmp_path, home, monkeypatch, fails):
    backup(url, tmp_path / "a.zip")
    before = (tmp_path / "a.zip").read_bytes()

    def full(*_args, **_given):
        raise OSError(errno.ENOSPC, "No space left on device")

    if fails == "write":
        monkeypatch.setattr(backup_file.zipfile.ZipFile, "open", full)
    elif fails == "finish":
        monkeypatch.setattr(backup_file.os, "fsync", full)
    else:
        monkeypatch.setattr(keeping, "rebuilt", _no_room)
    with pytest.raises((ConfigError, StoreUnusable), match=r"No space|full"):
        backup(url, tmp_path / "a.zip", force=True)
    assert (tmp_path / "a.zip").read_bytes() == before
    assert {each.name for each in tmp_path.iterdir()} == {"a.zip", home.name}


def _no_room(*_args, **_given):
    raise StoreUnusable("database or disk is full; free disk space")


def test_a_damaged_database_is_no_backup(store, url, path, tmp_path):
    store.close()
    content = bytearray(path.read_bytes())
    with sqlite3.connect(path) as connection:
        [(page,)] = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'link_in_state'").fetchall()
    connection.close()
    content[(page - 1) * 4096 : page * 4096] = bytes(4096)
    path.write_bytes(content)
    with pytest.raises(StoreUnusable, match=r"damaged|malformed"):
        backup(url, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


def test_an_index_that_lost_a_row_is_damage_too(store, url, path, tmp_path):
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("DELETE FROM sqlite_master WHERE name = 'link_in_state'")
        columns = [name for _, name, *_ in connection.execute("PRAGMA table_info(link)")]
        another = {"born_id": "'x' || born_id", "mate_id": "NULL"}
        copied = ", ".join(another.get(name, name) for name in columns)
        connection.execute(f"INSERT INTO link SELECT {copied} FROM link")
    connection.close()
    with pytest.raises(StoreUnusable, match="damaged"):
        backup(url, tmp_path / "a.zip")


def test_no_database_is_no_backup_and_none_is_made(tmp_path):
    with pytest.raises(StoreUnusable, match="there is no database yet"):
        backup(f"sqlite:///{tmp_path}/none.db", tmp_path / "a.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_trail_that_was_tampered_with_is_kept_and_told(store, url, tmp_path):
    forge(store, "UPDATE audit SET event = 'nothing' WHERE seq = 1")
    assert check(store).fault_count
    made = backup(url, tmp_path / "a.zip")
    assert made.trail.fault_count == check(store).fault_count
    store.close()
    assert restore(url, tmp_path / "a.zip").trail.fault_count == made.trail.fault_count


def test_a_sealed_trail_is_checked_with_its_key(tmp_path, home, path):
    key = {"CONNECTOR_AUDIT__KEYS": "k" * 32}
    url = f"sqlite:///{path}"
    store = open_store(url, clock=ManualClock(), seal=keeping.seal_of(_settings(url, tmp_path, **key)))
    store.save_note("a", "b")
    store.pin_identity(IDENTITY)
    store.close()
    assert backup(url, tmp_path / "a.zip", **key).trail.fault_count == 0
    restore(url, tmp_path / "a.zip", **key)
    assert backup(url, tmp_path / "b.zip", **key).trail.fault_count == 0
    assert backup(url, tmp_path / "c.zip").trail.fault_count > 0


def _settings(url, folder, **more):
    from tests.support.backups import settings_of

    return settings_of(url, folder, **more)


def test_two_into_one_file_at_a_time_are_one(store, url, tmp_path):
    with keeping._part_of(tmp_path / "a.zip"), pytest.raises(StoreBusy, match="another `connector backup`"):
        backup(url, tmp_path / "a.zip")
    backup(url, tmp_path / "a.zip")


# -- files that are none -----------------------------------------------------------------------------------------


def _cut(content, share):
    return content[: int(len(content) * share)]


@pytest.mark.parametrize("share", [0, 0.3, 0.9, 0.99])
def test_a_file_that_was_cut_short_changes_nothing(kept, url, share):
    kept.write_bytes(_cut(kept.read_bytes(), share))
    with pytest.raises(ConfigError, match="no whole backup"):
        restore(url, kept)
    assert untouched(url)


def test_a_byte_that_was_changed_is_noticed_wherever_it_says_anything(kept):
    """A zip has bytes that say nothing, such as a time; all others are refused."""
    whole = kept.read_bytes()
    step = len(whole) // 200
    refused = 0
    for place in range(0, len(whole), step):
        broken = bytearray(whole)
        broken[place] ^= 0x55
        kept.write_bytes(broken)
        try:
            with backup_file.open_archive(kept) as archive:
                for table in archive.manifest.tables:
                    list(archive.lines(table))
        except ConfigError:
            refused += 1
    assert refused > 100


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("link.jsonl", lambda text: text.replace(b"cus_1", b"cus_2"), "not what was written"),
        ("link.jsonl", lambda text: text.splitlines(keepends=True)[0], "not what was written: 0 rows of 1"),
        ("link.jsonl", lambda text: text + b"[]\n", "no row of it"),
        ("link.jsonl", lambda _text: b'["nonsense"]\n', "not its columns"),
        ("link.jsonl", lambda _text: b"nonsense\n", "its columns are not named"),
        ("link.jsonl", lambda _text: b"", "not what was written"),
        ("manifest.json", lambda _text: b"{}", "which form"),
        ("manifest.json", lambda _text: b"nonsense", "no whole backup"),
        (
            "manifest.json",
            lambda text: text.replace(b'"format": 1', b'"format": 2'),
            "form 2, this program knows up to 1",
        ),
        ("manifest.json", lambda text: text.replace(b"+00:00", b""), "time zone"),
        ("manifest.json", lambda text: text.replace(b'"link"', b'"unlink"'), "no table 'unlink'"),
        ("manifest.json", lambda text: text.replace(b'"org_id"', b'"orgid"'), "missing or wrong"),
    ],
)
def test_a_part_that_is_not_what_was_written(kept, url, name, change, words):
    rewrite(kept, name, change)
    with pytest.raises(ConfigError, match=words) as refused:
        restore(url, kept)
    assert refused.value.problems[0].where == str(kept)
    assert untouched(url)


@pytest.mark.parametrize("content", [b"", b"a letter", b"PK\x03\x04 and no more"])
def test_a_file_of_somebody_else(kept, url, content):
    kept.write_bytes(content)
    with pytest.raises(ConfigError, match="no whole backup"):
        restore(url, kept)
    kept.unlink()
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        restore(url, kept)
    assert untouched(url)


# -- putting it back ---------------------------------------------------------------------------------------------


def test_a_database_that_any_process_has_open_is_not_replaced(kept, url, home):
    open_one = open_store(url, clock=ManualClock())
    open_one.load_note("since")
    with pytest.raises(StoreBusy):
        restore(url, kept)
    assert open_one.load_note("since") == "then"
    open_one.close()
    assert {each.name for each in home.iterdir()} == {"state.sqlite"}
    assert untouched(url)
    restore(url, kept)


def test_one_that_cannot_be_read_is_replaced_only_when_a_person_says_so_and_is_kept(kept, url, path):
    path.write_bytes(b"this is a letter, not a database\n" * 200)
    with pytest.raises(ConfigError, match=r"the present database.*\n.*--force"):
        restore(url, kept)
    done = restore(url, kept, force=True)
    assert done.aside is not None
    assert Path(done.aside).read_bytes().startswith(b"this is a letter")
    store = open_store(url, clock=ManualClock())
    assert (store.load_note("since"), len(store.brakes.load_open())) == (None, 1)
    store.close()


def test_the_log_of_a_damaged_file_goes_with_it(path, tmp_path):
    """SQLite would take a log that is left behind for the new file's."""
    fresh = tmp_path / "fresh.sqlite"
    fresh.write_bytes(b"new")
    log = path.with_name("state.sqlite-wal")
    log.write_bytes(b"its log")
    aside = replace_file(path, fresh, at=ManualClock().now(), is_damaged=True)
    assert (path.read_bytes(), log.exists()) == (b"new", False)
    assert aside.with_name(f"{aside.name}-wal").read_bytes() == b"its log"


def test_where_none_is_it_is_made_and_a_log_without_its_file_is_not_taken_for_its_own(kept, tmp_path):
    target = tmp_path / "new" / "state.sqlite"
    target.parent.mkdir()
    target.with_name("state.sqlite-wal").write_bytes(b"of a file that is gone")
    assert restore(f"sqlite:///{target}", kept).aside is None
    store = open_store(f"sqlite:///{target}", clock=ManualClock())
    assert store.load_identity() == IDENTITY
    store.close()
    assert target.stat().st_mode & 0o777 == 0o600


def test_somebody_elses_tables_are_not_replaced(kept, tmp_path):
    other = tmp_path / "theirs.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE link (id INTEGER)")
    connection.close()
    with pytest.raises(ConfigError, match="tables of another program"):
        restore(f"sqlite:///{other}", kept)


def test_a_restore_that_died_before_the_rename_leaves_no_second_name_for_good(kept, url, path):
    path.with_name("state.sqlite.before_20200101T000000Z").hardlink_to(path)
    kept_aside = path.with_name("state.sqlite.before_20200102T000000Z")
    kept_aside.write_bytes(b"of an earlier restore")
    done = restore(url, kept)
    names = {each.name for each in path.parent.glob("*.before_*")}
    assert names == {kept_aside.name, done.aside.rsplit("/", 1)[1]}


def test_a_file_system_without_second_names_gets_a_copy(kept, url, monkeypatch):
    def refuse(*_args):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr("pathlib.Path.hardlink_to", refuse)
    done = restore(url, kept)
    aside = open_store(f"sqlite:///{done.aside}", clock=ManualClock())
    assert aside.load_note("since") == "then"
    aside.close()
