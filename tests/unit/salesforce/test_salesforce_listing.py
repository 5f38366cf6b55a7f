"""Every record of a kind, page by page, the same as when it is asked for by its id."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.salesforce import soql
from tests.support.salesforce import Bench, shipped_pack


@pytest.fixture(scope="module")
def pack():
    return shipped_pack()


@pytest.fixture
def bench(pack):
    return Bench(pack=pack)


def listed(bench, kind, **options):
    return [record for page in bench.system.fetch_all(kind, **options) for record in page]


def test_a_listed_record_is_the_record_that_is_fetched(bench):
    account = bench.account()
    invoices = [bench.invoice(account, lines=count) for count in (0, 1, 3)]
    records = {record.id: record for record in listed(bench, "invoice")}
    for record_id, fetched in bench.system.fetch("invoice", invoices).items():
        found = records[record_id]
        # only a listing asks when the record was made
        assert found.created_at == bench.clock.now()
        fields = {name: value for name, value in found.fields.items() if name != "CreatedDate"}
        assert replace(found, fields=fields, created_at=None) == fetched
    assert set(records) == set(invoices)
    assert [len(records[each].lines) for each in invoices] == [0, 1, 3]


def test_without_lines_none_are_read(bench):
    account = bench.account()
    bench.invoice(account, lines=3)
    bench.system.identify()
    before = bench.org.counters["requests"]
    [record] = listed(bench, "invoice", lines=False)
    assert record.lines == ()
    assert bench.org.counters["requests"] - before == 1


def test_pages_follow_each_other_by_id_and_miss_none(bench, monkeypatch):
    account = bench.account()
    invoices = [bench.invoice(account) for _ in range(7)]
    monkeypatch.setattr(soql, "PAGE_ROWS", 3)
    pages = [[record.id for record in page] for page in bench.system.fetch_all("invoice")]
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [each for page in pages for each in page] == sorted(invoices)


def test_a_last_page_that_is_full_is_not_followed_by_an_empty_one(bench, monkeypatch):
    account = bench.account()
    for _ in range(4):
        bench.invoice(account)
    monkeypatch.setattr(soql, "PAGE_ROWS", 2)
    assert [len(page) for page in bench.system.fetch_all("invoice")] == [2, 2]


def test_a_page_is_asked_for_when_it_is_needed(bench, monkeypatch):
    account = bench.account()
    for _ in range(4):
        bench.invoice(account)
    monkeypatch.setattr(soql, "PAGE_ROWS", 2)
    pages = bench.system.fetch_all("invoice", lines=False)
    bench.system.identify()
    before = bench.org.counters["requests"]
    next(pages)
    assert bench.org.counters["requests"] - before == 1


def test_what_the_birth_condition_selects_and_what_carries_a_marker_is_listed(bench, monkeypatch):
    monkeypatch.setattr(soql, "PAGE_ROWS", 2)
    sold = bench.org.create("Product2", {"Name": "Seat", "IsActive": True, **bench.currency()})
    retired = {"Name": "Fax", "IsActive": False, **bench.currency()}
    marked = bench.org.create("Product2", {**retired, "Stripe_Id__c": "prod_1"})
    bench.org.create("Product2", retired)
    again = bench.org.create("Product2", {"Name": "Chair", "IsActive": True, **bench.currency()})
    records = listed(bench, "product", select=True)
    assert {record.id: record.selected for record in records} == {sold: True, marked: False, again: True}
    assert all(record.selected for record in listed(bench, "product"))


def test_what_is_born_by_need_is_listed_once_it_carries_a_marker(bench):
    bench.account()
    marked = bench.account()
    bench.org.update("Account", marked, {"Stripe_Id__c": "cus_1"})
    [record] = listed(bench, "customer", select=True)
    assert (record.id, record.selected) == (marked, False)


def test_a_deleted_record_is_absent(bench):
    account = bench.account()
    kept, gone = bench.invoice(account), bench.invoice(account)
    bench.org.delete("blng__Invoice__c", gone)
    assert [record.id for record in listed(bench, "invoice")] == [kept]


def test_an_empty_org_has_no_page(bench):
    assert list(bench.system.fetch_all("invoice")) == []


def test_a_kind_born_by_need_shows_who_may_be_needed_one_day_when_asked(bench):
    account = bench.account()
    assert listed(bench, "customer") == []
    assert [record.id for record in listed(bench, "customer", needed=True)] == [account]
