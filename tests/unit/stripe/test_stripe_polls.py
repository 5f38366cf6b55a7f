"""Changes since the cursors, read from a simulated account."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.core.model import Key, Side
from connector.sandbox.stripe.account import Account
from tests.support.stripe import ORG_ID, Script, StepClock, answer, connect_to, form_of, operation, outcomes_of

EVERYTHING = ("product", "customer", "quote", "invoice", "payment", "offline_payment")


class Poll:
    """An account and what a connector reads from it, pass after pass."""

    def __init__(self, app, clock, **settings):
        self.clock = clock
        self.system = connect_to(app, clock=clock, **settings)
        self.cursors = {}

    def run(self, kinds=EVERYTHING):
        """One pass; each page is stored before the next is asked for. Returns the signals and the calls made."""
        before, signals = self.system.calls, []
        for page in self.system.changes(self.cursors, kinds=kinds):
            signals += page.signals
            self.cursors |= {cursor.stream: cursor for cursor in page.cursors}
        return signals, self.system.calls - before

    def keys(self):
        return {str(signal.key) for signal in self.run()[0]}


@pytest.fixture
def clock():
    return StepClock()


@pytest.fixture
def account(clock):
    return Account(clock=clock, seed=7, rate_per_second=None, endpoint_rate_per_second=None)


@pytest.fixture
def poll(account, clock):
    return Poll(account, clock, api_key=account.api_key)


def customer(poll, name, **settings):
    each = operation("customer", "create", {"name": name}, born_id=f"001{name:0>12}AAA", **settings)
    (outcome,) = outcomes_of(poll.system, [each])
    return outcome.target_id


def test_an_empty_account_costs_one_call_per_list_and_then_two(poll):
    assert poll.run() == ([], 8)
    assert set(poll.cursors) == {"events", "payment_records"}
    assert poll.run() == ([], 2)


def test_the_first_run_names_everything_that_is_there(poll):
    customers = [customer(poll, f"c{number}") for number in range(3)]
    signals, _ = poll.run()
    assert {signal.key.id for signal in signals} == set(customers)
    assert {signal.cause for signal in signals} == {"first"}


def test_nothing_is_named_twice(poll):
    customer(poll, "before")
    poll.run()
    after = customer(poll, "after")
    assert poll.keys() == {f"stripe customer {after}"}
    assert poll.run() == ([], 2)


def test_a_signal_carries_the_key_of_the_request_that_caused_it(poll):
    poll.run()
    customer(poll, "ours", idempotency_key="connector-abc")
    (signal,), _ = poll.run()
    assert (signal.caused_by, signal.cause) == ("connector-abc", "event")


def test_two_causes_of_one_record_are_two_signals_so_that_a_foreign_one_cannot_hide_behind_ours(poll):
    poll.run()
    target_id = customer(poll, "ours", idempotency_key="connector-1")
    outcomes_of(
        poll.system,
        [operation("customer", "update", {"name": "x"}, target_id=target_id, idempotency_key="somebody-else")],
    )
    signals, _ = poll.run()
    assert sorted(signal.caused_by for signal in signals) == ["connector-1", "somebody-else"]
    assert {signal.key for signal in signals} == {Key(side=Side.STRIPE, kind="customer", id=target_id)}


def test_a_quiet_account_costs_two_calls_even_right_after_a_burst(poll):
    poll.run()
    made = {customer(poll, f"n{number}") for number in range(250)}
    signals, calls = poll.run()
    assert {signal.key.id for signal in signals} == made
    assert calls == 4
    assert poll.run() == ([], 2)


def test_pages_before_the_last_do_not_move_the_cursor(poll):
    """The caller may die after any page; what it did not read must come again."""
    poll.run()
    made = {customer(poll, f"n{number}") for number in range(150)}
    pages = poll.system.changes(poll.cursors, kinds=EVERYTHING)
    assert next(pages).cursors == ()
    pages.close()
    assert {signal.key.id for signal in poll.run()[0]} == made


@pytest.mark.parametrize("died_after", range(8))
def test_a_first_run_that_dies_anywhere_starts_again(poll, died_after):
    made = customer(poll, "a")
    pages = poll.system.changes({}, kinds=EVERYTHING)
    for _ in range(died_after):
        poll.cursors |= {cursor.stream: cursor for cursor in next(pages).cursors}
    seen_before = poll.cursors != {}
    later = customer(poll, "b")
    found = {signal.key.id for signal in poll.run()[0]}
    assert later in found
    assert made in found or seen_before


def test_what_happens_during_the_first_run_is_not_missed(poll):
    customer(poll, "before")
    pages = poll.system.changes({}, kinds=EVERYTHING)
    next(pages)
    during = customer(poll, "during")
    for page in pages:
        poll.cursors |= {cursor.stream: cursor for cursor in page.cursors}
    assert poll.keys() == {f"stripe customer {during}"}


def test_an_event_that_shows_up_late_among_older_ones_is_still_read(clock):
    """Events are listed by creation time; one may become visible after a younger one."""

    def event(number, created):
        item = {"id": f"cus_{number}", "object": "customer"}
        return {
            "id": f"evt_{number}",
            "type": "customer.updated",
            "created": created,
            "data": {"object": item},
            "request": None,
        }

    now_s = int(clock.now().timestamp())
    listed = [event(1, now_s)]

    def lists(request):
        items = listed if request.path == "/v1/events" else []
        since = int(form_of(request).get("created[gte]", 0))
        data = sorted((each for each in items if each["created"] >= since), key=lambda each: -each["created"])
        return answer({"object": "list", "data": data, "has_more": False})

    poll = Poll(Script(lists), clock)
    poll.run()
    listed.append(event(2, now_s - 50))
    assert poll.keys() == {"stripe customer cus_2"}
    assert poll.keys() == set()


class Listed:
    """Events of customers as Stripe lists them: newest first, a hundred on a page."""

    def __init__(self, clock):
        self.now_s = int(clock.now().timestamp())
        self.events = []
        self.poll = Poll(Script(self._answer), clock)

    def add(self, name, created):
        self.events.append({"id": f"evt_{name}", "type": "customer.updated", "created": created, "request": None})
        self.events[-1]["data"] = {"object": {"id": f"cus_{name}", "object": "customer"}}

    def _answer(self, request):
        form = form_of(request)
        first, last = int(form.get("created[gte]", 0)), int(form.get("created[lte]", self.now_s + 3600))
        wanted = self.events if request.path == "/v1/events" else []
        data = [each for each in reversed(wanted) if first <= each["created"] <= last]
        data.sort(key=lambda each: -each["created"])
        place = next((n for n, each in enumerate(data, 1) if each["id"] == form.get("starting_after")), 0)
        return answer({"object": "list", "data": data[place : place + 100], "has_more": len(data) > place + 100})


@pytest.mark.parametrize("fresh", [0, 50, 95, 99, 100, 150, 195, 250, 295, 299])
def test_a_late_event_is_read_wherever_a_page_ends_between_those_seen_before(clock, fresh):
    listed = Listed(clock)
    for number in range(300):
        listed.add(number, listed.now_s - 30 + number // 10)
    listed.poll.run()
    listed.add("late", listed.now_s - 2)
    for number in range(fresh):
        listed.add(f"fresh{number}", listed.now_s)
    signals, calls = listed.poll.run()
    # and no older one a second time
    assert {signal.key.id for signal in signals} == {"cus_late"} | {f"cus_fresh{number}" for number in range(fresh)}
    assert calls <= (fresh + 101) // 100 + 1 + 1
    assert listed.poll.run() == ([], 2)


def test_a_late_event_is_read_behind_everything_seen_where_that_was_little(clock):
    listed = Listed(clock)
    listed.add("seen", listed.now_s)
    listed.poll.run()
    listed.add("late", listed.now_s - 5)
    for number in range(99):
        listed.add(f"fresh{number}", listed.now_s + 1)
    signals, _ = listed.poll.run()
    assert "cus_late" in {signal.key.id for signal in signals}


def test_a_month_of_silence_means_events_were_lost_and_everything_is_named_again(poll, clock):
    made = customer(poll, "a")
    poll.run()
    clock.advance(timedelta(days=28))
    assert poll.run() == ([], 2)
    clock.advance(timedelta(days=30))
    signals, _ = poll.run()
    assert [(signal.key.id, signal.cause) for signal in signals] == [(made, "gap")]


def test_a_quiet_month_with_polls_is_no_gap(poll, clock):
    customer(poll, "a")
    poll.run()
    for _ in range(4):
        clock.advance(timedelta(days=20))
        assert poll.run() == ([], 2)


def test_reading_again_from_a_moment_names_what_changed_since_and_nothing_older(poll, clock):
    customer(poll, "old")
    poll.run()
    clock.advance(timedelta(hours=2))
    since = clock.now() - timedelta(hours=1)
    new = customer(poll, "new")
    poll.run()
    again = [each for page in poll.system.changes(poll.cursors, kinds=EVERYTHING, since=since) for each in page.signals]
    assert [signal.key.id for signal in again] == [new]


def test_a_moment_older_than_the_events_that_are_kept_means_everything_and_is_no_gap(poll, clock):
    made = customer(poll, "a")
    poll.run()
    since = clock.now() - timedelta(days=60)
    pages = poll.system.changes(poll.cursors, kinds=EVERYTHING, since=since)
    assert {(each.key.id, each.cause) for page in pages for each in page.signals} == {(made, "first")}


def report(poll, born_id="a0P000000000001AAA"):
    now_s = int(poll.clock.now().timestamp())
    body = {
        "amount_requested": {"value": 700, "currency": "usd"},
        "initiated_at": now_s,
        "outcome": "guaranteed",
        "guaranteed": {"guaranteed_at": now_s},
        "payment_method_details": {"type": "custom", "custom": {"display_name": "Check"}},
        "metadata": {"salesforce_id": born_id, "salesforce_org": ORG_ID},
    }
    (outcome,) = outcomes_of(poll.system, [operation("offline_payment", "create", body, born_id=born_id)])
    return outcome.target_id


def test_payment_records_have_no_events_and_are_listed(poll, clock):
    poll.run()
    first = report(poll)
    both = {f"stripe payment {first}", f"stripe offline_payment {first}"}
    assert poll.keys() == both
    clock.advance(timedelta(seconds=30))
    second = report(poll, "a0P000000000002AAA")
    assert poll.keys() == {f"stripe payment {second}", f"stripe offline_payment {second}"}
    clock.advance(timedelta(hours=1))
    assert poll.run() == ([], 2)


def test_a_payment_record_of_the_same_second_as_the_newest_seen_is_read(poll):
    poll.run()
    report(poll)
    poll.run()
    same_second = report(poll, "a0P000000000002AAA")
    assert poll.keys() == {f"stripe payment {same_second}", f"stripe offline_payment {same_second}"}


def test_kinds_left_out_are_not_lost(poll):
    """All kinds share one stream: its cursor must not pass over events of a kind that was not asked for."""
    poll.run()
    made = customer(poll, "a")
    signals, _ = poll.run(kinds=("invoice",))
    assert [signal.key.id for signal in signals] == [made]


def test_without_kinds_nothing_is_read(poll):
    assert poll.run(kinds=()) == ([], 0)


@pytest.mark.parametrize("pause_s", [0, 1, 7])
def test_a_burst_is_read_by_several_at_once_and_whole(poll, clock, pause_s):
    customer(poll, "before")
    poll.run()
    clock.advance(timedelta(minutes=5))
    burst = set()
    for number in range(450):
        burst.add(customer(poll, f"burst{number}"))
        clock.advance(timedelta(seconds=pause_s))
    signals, calls = poll.run()
    assert {signal.key.id for signal in signals} == burst
    # three pages tell that it is a burst; each of the spans ends on a page that may not be full
    assert calls <= 3 + 5 + 16 + 1
    assert poll.run() == ([], 2)


@pytest.mark.parametrize("clock_ahead_s", [0, 3600, -3600])
def test_the_first_events_of_an_account_are_a_burst_as_well(poll, clock, clock_ahead_s):
    """No event tells where to begin, our own clock does; wrong by an hour it costs calls, not events."""
    clock.advance(timedelta(seconds=clock_ahead_s))
    poll.run()
    clock.advance(timedelta(seconds=-clock_ahead_s))
    burst = set()
    for number in range(1200):
        burst.add(customer(poll, f"burst{number}"))
        clock.advance(timedelta(seconds=number % 2))
    signals, calls = poll.run()
    assert {signal.key.id for signal in signals} == burst
    assert calls <= 3 + 12 + 17 + 1
    # 14 calls would be one page after the other
    assert calls > 14


def test_a_burst_of_a_few_seconds_after_a_quiet_week_is_divided_as_it_is_found(poll, clock):
    """Spans of equal time leave all of it to one reader; what is left of a full page goes to the idle ones."""
    customer(poll, "before")
    poll.run()
    clock.advance(timedelta(days=7))
    burst = set()
    for number in range(3000):
        burst.add(customer(poll, f"burst{number}"))
        clock.advance(timedelta(seconds=number % 50 == 0))
    signals, calls = poll.run()
    assert {signal.key.id for signal in signals} == burst
    # each of 8 spans, and each half of the week on the way to its last minute, may end on a page that is not full
    assert calls <= 3 + 31 + 8 + 14 + 8
    assert poll.run() == ([], 2)


def test_a_burst_moves_the_cursor_only_with_its_last_page(poll):
    customer(poll, "before")
    poll.run()
    for number in range(250):
        customer(poll, f"burst{number}")
    pages = list(poll.system.changes(poll.cursors, kinds=EVERYTHING))
    moved = [page for page in pages if any(cursor.stream == "events" for cursor in page.cursors)]
    events = [page for page in pages if page.signals]
    assert len(moved) == 1
    assert moved == events[-1:]
