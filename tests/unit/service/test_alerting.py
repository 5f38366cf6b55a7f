"""Messages leave once, survive a restart, and are tried again when they did not leave."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from connector.core.health import Reason, Word
from connector.service.alerting import Alerter, AlertThread, NotTold, poster
from connector.store import open_store
from tests.support.clock import ManualClock

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
REASON = Reason(code="lag", subject="invoice", word=Word.DEGRADED, text="invoice: 3 records wait")


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/state.sqlite", clock=ManualClock())
    yield store
    store.close()


def later(seconds):
    return NOW + timedelta(seconds=seconds)


def test_an_incident_is_told_once_over_restarts(store):
    told = []
    for seconds in (0, 60, 120):
        Alerter(store=store, post=lambda alert: told.append(alert.change.value)).look([REASON], now=later(seconds))
    Alerter(store=store, post=lambda alert: told.append(alert.change.value)).look([], now=later(180))
    assert told == ["opened", "closed"]


def test_what_did_not_leave_is_told_the_next_time(store):
    told = []

    def fail(_alert):
        raise NotTold("answered 500")

    Alerter(store=store, post=fail).look([REASON], now=NOW)
    with pytest.raises(NotTold):
        Alerter(store=store, post=fail).look([REASON], now=later(60))
    assert Alerter(store=store, post=told.append).look([REASON], now=later(61)) == 1
    assert len(told) == 1


OTHER = Reason(code="braked", subject="mass_void", word=Word.DEGRADED, text="brake mass_void is on")


def test_of_several_messages_those_that_left_are_not_told_again(store):
    told: list[tuple[str, str]] = []
    broken = {"lag"}

    def post(alert):
        if alert.incident.code in broken:
            raise NotTold("answered 500")
        told.append((alert.incident.code, alert.change.value))

    alerter = Alerter(store=store, post=post)
    alerter.look([REASON, OTHER], now=NOW)
    with pytest.raises(NotTold, match="1 of 2 messages did not leave: answered 500"):
        alerter.look([REASON, OTHER], now=later(60))
    assert told == [("braked", "opened")]
    broken.clear()
    assert alerter.look([REASON, OTHER], now=later(75)) == 1
    assert told[1:] == [("lag", "opened")]
    # over, and the message that says so does not leave at first
    broken.add("lag")
    with pytest.raises(NotTold):
        alerter.look([OTHER], now=later(90))
    broken.clear()
    assert alerter.look([OTHER], now=later(105)) == 1
    assert told[2:] == [("lag", "closed")]
    assert alerter.look([OTHER], now=later(120)) == 0


def test_a_receiver_that_does_not_answer_holds_nobody_up_and_the_newest_is_told_after_it(store):
    asked, let_go, told, failures = threading.Event(), threading.Event(), [], []

    def post(alert):
        asked.set()
        assert let_go.wait(60)
        told.append(alert.incident.code)

    Alerter(store=store, post=post).look([REASON], now=NOW)
    alerts = AlertThread(Alerter(store=store, post=post), failed=failures.append)
    alerts.start()
    alerts.hand_over([REASON], now=later(60))
    assert asked.wait(60)
    # while it hangs more is handed over, none of which waits
    for seconds in range(61, 200):
        alerts.hand_over([REASON], now=later(seconds))
    alerts.hand_over([], now=later(200))
    let_go.set()
    deadline = time.monotonic() + 60
    while len(told) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    alerts.stop(patience_s=60)
    assert told == ["lag", "lag"], "opened, and closed"
    assert failures == []


def test_what_goes_wrong_on_its_thread_is_handed_on_and_ends_nothing(store):
    failures, failed_twice = [], threading.Event()

    def post(_alert):
        raise NotTold("answered 500")

    def failed(error):
        failures.append(str(error))
        if len(failures) == 2:
            failed_twice.set()

    Alerter(store=store, post=post).look([REASON], now=NOW)
    alerts = AlertThread(Alerter(store=store, post=post), failed=failed)
    alerts.start()
    deadline = time.monotonic() + 60
    while not failed_twice.wait(0.01) and time.monotonic() < deadline:
        alerts.hand_over([REASON], now=later(60))
    alerts.stop(patience_s=60)
    assert failures[:2] == ["1 of 1 messages did not leave: answered 500"] * 2


class Receiver:
    def __init__(self, status=200):
        got = self.got = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(status)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()

            def log_message(self, *_args):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/secret-path"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def opened(store, post):
    alerter = Alerter(store=store, post=post)
    alerter.look([REASON], now=NOW)
    return alerter.look([REASON], now=later(60))


@pytest.mark.parametrize(("form", "key"), [("generic", "severity"), ("slack", "text"), ("teams", "attachments")])
def test_each_form_is_posted_as_json(store, form, key):
    with Receiver() as receiver:
        assert opened(store, poster(receiver.url, form=form, name="prod")) == 1
    assert key in receiver.got[0]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_an_answer_that_is_no_yes_did_not_leave_and_the_address_is_not_told(store, status):
    with Receiver(status) as receiver, pytest.raises(NotTold) as error:
        opened(store, poster(receiver.url, form="slack", name="prod"))
    assert "secret-path" not in str(error.value)
    assert len(receiver.got) == 1


def test_nobody_there_did_not_leave_either(store):
    with pytest.raises(NotTold, match="no answer"):
        opened(store, poster("http://127.0.0.1:1/secret-path", form="slack", name="prod"))


def test_who_was_replaced_since_tells_nothing(store):
    told = []
    Alerter(store=store, post=told.append).look([REASON], now=NOW)
    replaced = Alerter(store=store, post=told.append, may_tell=lambda: False)
    assert replaced.look([REASON], now=later(60)) == 0
    assert told == []


def test_who_dies_among_several_messages_has_the_rest_told_and_none_twice(store):
    told = []

    def post(alert):
        if told:
            raise SystemExit
        told.append(alert.incident.code)

    alerter = Alerter(store=store, post=post)
    alerter.look([REASON, OTHER], now=NOW)
    with pytest.raises(SystemExit):
        alerter.look([REASON, OTHER], now=later(60))
    Alerter(store=store, post=lambda alert: told.append(alert.incident.code)).look([REASON, OTHER], now=later(120))
    assert sorted(told) == ["braked", "lag"]
