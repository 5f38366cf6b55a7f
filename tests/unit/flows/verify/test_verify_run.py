"""One run: what is asked, what is compared with earlier runs, what stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.core.model import Side
from connector.core.verify.checks import Verdict
from connector.core.verify.evidence import Seen, Unreadable
from connector.core.verify.org import InstalledPackage, Packages
from connector.flows.verify.choose import choose
from connector.flows.verify.remember import remember
from connector.flows.verify.run import Errand, verify
from tests.support.clock import ManualClock
from tests.support.stores import open_new_store
from tests.support.verifications import ACCOUNT, NOW, ORG, PROFILE, attestation, check, rules, says
from tests.support.verify import situation

ABSENT = Unreadable(source="this machine", reason="nothing looks at it")


class Looks:
    """An inspector that answers what it is told, and counts."""

    def __init__(self, side, **values):
        self.side = side
        self.calls = 0
        self.asked = []
        self._values = values

    def inspect(self, wanted):
        self.calls += 1
        self.asked += wanted
        return {name: Seen(value=self._values.get(name), source=name) for name in wanted}


def _packages(version=(262, 1, 0, 4)):
    row = InstalledPackage(namespace="SBQQ", name="CPQ", package_id="033A", version_id="04tA", version=version)
    return Packages(rows=(row,))


@pytest.fixture
def clock():
    return ManualClock(NOW)


@pytest.fixture
def memory(tmp_path, clock):
    store = open_new_store(tmp_path / "state.sqlite", clock=clock)
    yield store.verify_memory(ORG.id)
    store.close()


def _verify(clock, *checks, memory=ABSENT, salesforce=None, stripe=None, only=(), accept=False, **conditions):
    inspectors = {
        Side.SALESFORCE: salesforce or Looks(Side.SALESFORCE, packages=_packages()),
        Side.STRIPE: stripe or Looks(Side.STRIPE),
        None: ABSENT,
    }
    return verify(
        Errand(
            choice=choose(rules(*checks), PROFILE, only=only),
            conditions=conditions,
            profile=PROFILE,
            situation=situation(),
            accepted={},
            accept_packages=accept,
        ),
        inspectors=inspectors,
        sides={Side.SALESFORCE: ORG, Side.STRIPE: ACCOUNT},
        memory=memory,
        clock=clock,
        started_s=clock.monotonic_s(),
    )


def _stored(clock, memory, verdict):
    """A run with this verdict, remembered; then a day passes."""
    done = _verify(clock, check(evidence=("packages",)), memory=memory, asked=says(verdict))
    remember(done, memory, report={}, accept_packages=False)
    clock.advance(timedelta(days=1))
    return done


class TestGathering:
    def test_each_side_is_asked_once_for_what_its_checks_want(self, clock):
        salesforce, stripe = Looks(Side.SALESFORCE), Looks(Side.STRIPE)
        _verify(
            clock,
            check("A", evidence=("packages", "org")),
            check("B", evidence=("packages", "stripe_key")),
            salesforce=salesforce,
            stripe=stripe,
            asked=says("pass"),
        )
        assert (salesforce.asked, salesforce.calls) == (["packages", "org"], 1)
        assert (stripe.asked, stripe.calls) == (["stripe_key"], 1)

    def test_only_asks_for_what_the_check_and_its_needs_want(self, clock):
        salesforce = Looks(Side.SALESFORCE)
        done = _verify(
            clock,
            check("A", evidence=("org",)),
            check("B", evidence=("packages",), needs=("A",)),
            check("C", evidence=("limits",)),
            salesforce=salesforce,
            only=["B"],
            asked=says("pass"),
        )
        assert salesforce.asked == ["org", "packages"]
        assert [each.check.id for each in done.results] == ["B"]

    def test_a_side_that_cannot_be_looked_at_leaves_its_checks_unknown(self, clock):
        nobody = Unreadable(source="settings", reason="no key", fix="set it")
        done = _verify(
            clock,
            check("A", evidence=("stripe_key",), condition="reads"),
            check("B"),
            stripe=nobody,
            reads=lambda facts: facts.read("stripe_key", str),
            asked=says("pass"),
        )
        assert [each.verdict for each in done.results] == [Verdict.UNKNOWN, Verdict.PASS]
        assert done.calls == {"salesforce": 0}


class TestComparing:
    def test_the_first_run_has_nothing_to_compare_with(self, clock, memory):
        done = _verify(clock, check(), memory=memory, asked=says("fail"))
        assert (done.results[0].since, done.results[0].is_new, done.compared_with) == (None, False, None)

    def test_what_stays_as_it_was_says_since_when(self, clock, memory):
        first = _stored(clock, memory, "fail")
        _stored(clock, memory, "fail")
        third = _verify(clock, check(), memory=memory, asked=says("fail"))
        assert (third.results[0].since, third.results[0].is_new) == (first.started_at, False)
        assert third.compared_with == NOW + timedelta(days=1)

    @pytest.mark.parametrize(
        ("before", "now", "is_new"),
        [
            ("pass", "fail", True),
            ("pass", "unknown", True),
            ("unknown", "fail", True),
            ("warn", "manual", True),
            ("fail", "pass", False),
            ("fail", "unknown", False),
            ("not_applicable", "crashed", True),
        ],
    )
    def test_new_is_what_became_worse(self, clock, memory, before, now, is_new):
        _stored(clock, memory, before)
        done = _verify(clock, check(), memory=memory, asked=says(now))
        assert done.results[0].is_new is is_new
        assert done.results[0].since == clock.now(), "it changed now"

    def test_a_check_nobody_looked_at_before_is_not_new(self, clock, memory):
        _stored(clock, memory, "pass")
        done = _verify(clock, check("B"), memory=memory, asked=says("fail"))
        assert (done.results[0].is_new, done.results[0].since) == (False, None)

    def test_an_attestation_of_the_memory_counts(self, clock, memory):
        memory.save_attestation(attestation("A"))
        done = _verify(clock, check("A", attest="look"), memory=memory, asked=says("manual"))
        assert done.results[0].verdict is Verdict.PASS

    def test_without_memory_it_says_why(self, clock):
        assert _verify(clock, check(), asked=says("pass")).without_memory == "nothing looks at it"


class TestPins:
    def _look(self, clock, memory, version, *, accept=False):
        seen = []
        done = _verify(
            clock,
            check(evidence=("packages",)),
            memory=memory,
            salesforce=Looks(Side.SALESFORCE, packages=_packages(version)),
            accept=accept,
            asked=lambda facts: seen.append(facts.situation.pins) or says("pass")(facts),
        )
        remember(done, memory, report={}, accept_packages=accept)
        return [pin.version for pin in seen[0]]

    def test_the_first_run_pins_and_later_ones_keep_the_pin(self, clock, memory):
        old, new = (262, 1, 0, 4), (264, 0, 0, 1)
        assert self._look(clock, memory, old) == []
        assert self._look(clock, memory, new) == [old]
        assert self._look(clock, memory, new) == [old]

    def test_accepting_compares_with_now_and_pins_it(self, clock, memory):
        old, new = (262, 1, 0, 4), (264, 0, 0, 1)
        self._look(clock, memory, old)
        assert self._look(clock, memory, new, accept=True) == [new]
        assert [pin.version for pin in memory.load_pins()] == [new]

    def test_a_package_of_a_new_namespace_is_pinned_when_it_is_first_seen(self, clock, memory):
        done = _stored(clock, memory, "pass")
        more = replace(done, pins=(*done.pins, replace(done.pins[0], namespace="blng")))
        remember(more, memory, report={}, accept_packages=False)
        assert [pin.namespace for pin in memory.load_pins()] == ["SBQQ", "blng"]

    def test_packages_that_cannot_be_read_leave_the_pins_alone(self, clock, memory):
        done = _stored(clock, memory, "pass")
        remember(replace(done, pins=None), memory, report={}, accept_packages=True)
        assert len(memory.load_pins()) == 1
