"""How late it is at Stripe: told by a recent reply, asked for when that is old, never taken from our clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connector.stripe.server_clock import FRESH_S
from tests.support.clock import ManualClock
from tests.support.stripe import Script, answer, connect_to

NOON = "Sat, 21 Nov 2026 12:00:00 GMT"
ACCOUNT = {"id": "acct_1", "object": "account"}


def _system(clock: ManualClock, date: str | None = NOON) -> tuple[Script, object]:
    app = Script(lambda _: answer(ACCOUNT, headers={"Date": date} if date else {}))
    return app, connect_to(app, clock=clock)


def test_it_is_what_the_last_reply_said_whatever_our_clock_says():
    clock = ManualClock(datetime(2020, 1, 1, tzinfo=UTC))
    app, system = _system(clock)
    assert system.now() == datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert system.now() == datetime(2026, 11, 21, 12, tzinfo=UTC)
    assert len(app.requests) == 1


def test_it_is_asked_for_again_when_the_last_reply_is_old():
    clock = ManualClock()
    app, system = _system(clock)
    system.now()
    clock.advance(timedelta(seconds=FRESH_S + 1))
    system.now()
    assert len(app.requests) == 2


def test_it_is_asked_for_again_when_our_clock_was_put_forward_or_back():
    clock = ManualClock()
    app, system = _system(clock)
    for moved in (timedelta(days=1), timedelta(days=-1)):
        system.now()
        clock.set_wall(clock.now() + moved)
    system.now()
    assert len(app.requests) == 3


def test_a_server_that_tells_no_time_leaves_ours():
    clock = ManualClock()
    _, system = _system(clock, None)
    assert system.now() == clock.now()
    _, system = _system(clock, "soon")
    assert system.now() == clock.now()
