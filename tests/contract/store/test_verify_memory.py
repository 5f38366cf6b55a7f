"""What the verifier remembers: runs, attestations, package pins; per org."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from connector.core.verify.checks import Attestation
from connector.core.verify.memory import AttestationEvent, PackagePin, PastRun

ORG = "00Dcw0000000001EAA"
OTHER_ORG = "00Dcw0000000002EAA"


@pytest.fixture
def memory(store):
    return store.verify_memory(ORG)


def _run(clock, run_id="run-1", profile="connector-only", **verdicts):
    return PastRun(
        run_id=run_id,
        at=clock.now(),
        profile=profile,
        verdicts={name.replace("_", "-"): verdict for name, verdict in verdicts.items()},
        report={"summary": {"ready": True, "seconds": 1.25}, "name": "Ünïcode ✓"},
    )


def _attestation(clock, check_id="SF-ORD-01", **fields):
    given = {"by": "Anna", "note": "seen ✓", "expires": date(2027, 2, 1), "packages": {"SBQQ": "250.3.0"}, **fields}
    return Attestation(check_id=check_id, at=clock.now(), **given)


class TestRuns:
    def test_a_run_comes_back_as_it_was_stored(self, memory, clock):
        run = _run(clock, SF_PKG_01="pass", SF_ORD_01="manual")
        memory.save_verification(run)
        assert memory.load_verifications() == [run]

    def test_newest_first_and_by_profile(self, memory, clock):
        for number, profile in enumerate(("a", "b", "a")):
            memory.save_verification(_run(clock, f"run-{number}", profile, X="pass"))
            clock.advance(timedelta(days=1))
        assert [run.run_id for run in memory.load_verifications()] == ["run-2", "run-1", "run-0"]
        assert [run.run_id for run in memory.load_verifications(1)] == ["run-2"]
        assert [run.run_id for run in memory.load_verifications(profile="b")] == ["run-1"]

    def test_of_very_old_runs_only_the_verdicts_are_kept(self, memory, clock, monkeypatch):
        monkeypatch.setattr("connector.store.verify_memory._REPORTS_KEPT", 2)
        for number in range(4):
            memory.save_verification(_run(clock, f"run-{number}", X="pass"))
        runs = memory.load_verifications()
        assert [bool(run.report) for run in runs] == [True, True, False, False]
        assert all(run.verdicts == {"X": "pass"} for run in runs)

    def test_the_org_verified_last_is_the_one_meant_without_an_org(self, store, clock):
        assert store.verify_memory(None).load_verifications() == []
        store.verify_memory(ORG).save_verification(_run(clock, "first", X="pass"))
        store.verify_memory(OTHER_ORG).save_verification(_run(clock, "second", X="pass"))
        assert [run.run_id for run in store.verify_memory(None).load_verifications()] == ["second"]


class TestSince:
    def test_it_is_the_first_of_the_unbroken_row(self, memory, clock):
        moments = []
        for verdict in ("fail", "pass", "fail", "fail"):
            moments.append(clock.now())
            memory.save_verification(_run(clock, X=verdict))
            clock.advance(timedelta(days=1))
        assert memory.unchanged_since({"X": "fail"}, profile="connector-only") == {"X": moments[2]}

    def test_a_new_verdict_and_a_new_check_have_none(self, memory, clock):
        memory.save_verification(_run(clock, X="fail"))
        assert memory.unchanged_since({"X": "pass", "Y": "fail"}, profile="connector-only") == {}

    def test_a_run_that_left_the_check_out_does_not_break_the_row(self, memory, clock):
        began = clock.now()
        for verdicts in ({"X": "fail"}, {"Y": "pass"}, {"X": "fail", "Y": "pass"}):
            memory.save_verification(_run(clock, **verdicts))
            clock.advance(timedelta(hours=1))
        assert memory.unchanged_since({"X": "fail"}, profile="connector-only") == {"X": began}

    def test_another_profile_says_nothing(self, memory, clock):
        memory.save_verification(_run(clock, profile="legacy", X="fail"))
        assert memory.unchanged_since({"X": "fail"}, profile="connector-only") == {}


class TestAttestations:
    def test_one_comes_back_as_it_was_said(self, memory, clock):
        said = _attestation(clock)
        memory.save_attestation(said)
        assert memory.load_attestations() == [said]

    def test_the_newest_of_each_check_counts_even_when_it_has_expired(self, memory, clock):
        memory.save_attestation(_attestation(clock, by="Anna"))
        clock.advance(timedelta(days=1))
        newest = _attestation(clock, by="Bert", expires=date(2020, 1, 1))
        memory.save_attestation(newest)
        memory.save_attestation(_attestation(clock, "SF-ORD-02"))
        assert [each.by for each in memory.load_attestations()] == ["Bert", "Anna"]

    def test_one_can_be_taken_back_and_given_again(self, memory, clock):
        assert memory.withdraw_attestation("SF-ORD-01", "Bert", clock.now()) is False
        memory.save_attestation(_attestation(clock))
        assert memory.withdraw_attestation("SF-ORD-01", "Bert", clock.now()) is True
        assert memory.withdraw_attestation("SF-ORD-01", "Bert", clock.now()) is False
        assert memory.load_attestations() == []
        memory.save_attestation(_attestation(clock))
        assert len(memory.load_attestations()) == 1

    def test_the_history_keeps_everything_newest_first(self, memory, clock):
        memory.save_attestation(_attestation(clock))
        memory.withdraw_attestation("SF-ORD-01", "Bert", clock.now())
        said = AttestationEvent(
            check_id="SF-ORD-01", event="attested", by="Anna", note="seen ✓", at=clock.now(), expires=date(2027, 2, 1)
        )
        taken_back = replace(said, event="withdrawn", by="Bert", note="", expires=None)
        assert memory.load_attestation_history() == [taken_back, said]

    @pytest.mark.parametrize("statement", ["UPDATE attestation SET person = 'forged'", "DELETE FROM attestation"])
    def test_the_database_refuses_to_change_it(self, store, memory, clock, statement):
        memory.save_attestation(_attestation(clock))
        with pytest.raises((DBAPIError, AssertionError), match="append-only"), store._database.write(1) as tx:
            tx.connection.execute(text(statement))
        assert [each.by for each in memory.load_attestations()] == ["Anna"]


class TestPins:
    def _pin(self, clock, namespace="SBQQ", **fields):
        given = {"package_id": "033A", "version_id": "04tA", "version": (250, 3, 0, 1), **fields}
        return PackagePin(namespace=namespace, pinned_at=clock.now(), **given)

    def test_they_come_back_in_order_and_replace_all_earlier_ones(self, memory, clock):
        first = self._pin(clock, "blng"), self._pin(clock)
        memory.save_pins(first)
        assert memory.load_pins() == sorted(first, key=lambda pin: pin.namespace)
        bare = self._pin(clock, package_id=None, version_id=None, version=None)
        memory.save_pins([bare])
        assert memory.load_pins() == [bare]
        memory.save_pins([])
        assert memory.load_pins() == []

    def test_packages_may_share_a_namespace(self, memory, clock):
        memory.save_pins([self._pin(clock), self._pin(clock, package_id="033B"), self._pin(clock)])
        assert [pin.package_id for pin in memory.load_pins()] == ["033A", "033B"]


def test_orgs_never_meet(store, clock):
    store.verify_memory(ORG).save_verification(_run(clock, X="fail"))
    store.verify_memory(ORG).save_attestation(_attestation(clock))
    store.verify_memory(ORG).save_pins([TestPins()._pin(clock)])
    other = store.verify_memory(OTHER_ORG)
    assert other.load_verifications() == []
    assert other.load_attestations() == []
    assert other.load_pins() == []
    assert other.unchanged_since({"X": "fail"}, profile="connector-only") == {}
    other.save_pins([])
    assert len(store.verify_memory(ORG).load_pins()) == 1
