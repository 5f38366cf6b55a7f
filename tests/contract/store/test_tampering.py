"""An intruder who owns the database goes around the triggers: what the trail shows, and what only an anchor or a key does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.core.chain import ChainHead, Seal
from connector.core.chain_check import Tampering
from connector.ports import Settlement
from connector.store import open_store
from tests.support.memory import link_of, salesforce
from tests.support.trail import check, forge, rewrite, rows_of

INVOICE = salesforce("invoice", "a0I000000000001AAA")
#: what follows the row that tells of first contact
EVENTS = ("one", "two", "three", "four", "five", "six", "seven", "eight")
LAST = len(EVENTS) + 1


@pytest.fixture
def trail(store):
    for event in EVENTS:
        store.settle([Settlement(link=link_of(INVOICE), event=event, cause="poll")])
    assert check(store).faults == ()
    return store


def _found(report):
    return [(fault.what, fault.seq) for fault in report.faults]


@pytest.mark.parametrize(
    "change",
    [
        "event = 'forged'",
        'detail_json = \'{"cause":"poll"}\'',
        "born_id = 'a0I000000000002AAA'",
        "kind = 'quote'",
        "born_side = 'stripe'",
        "previous_hash = 'sha256:00'",
        "hash = 'sha256:00'",
        "hash = ''",
    ],
)
def test_an_edited_row_is_named(trail, change):
    forge(trail, f"UPDATE audit SET {change} WHERE seq = 5")
    assert _found(check(trail)) == [(Tampering.EDITED, 5)]


def test_a_changed_moment_is_named(trail, clock):
    at = "'2020-01-01T00:00:00.000000+00:00'"
    forge(trail, f"UPDATE audit SET at = {at} WHERE seq = 5")
    assert _found(check(trail)) == [(Tampering.EDITED, 5)]


def test_an_edited_row_says_what_was_expected(trail):
    row = rows_of(trail)[4]
    forge(trail, "UPDATE audit SET event = 'forged' WHERE seq = 5")
    [fault] = check(trail).faults
    assert fault.found == row.hash
    assert fault.expected != row.hash
    assert "sha256:" in fault.expected


def test_rows_that_were_deleted_are_named(trail):
    forge(trail, "DELETE FROM audit WHERE seq IN (4, 5)")
    report = check(trail)
    assert _found(report) == [(Tampering.MISSING, 4)]
    assert report.faults[0].expected == "rows up to 5"
    assert report.faults[0].found == "row 6 follows on 3"


def test_a_deleted_beginning_is_named(trail):
    forge(trail, "DELETE FROM audit WHERE seq < 4")
    report = check(trail)
    assert _found(report) == [(Tampering.MISSING, 1)]
    assert report.faults[0].found == "the trail begins with 4"


def test_two_rows_that_changed_places_are_named_with_their_own(trail):
    forge(
        trail,
        "UPDATE audit SET seq = 1000 WHERE seq = 4",
        "UPDATE audit SET seq = 4 WHERE seq = 7",
        "UPDATE audit SET seq = 7 WHERE seq = 1000",
    )
    report = check(trail)
    assert _found(report) == [(Tampering.MOVED, 4), (Tampering.MOVED, 7)]
    assert [fault.found for fault in report.faults] == ["the one written as 7", "the one written as 4"]


def test_a_row_that_was_put_at_the_end_is_missing_where_it_was(trail):
    forge(trail, f"UPDATE audit SET seq = {LAST + 1} WHERE seq = 4")
    assert _found(check(trail)) == [(Tampering.MISSING, 4), (Tampering.MOVED, LAST + 1), (Tampering.ADDED, LAST + 1)]


def test_a_row_that_was_put_in_is_named(trail):
    """A copy of an earlier row, at the end."""
    copied = "scope_id, at, kind, born_side, born_id, event, detail_json, previous_hash, hash"
    forge(trail, f"INSERT INTO audit (seq, {copied}) SELECT {LAST + 1}, {copied} FROM audit WHERE seq = 3")
    report = check(trail)
    assert (Tampering.ADDED, LAST + 1) in _found(report)


def test_a_row_rewritten_with_a_hash_of_its_own_is_betrayed_by_the_next(trail):
    row = rows_of(trail)[4]
    forged = trail.seal.hash_of(replace(row, event="forged"))
    forge(trail, "UPDATE audit SET event = 'forged', hash = :hash WHERE seq = 5", hash=forged)
    assert _found(check(trail)) == [(Tampering.REWRITTEN, 5)]


def test_the_last_row_rewritten_with_a_hash_of_its_own_is_betrayed_by_what_the_store_remembers(trail):
    row = rows_of(trail)[-1]
    forged = trail.seal.hash_of(replace(row, event="forged"))
    forge(trail, f"UPDATE audit SET event = 'forged', hash = :hash WHERE seq = {LAST}", hash=forged)
    assert _found(check(trail)) == [(Tampering.REWRITTEN, LAST)]


def test_an_end_that_was_cut_off_is_noticed_unless_the_stores_memory_of_it_was_changed_too(trail):
    anchor = trail.audit.load_head()
    forge(trail, "DELETE FROM audit WHERE seq > 5")
    assert _found(check(trail)) == [(Tampering.CUT_OFF, 6)]
    forge(trail, "UPDATE scope SET audit_seq = 5, audit_hash = :hash", hash=rows_of(trail)[-1].hash)
    # what docs/audit.md says: a chain alone cannot show this
    assert _found(check(trail)) == []
    assert _found(check(trail, anchors=[anchor])) == [(Tampering.CUT_OFF, LAST)]


def test_a_trail_that_was_emptied_is_noticed(trail):
    anchor = trail.audit.load_head()
    forge(trail, "DELETE FROM audit")
    assert _found(check(trail)) == [(Tampering.CUT_OFF, 1)]
    forge(trail, "UPDATE scope SET audit_seq = 0, audit_hash = ''")
    assert _found(check(trail)) == []
    assert _found(check(trail, anchors=[anchor])) == [(Tampering.CUT_OFF, LAST)]


def test_a_chain_computed_anew_shows_only_against_an_anchor(trail):
    before, after = rows_of(trail)[2], rows_of(trail)[6]
    rewrite(trail, 5, seal=Seal(), event="forged")
    assert _found(check(trail)) == []
    assert _found(check(trail, anchors=[ChainHead(seq=before.seq, hash=before.hash)])) == []
    assert _found(check(trail, anchors=[ChainHead(seq=after.seq, hash=after.hash)])) == [(Tampering.REWRITTEN, 7)]


def test_a_sealed_chain_cannot_be_computed_anew_without_the_key(trail, url, clock):
    trail.close()
    sealed = open_store(url, clock=clock, seal=Seal((b"secret",)))
    for event in EVENTS:
        sealed.settle([Settlement(link=link_of(INVOICE), event=event, cause="poll")])
    assert check(sealed).faults == ()
    rewrite(sealed, LAST + 3, seal=Seal(), event="forged")
    found = _found(check(sealed))
    assert found[0] == (Tampering.UNSEALED, LAST + 3)
    assert {what for what, _ in found} == {Tampering.UNSEALED}
    # nor can its sealed part be thrown away unnoticed
    rewrite(sealed, 2, seal=Seal(), event="forged")
    assert _found(check(sealed)) == [(Tampering.UNSEALED, LAST + len(EVENTS))]
    # nor be made with another key
    rewrite(sealed, LAST + 3, seal=Seal((b"guessed",)), event="forged")
    assert (Tampering.KEY_MISSING, LAST + 3) in _found(check(sealed))
    sealed.close()


def test_without_the_key_a_sealed_trail_is_not_called_good(url, clock):
    sealed = open_store(url, clock=clock, seal=Seal((b"secret",)))
    sealed.start_run("sync", clock.now())
    assert _found(check(sealed, seal=Seal())) == [(Tampering.KEY_MISSING, 1)]
    sealed.close()


def test_what_stands_before_and_after_the_forgery_is_not_accused(trail):
    forge(trail, "UPDATE audit SET event = 'forged' WHERE seq IN (3, 8)", "DELETE FROM audit WHERE seq = 6")
    assert _found(check(trail)) == [(Tampering.EDITED, 3), (Tampering.MISSING, 6), (Tampering.EDITED, 8)]
