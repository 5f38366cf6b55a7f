"""Bugs planted in the service: what it takes in, how much, and who may write."""

from __future__ import annotations

import contextlib
from concurrent.futures import Future, InvalidStateError
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from connector.flows.service import Window
from connector.service.backlog import Backlog
from connector.service.lease import LeaseKeeper
from connector.store import backup, database, events
from connector.stripe import events as stripe_events
from connector.stripe import received
from connector.stripe.payments import PaymentReader
from connector.web import committing, receiver
from tests.simulation.planted_bug import Planted, always

if TYPE_CHECKING:
    import pytest

COMMITTING: Final = "tests/unit/web/test_committing.py"


def _answered_when_it_waits(patch: pytest.MonkeyPatch) -> None:
    """200 as soon as the event is in memory."""
    submit = committing.Committer.submit

    def at_once(self: Any, event: Any, signals: Any) -> Any:
        submit(self, event, signals)
        done: Future[None] = Future()
        done.set_result(None)
        return done

    patch.setattr(committing.Committer, "submit", at_once)


def _stored_behind_the_answer(patch: pytest.MonkeyPatch) -> None:
    """The senders are told, then it is stored."""
    store = committing.Committer._store

    def told_first(self: Any, batch: Any) -> None:
        for each in batch:
            each.stored.set_result(None)
        with contextlib.suppress(InvalidStateError):
            store(self, batch)

    patch.setattr(committing.Committer, "_store", told_first)


def _errors_are_good_news(patch: pytest.MonkeyPatch) -> None:
    """What the store could not keep is answered 200 all the same."""
    answer = receiver.Receiver._answer

    def kind(self: Any, status: int, text: str, counted: str, **given: Any) -> Any:
        return answer(self, 200, "stored", "stored") if status == 503 else answer(self, status, text, counted, **given)

    patch.setattr(receiver.Receiver, "_answer", kind)


def _deliveries_are_news(patch: pytest.MonkeyPatch) -> None:
    """An event that is known raises its signals again: looked at as often as it is delivered."""
    receive = events.SqlEventInbox.receive

    def again(self: Any, given: Any, *, shard_of: Any) -> int:
        number = receive(self, given, shard_of=shard_of)
        with self._database.write(self._scope_id) as tx:
            events.intake.record(tx, [each for _, raised in given for each in raised], [], shard_of=shard_of)
        return number

    patch.setattr(events.SqlEventInbox, "receive", again)


def _charges_are_payments(patch: pytest.MonkeyPatch) -> None:
    """Both events of one payment name a record of their own: its intent, and its charge, which paid the same."""
    subjects_of = stripe_events.subjects_of

    def as_its_intent(self: Any, form: Any, charge_id: str) -> Any:
        charge = self._fetch_item(form, charge_id)
        paid = self.fetch(charge["payment_intent"])
        return replace(paid, item={**paid.item, "id": charge_id})

    def named(event: Any) -> Any:
        if event["type"] == "charge.succeeded":
            return stripe_events.payment_subjects(event["data"]["object"]["id"])
        return subjects_of(event)

    patch.setattr(received, "subjects_of", named)
    patch.setattr(PaymentReader, "_fetch_charge", as_its_intent)


def _queue_without_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(committing.queue, "Queue", lambda maxsize: committing.queue.SimpleQueue())


def _bytes_without_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(committing.Committer, "_count", always(None))


def _backlog_without_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Backlog, "is_full", always(False))


def _lease_not_asked_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(database, "require_held", always(None))


def _time_not_watched(patch: pytest.MonkeyPatch) -> None:
    """That the lease ran out is found when a renewal fails, which it may never do."""
    patch.setattr(LeaseKeeper, "_watch", always(None))


def _dead_taken_for_alive(patch: pytest.MonkeyPatch) -> None:
    """What a drain sent may be under way for ever, although it has ended."""

    @contextlib.contextmanager
    def working(self: Any, trace_id: str) -> Any:
        self._at_work.add(trace_id)
        yield

    patch.setattr(Window, "working", working)


def _restored_and_off(patch: pytest.MonkeyPatch) -> None:
    """A restored database goes on as if nothing had happened since."""
    patch.setattr(backup, "trip_all", always(None))


OF_THE_SERVICE: Final = (
    Planted(
        invariant="I5",
        bug="an event is answered 200 as soon as it waits",
        plant=_answered_when_it_waits,
        test=f"{COMMITTING}::test_the_answer_waits_for_the_commit",
    ),
    Planted(
        invariant="I5",
        bug="an event is answered 200 before it is committed",
        plant=_stored_behind_the_answer,
        test=f"{COMMITTING}::test_the_answer_waits_for_the_commit",
    ),
    Planted(
        invariant="I5",
        bug="what the store could not keep is answered 200",
        plant=_errors_are_good_news,
        test=f"{COMMITTING}::test_a_disk_that_keeps_nothing_is_no_200_and_nothing_is_lost_when_it_is_well_again",
    ),
    Planted(
        invariant="I6",
        bug="an event that is delivered again is looked at again",
        plant=_deliveries_are_news,
        test="tests/contract/store/test_events.py::test_the_same_event_again_is_counted_and_raises_nothing[sqlite]",
    ),
    Planted(
        invariant="I6",
        bug="two events about one payment are two payments",
        plant=_charges_are_payments,
        test="tests/scenarios/test_webhooks.py::test_all_at_once_and_again_and_again_are_one_payment",
    ),
    Planted(
        invariant="I25",
        bug="events that wait to be stored are not counted",
        plant=_queue_without_end,
        test=f"{COMMITTING}::test_a_queue_that_is_full_takes_nothing_more_and_loses_nothing",
    ),
    Planted(
        invariant="I25",
        bug="their bytes are not counted",
        plant=_bytes_without_end,
        test=f"{COMMITTING}::test_bytes_that_wait_are_bounded_however_few_the_events_are",
    ),
    Planted(
        invariant="I25",
        bug="more is taken in however much waits to be looked at",
        plant=_backlog_without_end,
        test="tests/unit/service/test_backlog.py",
    ),
    Planted(
        invariant="I27",
        bug="a service that was replaced while it slept may still write",
        plant=_lease_not_asked_for,
        test="tests/contract/store/test_leases.py::test_a_process_that_woke_after_a_takeover_writes_nothing[sqlite]",
    ),
    Planted(
        invariant="I27",
        bug="a process whose renewal gets no answer works on beyond its lease",
        plant=_time_not_watched,
        test="tests/unit/service/test_lease_keeper.py"
        "::test_a_renewal_that_never_comes_back_does_not_hide_that_the_lease_ran_out",
    ),
    Planted(
        invariant="I4",
        bug="what a drain left in doubt is nobody's to end while its process lives",
        plant=_dead_taken_for_alive,
        test="tests/scenarios/test_shards_beside.py"
        "::test_what_a_drain_left_in_doubt_is_ended_by_the_next_one_and_by_nobody_while_it_is_at_work",
    ),
    Planted(
        invariant="I29",
        bug="a restored database may write at once",
        plant=_restored_and_off,
        test="tests/scenarios/test_backup.py::test_it_is_refused_too_when_nothing_was_done_since_and_no_mark_tells",
    ),
)
