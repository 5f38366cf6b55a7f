"""How a row of the audit trail is hashed: so that anybody can compute it again, with nothing of ours."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.chain import AuditRow, ChainHead, Seal
from connector.core.chain_check import FAULTS_MAX, Expectation, Tampering, check_chain

NOON = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
ROW = AuditRow(
    seq=7,
    scope_id=1,
    at=NOON,
    kind="invoice",
    born_side="salesforce",
    born_id="a0I1",
    event="invoice.create applied",
    detail_json='{"cause":"poll","message":"Größe \\u0000 \\"x\\""}',
    previous_hash="sha256:00",
)


def _line(row: AuditRow) -> bytes:
    """As docs/audit.md says it, with Python's own JSON."""
    at = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    told = [row.kind, row.born_side, row.born_id, row.event, row.detail_json]
    content = [row.previous_hash, row.scope_id, row.seq, at, *told]
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _chained(events, seal=None, *, start=1):
    rows, last = [], ""
    for seq, event in enumerate(events, start):
        row = replace(ROW, seq=seq, event=event, previous_hash=last)
        row = replace(row, hash=(seal or Seal()).hash_of(row))
        rows.append(row)
        last = row.hash
    return rows


def _check(rows, seal=None, *, head=None, anchors=()):
    head = head or ChainHead(seq=rows[-1].seq, hash=rows[-1].hash)
    return check_chain(rows, Expectation(head=head, anchors=anchors), seal or Seal())


class TestTheHash:
    def test_without_a_key_it_is_the_digest_of_the_documented_line(self):
        assert Seal().hash_of(ROW) == "sha256:" + hashlib.sha256(_line(ROW)).hexdigest()

    def test_with_a_key_only_who_has_it_can_compute_it(self):
        how, key_id, digits = Seal((b"secret",)).hash_of(ROW).split(":")
        assert (how, len(key_id)) == ("hmac-sha256", 8)
        assert digits == hmac.new(b"secret", _line(ROW), "sha256").hexdigest()
        assert "secret" not in key_id

    @given(text=st.text(st.characters(exclude_categories=["Cs"])))
    def test_whatever_a_row_says_others_compute_the_same(self, text):
        row = replace(ROW, event=text, detail_json=text, born_id=text)
        assert Seal().hash_of(row) == "sha256:" + hashlib.sha256(_line(row)).hexdigest()

    def test_the_same_moment_in_another_zone_is_the_same_row(self):
        there = ROW.at.astimezone(timezone(timedelta(hours=9)))
        assert Seal().hash_of(replace(ROW, at=there)) == Seal().hash_of(ROW)

    @pytest.mark.parametrize("name", [field.name for field in fields(AuditRow) if field.name != "hash"])
    def test_every_part_of_a_row_counts(self, name):
        value = getattr(ROW, name)
        other = value + timedelta(microseconds=1) if isinstance(value, datetime) else value * 2
        assert Seal().hash_of(replace(ROW, **{name: other})) != Seal().hash_of(ROW)

    def test_parts_cannot_be_pushed_into_each_other(self):
        assert Seal().hash_of(replace(ROW, kind="ab", born_side="c")) != Seal().hash_of(
            replace(ROW, kind="a", born_side="bc")
        )

    def test_an_earlier_key_reads_and_only_the_first_writes(self):
        old, new = Seal((b"old",)), Seal((b"new", b"old"))
        row = replace(ROW, hash=old.hash_of(ROW))
        assert new.expected_hash(row) == row.hash
        assert new.hash_of(ROW) != row.hash
        assert old.expected_hash(replace(ROW, hash=new.hash_of(ROW))) is None


class TestTheCheck:
    def test_a_trail_as_it_was_written_is_good(self):
        report = _check(_chained("abcd"))
        assert (report.rows, report.first_seq, report.last.seq, report.fault_count) == (4, 1, 4, 0)

    def test_an_empty_trail_is_good_when_nothing_is_remembered_of_it(self):
        assert _check([], head=ChainHead(seq=0, hash="")).faults == ()
        [fault] = _check([], head=ChainHead(seq=3, hash="x")).faults
        assert (fault.what, fault.seq) == (Tampering.CUT_OFF, 1)

    def test_numbers_left_out_when_rows_were_written_are_no_fault(self):
        """PostgreSQL's sequences did so before rows were chained."""
        first, second = _chained("ab")
        second = replace(second, seq=5)
        second = replace(second, hash=Seal().hash_of(second))
        assert _check([first, second]).faults == ()

    def test_an_anchor_that_holds_says_nothing(self):
        rows = _chained("abcd")
        assert _check(rows, anchors=[ChainHead(seq=2, hash=rows[1].hash)]).faults == ()

    def test_all_faults_are_counted_and_the_first_ones_told(self):
        rows = [replace(row, event="x") for row in _chained("a" * (FAULTS_MAX + 20))]
        report = _check(rows)
        assert (len(report.faults), report.fault_count) == (FAULTS_MAX, FAULTS_MAX + 20)

    @given(data=st.data())
    def test_any_single_change_to_rows_is_found(self, data):
        rows = _chained("abcdefgh")
        head = ChainHead(seq=8, hash=rows[-1].hash)
        place = data.draw(st.integers(0, 7))
        change = data.draw(st.sampled_from(["edit", "drop", "swap", "copy"]))
        if change == "edit":
            rows[place] = replace(rows[place], event=rows[place].event + "!")
        elif change == "drop":
            del rows[place]
        elif change == "swap":
            other = data.draw(st.integers(0, 7).filter(lambda other: other != place))
            numbers = {place: rows[other].seq, other: rows[place].seq}
            rows = sorted(
                (replace(row, seq=numbers.get(at, row.seq)) for at, row in enumerate(rows)), key=lambda row: row.seq
            )
        else:
            rows.append(replace(rows[place], seq=9))
        report = _check(rows, head=head)
        assert report.fault_count > 0
        seqs = {fault.seq for fault in report.faults}
        # where: the row itself, or where it came from or went to
        assert seqs & {place + 1, 9} or change == "copy"
