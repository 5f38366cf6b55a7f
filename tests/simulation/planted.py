"""One bug for each invariant of `invariants.md`, planted on purpose, and what must catch it.

A green run proves little unless each of these turns it red. A bug is caught by seeded runs of the simulation
or by a named test; both are run with the bug in place.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from connector.config import field_rules
from connector.core import brake, chain, diff, money, retry, settle
from connector.core.currencies import CURRENCIES
from connector.core.lifecycle import allocation, invoice, invoice_birth
from connector.core.model import Side, Verdict
from connector.core.quota import QuotaShares
from connector.flows import connect, drain, marks, perform, recover
from connector.runtime import redaction
from connector.salesforce import soql, writes
from connector.store import links, migrate
from connector.store import settle as store_settle
from connector.store.store import SqlStore
from connector.stripe import polls
from connector.stripe.writes import Writer
from tests.simulation.planted_bug import Planted, always
from tests.simulation.planted_service import OF_THE_SERVICE

if TYPE_CHECKING:
    import pytest

#: they come with the issue of the same name
LATER: Final = {
    "I33": "RBAC complete: the web face",
}


def _random_keys(patch: pytest.MonkeyPatch) -> None:
    fresh, plan = count(), Writer._plan

    def with_a_key_of_its_own(self: Writer, operation: Any) -> Any:
        step, call = plan(self, operation)
        if call.idempotency_key is not None:
            object.__setattr__(call, "idempotency_key", f"random-{next(fresh)}")
        return step, call

    patch.setattr(Writer, "_plan", with_a_key_of_its_own)


def _old_keys_trusted(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(recover, "may_resend", always(True))


def _rendered_again(patch: pytest.MonkeyPatch) -> None:
    def job(*, subject: Any, operation: Any) -> Any:
        body = operation.body.replace(b'"metadata":', b'"description":"rendered again","metadata":')
        return perform.Job(subject=subject, operation=replace(operation, body=body))

    patch.setattr(recover, "Job", job)


def _nobody_recovers(patch: pytest.MonkeyPatch) -> None:
    """What was left in doubt stays in doubt: its pair is never written again."""
    patch.setattr("connector.flows.sync.recover", always(0))


def _keyset_without_id(patch: pytest.MonkeyPatch) -> None:
    after = soql.after
    patch.setattr(
        soql, "after", lambda path, stamp, record_id: after(path, stamp, None if record_id is None else "zzz")
    )


def _cursor_first(patch: pytest.MonkeyPatch) -> None:
    record = SqlStore.record_signals

    def apart(self: Any, signals: Any, cursors: Any, *, shard_of: Any) -> int:
        record(self, [], cursors, shard_of=shard_of)
        return record(self, signals, [], shard_of=shard_of)

    patch.setattr(SqlStore, "record_signals", apart)


def _no_gap(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(polls, "EVENTS_KEPT_S", 10**12)


def _absent_is_deleted(patch: pytest.MonkeyPatch) -> None:
    refusal = writes._refusal
    patch.setattr(writes, "_refusal", lambda error, **_: refusal(error, gone=True))


def _status_not_written_back(patch: pytest.MonkeyPatch) -> None:
    whole = invoice.diff

    def without_status(*args: Any, **kwargs: Any) -> Any:
        return tuple(change for change in whole(*args, **kwargs) if change.field != "status")

    patch.setattr(invoice, "diff", without_status)


def _one_shadow(patch: pytest.MonkeyPatch) -> None:
    applied = settle.applied

    def shared(mapping: Any, link: Any, operation: Any, outcome: Any, context: Any) -> Any:
        settled = applied(mapping, link, operation, outcome, context)
        if operation.target is Side.STRIPE:
            one = {name: (pair[0], pair[0]) for name, pair in settled.shadow.items()}
            object.__setattr__(settled, "shadow", one)
        return settled

    patch.setattr(settle, "applied", shared)


def _signals_raised_meanwhile_forgotten(patch: pytest.MonkeyPatch) -> None:
    """All of the record's signals are over once one of them was looked at, whatever came since."""

    def all_of_the_record(tx: Any, seen: Any) -> None:
        from sqlalchemy import delete

        from connector.store.tables import signal

        for stored in seen:
            key = stored.signal.key
            tx.connection.execute(
                delete(signal).where(
                    signal.c.record_id == key.id, signal.c.kind == key.kind, signal.c.side == key.side.value
                )
            )

    patch.setattr("connector.store.signals.forget", all_of_the_record)


def _no_conflicts(patch: pytest.MonkeyPatch) -> None:
    judge = diff.judge

    def silent(rule: Any, x: Any, y: Any, seen: Any) -> Any:
        verdict = judge(rule, x, y, seen)
        return None if verdict is not None and verdict[0] is Verdict.CONFLICT else verdict

    patch.setattr(diff, "judge", silent)


def _children_first(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(drain, "pull_in", always([]))
    patch.setattr(store_settle, "_freed", always(()))


def _allocated_twice_over(patch: pytest.MonkeyPatch) -> None:
    exact = allocation.from_minor
    patch.setattr(allocation, "from_minor", lambda minor, currency, table: exact(minor, currency, table) * 2)


def _binary_fractions(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        money, "to_minor", lambda amount, currency, table: int(float(amount) * 10 ** _digits(currency, table))
    )


def _digits(currency: str, table: Any) -> int:
    return {"jpy": 0}.get(money.currency_code(currency), 2)


def _unknown_is_two_decimals(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(money, "_rule", lambda currency, table: table.get(currency.lower()) or CURRENCIES["usd"])


def _final_whatever_it_says(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(invoice_birth, "wanted_minor", _as_stripe_says)


def _as_stripe_says(view: Any) -> tuple[int, int]:
    if view.stripe is not None and "total" in view.stripe.fields:
        total = int(view.stripe.fields["total"])
        return total, 0
    return 0, 0


def _void_whatever_was_paid(patch: pytest.MonkeyPatch) -> None:
    withdrawn = invoice._withdrawn

    def careless(view: Any, value: str) -> Any:
        decision = withdrawn(view, value)
        if isinstance(decision, invoice.Park):
            assert view.stripe is not None
            return invoice.Act(target=Side.STRIPE, action="void", target_id=view.stripe.id, body={}, destructive=True)
        return decision

    patch.setattr(invoice, "_withdrawn", careless)


def _another_org_is_welcome(patch: pytest.MonkeyPatch) -> None:
    """Whoever answers is taken for the pair this store belongs to."""

    def take(pinned: Any, identity: Any) -> bool:
        del pinned, identity
        return False

    patch.setattr(connect.Identity, "__ne__", take)


def _one_bad_row_fails_all(patch: pytest.MonkeyPatch) -> None:
    def together(self: Any, group: Any, error: Any) -> None:
        for row in group:
            self._settle(row, writes._refusal(error, gone=False))

    patch.setattr(writes._Batch, "_part", together)


def _age_by_our_clock(patch: pytest.MonkeyPatch) -> None:
    from connector.flows.workspace import Workspace

    patch.setattr(Workspace, "now_at", lambda self, _side: self.clock.now())


def _nobody_is_fenced(patch: pytest.MonkeyPatch) -> None:
    from sqlalchemy import true

    patch.setattr(links, "_is_next", lambda _new, _stored: true())
    patch.setattr(links, "_is_not_older", lambda _new, _stored: true())


def _no_brakes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(brake, "decide_counts", always(()))


def _marks_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A store that does not know the marks both systems carry is taken for a new one."""
    patch.setattr(marks, "unknown_marks", always([]))


def _upgrade_in_pieces(patch: pytest.MonkeyPatch) -> None:
    run = migrate._run_migrations

    def committing(connection: Any, current: Any, place: str) -> None:
        connection.commit()
        run(connection, current, place)

    patch.setattr(migrate, "_run_migrations", committing)


def _secrets_shown(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(redaction, "redact_text", lambda text: text)
    patch.setattr(redaction, "redact_secrets", lambda text: text)


def _cards_welcome(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(field_rules, "is_forbidden", always(False))


def _quota_used_up(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(QuotaShares, "may_go_on", always(True))


def _rows_without_their_words(patch: pytest.MonkeyPatch) -> None:
    canonical = chain._canonical
    patch.setattr(chain, "_canonical", lambda row: canonical(replace(row, detail_json="{}")))


def _calls_inside_a_transaction(patch: pytest.MonkeyPatch) -> None:
    run_jobs = perform.run_jobs

    def held(workspace: Any, jobs: Any, report: Any) -> Any:
        with workspace.store._database.read(1):
            return run_jobs(workspace, jobs, report)

    patch.setattr(perform, "run_jobs", held)


def _attempts_never_end(patch: pytest.MonkeyPatch) -> None:
    decide = retry.decide
    patch.setattr(retry, "decide", lambda policy, error, **given: decide(policy, error, **{**given, "attempt": 1}))


def _unaudited(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(store_settle, "_is_event", always(False))


ENDS_WELL: Final = "tests/simulation/test_ablations.py::test_with_all_rules_the_story_ends_well"

PLANTED: Final = (
    Planted(
        invariant="I1",
        bug="every request has a key of its own instead of its intent's",
        plant=_random_keys,
        test=f"{ENDS_WELL}[/v1/customers-keys live]",
    ),
    Planted(
        invariant="I2",
        bug="a key is trusted for ever",
        plant=_old_keys_trusted,
        test=f"{ENDS_WELL}[/v1/customers-keys pruned]",
    ),
    Planted(
        invariant="I3",
        bug="what is sent again is rendered again",
        plant=_rendered_again,
        test="tests/simulation/test_directed.py::test_a_lost_reply_is_asked_for_again_with_the_same_bytes",
    ),
    Planted(
        invariant="I4",
        bug="what was left in doubt is never brought to an end",
        plant=_nobody_recovers,
        test=f"{ENDS_WELL}[/v1/customers-keys live]",
    ),
    Planted(
        invariant="I7",
        bug="pages are continued behind a stamp, not behind a row",
        plant=_keyset_without_id,
        test="tests/unit/salesforce/test_salesforce_polls.py::test_many_rows_of_one_stamp_are_all_named_once_across_pages",
    ),
    Planted(
        invariant="I8",
        bug="the cursor moves in a transaction before its signals",
        plant=_cursor_first,
        test="tests/contract/store/test_signals.py::test_a_cursor_does_not_move_when_its_signals_cannot_be_stored[sqlite]",
    ),
    Planted(
        invariant="I9",
        bug="events that Stripe has forgotten are not missed",
        plant=_no_gap,
        test="tests/scenarios/test_lost_events.py::test_a_month_without_a_pass_is_told_once_and_made_up_for",
    ),
    Planted(
        invariant="I10",
        bug="a refusal that may mean deleted is taken for it, without a look",
        plant=_absent_is_deleted,
        test="tests/unit/salesforce/test_salesforce_writes.py::test_a_bad_reference_does_not_make_the_record_gone",
    ),
    Planted(
        invariant="I11",
        bug="a moved status is not written back",
        plant=_status_not_written_back,
        seeds=tuple(range(40)),
    ),
    Planted(
        invariant="I12",
        bug="one shared value instead of a pair is remembered of a field",
        plant=_one_shadow,
        seeds=tuple(range(40)),
    ),
    Planted(
        invariant="I13",
        bug="a signal raised while its record was looked at is forgotten with the earlier one",
        plant=_signals_raised_meanwhile_forgotten,
        test="tests/contract/store/test_signals.py::test_a_signal_raised_during_a_drain_is_not_forgotten_with_the_one_that_was_seen[sqlite]",
    ),
    Planted(
        invariant="I14",
        bug="what both sides changed is nobody's business",
        plant=_no_conflicts,
        test="tests/unit/core/test_diff.py::test_first_sight",
    ),
    Planted(
        invariant="I15",
        bug="a missing parent is not made, and its coming wakes nobody",
        plant=_children_first,
        seeds=tuple(range(5)),
    ),
    Planted(
        invariant="I16",
        bug="twice the amount is allocated",
        plant=_allocated_twice_over,
        seeds=tuple(range(40)),
    ),
    Planted(
        invariant="I17",
        bug="money travels as a binary fraction",
        plant=_binary_fractions,
        test="tests/unit/core/test_money.py::test_minor_units_survive_the_way_there_and_back",
    ),
    Planted(
        invariant="I18",
        bug="an unknown currency has two decimals",
        plant=_unknown_is_two_decimals,
        test="tests/golden",
    ),
    Planted(
        invariant="I19",
        bug="a draft is finalised whatever it adds up to",
        plant=_final_whatever_it_says,
        test="tests/scenarios/test_invoice.py::test_a_draft_with_another_total_is_not_finalised",
    ),
    Planted(
        invariant="I20",
        bug="an invoice that holds money is voided",
        plant=_void_whatever_was_paid,
        test="tests/scenarios/test_invoice_afterwards.py::test_cancelled_with_a_payment_parks_and_is_not_voided",
    ),
    Planted(
        invariant="I21",
        bug="another org or account is taken for the one this store belongs to",
        plant=_another_org_is_welcome,
        test="tests/scenarios/test_connect.py::test_another_pair_than_the_one_this_store_belongs_to_is_refused",
    ),
    Planted(
        invariant="I22",
        bug="every attempt counts as the first",
        plant=_attempts_never_end,
        test="tests/unit/core/test_retry.py::test_attempts_end",
    ),
    Planted(
        invariant="I23",
        bug="a call refused because of one row refuses its neighbours",
        plant=_one_bad_row_fails_all,
        test="tests/unit/salesforce/test_salesforce_writes.py::test_a_call_refused_as_a_whole_fails_only_the_row_it_is_about",
    ),
    Planted(
        invariant="I24",
        bug="however many would be voided or changed, a pass goes on",
        plant=_no_brakes,
        test="tests/unit/core/test_brake.py",
    ),
    Planted(
        invariant="I26",
        bug="the age of a key is told by our own clock",
        plant=_age_by_our_clock,
        test="tests/simulation/test_directed.py::test_a_clock_put_back_or_forward_does_not_make_an_old_key_young",
    ),
    Planted(
        invariant="I27",
        bug="a worker that was overtaken may still write",
        plant=_nobody_is_fenced,
        test="tests/contract/store/test_operations.py::test_what_another_worker_made_meanwhile_is_not_made_again_under_a_higher_revision[sqlite]",
    ),
    Planted(
        invariant="I28",
        bug="the day's calls are used up to the last one",
        plant=_quota_used_up,
        test="tests/unit/core/test_quota.py::test_money_goes_on_after_the_catalogue_has_stopped",
    ),
    Planted(
        invariant="I29",
        bug="a lost store takes both systems for new",
        plant=_marks_forgotten,
        test="tests/simulation/test_lost_store.py::test_a_lost_store_is_rebuilt_from_the_marks_and_nothing_is_born",
    ),
    Planted(
        invariant="I30",
        bug="an upgrade that breaks off leaves half of it behind",
        plant=_upgrade_in_pieces,
        test="tests/contract/store/test_migrations.py::test_a_migration_that_breaks_off_leaves_nothing_behind[sqlite]",
    ),
    Planted(
        invariant="I31",
        bug="secrets are shown as they are",
        plant=_secrets_shown,
        test="tests/unit/runtime/test_redaction.py::test_a_secret_is_found_in_any_text",
    ),
    Planted(
        invariant="I32",
        bug="what a row of the trail says is not part of its seal",
        plant=_rows_without_their_words,
        test="tests/unit/core/test_chain.py",
    ),
    Planted(
        invariant="I34",
        bug="a mapping may carry card numbers",
        plant=_cards_welcome,
        test="tests/unit/config/test_mapping_loader.py::test_a_broken_place_is_found_named_and_located",
    ),
    Planted(
        invariant="no call inside a transaction",
        bug="a transaction stays open while calls go out",
        plant=_calls_inside_a_transaction,
        seeds=(0,),
    ),
    Planted(
        invariant="every write has its audit row",
        bug="what was settled is not written down",
        plant=_unaudited,
        seeds=(0,),
    ),
    *OF_THE_SERVICE,
)
