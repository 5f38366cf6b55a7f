"""Polls against the simulated org; the page size is small so that every path is walked."""

from datetime import timedelta

import pytest

from connector.core.model import Side
from connector.salesforce import polls, soql
from connector.salesforce.streams import Position, read_position, streams_of
from tests.support.salesforce import Bench, shipped_pack

#: the pack polls eleven objects, a composite call takes five queries
POLL_CALLS = 3
ALL = ("product", "customer", "quote", "invoice", "payment", "offline_payment")


class Poll:
    """Polls again and again, storing each page's cursors as a caller does."""

    def __init__(self, bench: Bench, *, kinds=ALL, **options):
        self.bench = bench
        self.kinds = kinds
        self.system = bench.connect(**options)
        self.cursors = {}
        self.pages = 0

    def __call__(self, *, stop_after: int | None = None):
        """Signals as {(kind, id): version}; with `stop_after` pages the caller dies there."""
        signals = {}
        self.pages = 0
        for page in self.system.changes(dict(self.cursors), kinds=self.kinds):
            for signal in page.signals:
                assert signal.key.side is Side.SALESFORCE
                signals[signal.key.kind, signal.key.id] = signal.version
            for cursor in page.cursors:
                before = self.cursors.get(cursor.stream)
                if before is not None:
                    assert read_position(cursor.value).stamp >= read_position(before.value).stamp, "a cursor moved back"
                self.cursors[cursor.stream] = cursor
            self.pages += 1
            if self.pages == stop_after:
                break
        return signals

    def calls(self):
        before = self.bench.org.counters["requests"]
        self()
        return self.bench.org.counters["requests"] - before


@pytest.fixture
def bench():
    return Bench()


@pytest.fixture
def small_pages(bench, monkeypatch):
    monkeypatch.setattr(soql, "PAGE_ROWS", 3)
    bench.org.max_page_size = 3
    return bench


def pass_time(bench, seconds=1):
    bench.clock.advance(timedelta(seconds=seconds))


def settled(bench):
    """A poll whose overlap holds nothing any more."""
    poll = Poll(bench)
    for _ in range(2):
        poll()
        pass_time(bench, 3600)
    assert poll() == {}
    return poll


def test_the_first_poll_names_every_record_with_its_version(bench):
    account = bench.account()
    invoice = bench.invoice(account, lines=2)
    version = bench.org.get("Account", account)["SystemModstamp"]
    assert Poll(bench)() == {("customer", account): version, ("invoice", invoice): version}


def test_the_version_is_the_one_a_fetch_answers(bench):
    account = bench.account()
    signals = Poll(bench)()
    assert bench.system.fetch("customer", [account])[account].version == signals["customer", account]


def test_a_changed_record_is_named_again_and_others_are_not(bench):
    account, other = bench.account(), bench.account()
    poll = settled(bench)
    bench.org.update("Account", account, {"Name": "New"})
    pass_time(bench)
    signals = poll()
    assert ("customer", account) in signals
    assert ("customer", other) not in signals


def test_a_deleted_record_is_named(bench):
    account = bench.account()
    poll = settled(bench)
    bench.org.delete("Account", account)
    pass_time(bench)
    assert ("customer", account) in poll()


def test_a_child_names_its_parents_without_a_version(bench):
    invoice = bench.invoice(bench.account())
    bench.org.engine.rollups_move_modstamp = False
    poll = settled(bench)
    line = bench.line(invoice)
    pass_time(bench)
    signals = poll()
    assert ("invoice", invoice) in signals
    pass_time(bench, 3600)
    poll()
    bench.org.delete("blng__InvoiceLine__c", line)
    pass_time(bench)
    assert ("invoice", invoice) in poll()


def test_a_changed_contact_names_its_account(bench):
    account = bench.account()
    contact = bench.org.create("Contact", {"LastName": "Roe", "AccountId": account, **bench.currency()})
    bench.org.update("Account", account, {"blng__BillToContact__c": contact})
    poll = settled(bench)
    bench.org.update("Contact", contact, {"Email": "new@acme.example"})
    pass_time(bench)
    assert poll() == {("customer", account): None}


def test_objects_of_two_kinds_give_a_signal_for_each(bench):
    account = bench.account()
    payment = bench.org.create(
        "blng__Payment__c", {"blng__Account__c": account, "blng__Amount__c": 5, **bench.currency()}
    )
    assert {("payment", payment), ("offline_payment", payment)} <= Poll(bench)().keys()


def test_an_allocation_names_its_invoice_and_both_kinds_of_its_payment(bench):
    account = bench.account()
    invoice = bench.invoice(account, lines=1)
    payment = bench.org.create(
        "blng__Payment__c", {"blng__Account__c": account, "blng__Amount__c": 5, **bench.currency()}
    )
    poll = settled(bench)
    bench.org.create(
        "blng__PaymentAllocationInvoice__c",
        {
            "blng__Payment__c": payment,
            "blng__Invoice__c": invoice,
            "blng__Amount__c": 5,
            "blng__Type__c": "Allocation",
            **bench.currency(),
        },
    )
    pass_time(bench)
    assert {("invoice", invoice), ("payment", payment), ("offline_payment", payment)} <= poll().keys()


def test_many_rows_of_one_stamp_are_all_named_once_across_pages(small_pages):
    accounts = {small_pages.account(f"A{place}") for place in range(11)}
    poll = Poll(small_pages)
    assert {record_id for kind, record_id in poll() if kind == "customer"} == accounts
    assert poll.pages > 3


def test_a_burst_longer_than_a_page_is_named_whole(small_pages):
    poll = settled(small_pages)
    accounts = set()
    for _ in range(10):
        accounts.add(small_pages.account())
        pass_time(small_pages)
    assert {record_id for _, record_id in poll()} == accounts


def test_a_caller_that_dies_between_pages_loses_nothing(small_pages):
    accounts = {small_pages.account(f"A{place}") for place in range(11)}
    seen = set()
    poll = Poll(small_pages)
    for stop_after in (1, 1, 2, 1, None):
        seen |= {record_id for _, record_id in poll(stop_after=stop_after)}
    assert seen == accounts


def test_rows_that_change_while_pages_are_read_are_named_by_the_next_poll(small_pages):
    accounts = [small_pages.account(f"A{place}") for place in range(8)]
    poll = Poll(small_pages, kinds=["customer"])
    for page in poll.system.changes({}, kinds=["customer"]):
        pass_time(small_pages)
        small_pages.org.update("Account", accounts[0], {"Name": "again"})
        for cursor in page.cursors:
            poll.cursors[cursor.stream] = cursor
    pass_time(small_pages)
    assert ("customer", accounts[0]) in poll()


def test_a_row_that_becomes_visible_late_is_found_within_the_overlap(bench):
    poll = settled(bench)
    account = bench.account()
    moment = bench.org.get("Account", account)["SystemModstamp"]
    row = bench.org.database.tables["Account"].rows.pop(account)  # committed, and not visible yet
    pass_time(bench, 30)
    assert poll() == {}
    bench.org.database.tables["Account"].rows[account] = row
    pass_time(bench, 20)
    assert poll() == {("customer", account): moment}


def test_the_overlap_is_read_before_the_first_cursor_as_well(bench):
    account = bench.account()
    row = bench.org.database.tables["Account"].rows.pop(account)  # committed, and not visible yet
    pass_time(bench, 30)
    poll = Poll(bench)
    assert poll() == {}
    bench.org.database.tables["Account"].rows[account] = row
    pass_time(bench, 20)
    assert ("customer", account) in poll()


def test_rows_younger_than_the_margin_are_left_to_a_later_poll(bench):
    poll = Poll(bench, margin_s=5)
    poll()
    account = bench.account()
    pass_time(bench, 3)
    assert poll() == {}
    pass_time(bench, 3)
    assert ("customer", account) in poll()


@pytest.mark.parametrize("margin_s", [0, 5])
def test_an_idle_poll_names_nothing_and_costs_the_same_whatever_was_written(small_pages, margin_s):
    poll = Poll(small_pages, margin_s=margin_s)
    poll()
    pass_time(small_pages, 60)
    accounts = {small_pages.account(f"A{place}") for place in range(20)}
    pass_time(small_pages, 10)
    before = small_pages.org.counters["requests"]
    assert {record_id for _, record_id in poll()} == accounts
    assert small_pages.org.counters["requests"] - before > 5, "pages must be small, or this test shows nothing"
    for _ in range(4):
        pass_time(small_pages)
        assert poll.calls() == POLL_CALLS
        assert poll() == {}
    pass_time(small_pages, 3600)
    assert poll.calls() == POLL_CALLS


@pytest.mark.parametrize("every_s", [2, 7, 45, 100])
def test_a_poll_stays_idle_while_the_overlap_moves_past_what_was_written(small_pages, every_s):
    """The rows of a long pass leave the overlap one after the other; none is read again for that."""
    poll = Poll(small_pages)
    poll()
    pass_time(small_pages, 200)
    for place in range(20):
        small_pages.account(f"A{place}")
        pass_time(small_pages, 2)
    poll()
    for _ in range(30):
        pass_time(small_pages, every_s)
        assert poll.calls() == POLL_CALLS


def test_a_change_is_noticed_while_the_overlap_moves(small_pages):
    poll = Poll(small_pages)
    poll()
    accounts = []
    for place in range(20):
        accounts.append(small_pages.account(f"A{place}"))
        pass_time(small_pages, 13)
    poll()
    for each in accounts:
        pass_time(small_pages, 10)
        assert poll() == {}
        small_pages.org.update("Account", each, {"Name": "again"})
        pass_time(small_pages)
        assert ("customer", each) in poll()


def test_among_many_fresh_rows_one_more_change_is_noticed(small_pages):
    poll = Poll(small_pages)
    poll()
    accounts = [small_pages.account(f"A{place}") for place in range(9)]
    pass_time(small_pages, 10)
    poll()
    pass_time(small_pages)
    small_pages.org.update("Account", accounts[4], {"Name": "again"})
    pass_time(small_pages)
    assert ("customer", accounts[4]) in poll()


def test_two_changes_within_one_second_are_both_seen_even_with_a_poll_between(bench):
    account = bench.account()
    contact = bench.org.create("Contact", {"LastName": "Roe", "AccountId": account, **bench.currency()})
    bench.org.update("Account", account, {"blng__BillToContact__c": contact})
    poll = settled(bench)
    bench.org.update("Contact", contact, {"Email": "one@acme.example"})
    assert ("customer", account) in poll()
    bench.org.update("Contact", contact, {"Email": "two@acme.example"})
    assert ("customer", account) in poll()


def test_the_cursor_never_moves_back_when_the_servers_clock_does(bench):
    poll = settled(bench)
    before = dict(poll.cursors)
    bench.clock.sandbox.advance(timedelta(seconds=-300))
    poll()
    for stream, cursor in poll.cursors.items():
        assert read_position(cursor.value).stamp == read_position(before[stream].value).stamp


def test_a_kind_alone_reads_only_what_feeds_it_but_passes_over_no_signal(bench):
    account = bench.account()
    invoice = bench.invoice(account)
    poll = Poll(bench, kinds=["invoice"])
    assert poll().keys() == {("invoice", invoice)}
    assert {"blng__Invoice__c", "blng__InvoiceLine__c", "blng__PaymentAllocationInvoice__c"} <= poll.cursors.keys()
    assert not {"Account", "Product2", "SBQQ__Quote__c", "blng__Payment__c"} & poll.cursors.keys()


def test_children_are_not_read_from_the_beginning_when_their_parents_are(bench):
    invoice = bench.invoice(bench.account(), lines=3)
    poll = Poll(bench)
    before = bench.org.counters["requests"]
    assert ("invoice", invoice) in poll()
    assert bench.org.counters["requests"] - before == 2  # the sign-in, and one call for the five objects of the pack
    pass_time(bench)
    bench.line(invoice)
    pass_time(bench)
    assert ("invoice", invoice) in poll()


def test_children_are_read_from_the_beginning_when_their_parents_were_read_before(bench):
    invoice = bench.invoice(bench.account(), lines=1)
    poll = settled(bench)
    del poll.cursors["blng__InvoiceLine__c"]
    assert poll() == {("invoice", invoice): None}


def test_streams_are_own_objects_first_and_none_twice():
    streams = streams_of(shipped_pack(), ALL)
    names = [stream.name for stream in streams]
    assert len(names) == len(set(names))
    owned = [stream.is_own for stream in streams]
    assert owned == sorted(owned, reverse=True)
    assert "Account:blng__BillToContact__r.SystemModstamp" in names


def test_a_position_is_read_as_it_was_written():
    moment = soql.parse_stamp("2026-11-02T09:00:00.125+0000")
    for position in (
        Position(stamp=moment),
        Position(stamp=moment, last_id="0015500001QdRaYAAV"),
        Position(stamp=moment, probe_since=moment - timedelta(minutes=1), probe_digest="abc"),
    ):
        assert read_position(position.text()) == position


def test_an_idle_pass_of_the_whole_pack_is_four_calls(bench):
    poll = settled(bench)
    before = bench.org.counters["requests"]
    poll.system.identify()
    poll.system.check()
    poll()
    assert bench.org.counters["requests"] - before == 1 + POLL_CALLS
    assert polls.QUERIES_MAX == 5
