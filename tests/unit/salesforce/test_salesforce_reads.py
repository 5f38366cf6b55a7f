from dataclasses import replace
from decimal import Decimal

import pytest

from connector.core.model import Key, Side
from connector.salesforce import soql
from connector.salesforce.reads import selection_of
from tests.support.salesforce import Bench, shipped_pack, update_of, upsert_of

UNKNOWN_ID = soql.record_id("a0F000000009999")


@pytest.fixture(scope="module")
def pack():
    return shipped_pack()


@pytest.fixture
def bench(pack):
    return Bench(pack=pack)


def key(kind, record_id):
    return Key(side=Side.SALESFORCE, kind=kind, id=record_id)


def test_a_record_comes_with_every_path_of_its_mapping_and_its_lines_in_order(bench):
    account = bench.account()
    invoice = bench.invoice(account)
    product = bench.org.create("Product2", {"Name": "Seat", "IsActive": True, **bench.currency()})
    lines = [bench.line(invoice, amount, blng__Product__c=product) for amount in ("100.10", "0.20")]
    record = bench.system.fetch("invoice", [invoice])[invoice]
    assert record.key == key("invoice", invoice)
    assert record.fields["blng__TotalAmount__c"] == Decimal("100.30")
    assert isinstance(record.fields["blng__TotalAmount__c"], Decimal)
    assert record.fields["blng__Account__c"] == account
    assert record.fields["CurrencyIsoCode"] == "USD"
    assert [line["Id"] for line in record.lines] == lines
    assert [line["blng__Subtotal__c"] for line in record.lines] == [Decimal("100.10"), Decimal("0.20")]
    assert record.lines[0]["blng__Product__r"]["IsActive"] is True
    assert not record.deleted


def test_a_path_through_a_lookup_arrives_nested(bench):
    account = bench.account()
    contact = bench.org.create("Contact", {"LastName": "Roe", "Email": "ap@acme.example", **bench.currency()})
    bench.org.update("Account", account, {"blng__BillToContact__c": contact})
    assert bench.system.fetch("customer", [account])[account].fields["blng__BillToContact__r"]["Email"] == (
        "ap@acme.example"
    )


def test_a_deleted_record_says_so_and_an_unknown_one_is_absent(bench):
    account, other = bench.account(), bench.account()
    bench.org.delete("Account", account)
    records = bench.system.fetch("customer", [account, other, soql.record_id("001000000009999"), "no id", "'"])
    assert records.keys() == {account, other}
    assert records[account].deleted
    assert not records[other].deleted


def test_several_kinds_travel_in_one_call(bench):
    account = bench.account()
    invoice = bench.invoice(account, lines=1)
    bench.system.identify()
    before = bench.org.counters["requests"]
    records = bench.system.fetch_many({"customer": [account], "invoice": [invoice]}, select={})
    assert records.keys() == {key("customer", account), key("invoice", invoice)}
    assert bench.org.counters["requests"] - before == 1


def test_at_least_150_records_are_read_per_call(bench):
    account = bench.account()
    dated = {"blng__Account__c": account, "blng__InvoiceDate__c": "2026-11-01", **bench.currency()}
    invoices = bench.org.create_many([("blng__Invoice__c", dated)] * 450)
    bench.org.create_many(
        [
            (
                "blng__InvoiceLine__c",
                {"blng__Invoice__c": invoice, "blng__Subtotal__c": 1, "blng__Quantity__c": 1, **bench.currency()},
            )
            for invoice in invoices
            for _ in range(3)
        ]
    )
    bench.system.identify()
    before = bench.org.counters["requests"]
    records = bench.system.fetch("invoice", invoices)
    calls = bench.org.counters["requests"] - before
    assert len(records) == 450
    assert all(len(record.lines) == 3 for record in records.values())
    assert calls <= 450 * 4 / 150


def test_pages_of_lines_are_put_together(bench):
    bench.org.max_page_size = 2
    account = bench.account()
    invoices = [bench.invoice(account, lines=3) for _ in range(3)]
    records = bench.system.fetch("invoice", invoices)
    assert [len(records[invoice].lines) for invoice in invoices] == [3, 3, 3]


def test_the_birth_condition_is_evaluated_only_where_asked(bench):
    active = bench.org.create("Product2", {"Name": "A", "IsActive": True, **bench.currency()})
    idle = bench.org.create("Product2", {"Name": "B", "IsActive": False, **bench.currency()})
    records = bench.system.fetch_many({"product": [active, idle]}, select={"product": [idle]})
    assert records[key("product", active)].selected
    assert not records[key("product", idle)].selected
    chosen = bench.system.fetch("product", [active, idle], select=True)
    assert {record_id: record.selected for record_id, record in chosen.items()} == {active: True, idle: False}


def test_a_kind_born_by_need_without_a_condition_is_never_selected(bench):
    account = bench.account()
    invoice = bench.invoice(account)
    records = bench.system.fetch_many(
        {"customer": [account], "invoice": [invoice]}, select={"customer": [account], "invoice": [invoice]}
    )
    assert not records[key("customer", account)].selected
    assert records[key("invoice", invoice)].selected


def test_a_condition_cannot_widen_the_ids(bench, pack):
    first = bench.org.create("Product2", {"Name": "A", "IsActive": True, **bench.currency()})
    second = bench.org.create("Product2", {"Name": "B", "IsActive": False, **bench.currency()})
    mapping = pack.kinds["product"]
    spec = replace(mapping.salesforce, where="IsActive = true OR Name != null")
    wide = replace(pack, kinds={**pack.kinds, "product": replace(mapping, salesforce=spec)})
    other = Bench(pack=wide)
    other.org = bench.org
    records = other.connect().fetch("product", [first], select=True)
    assert records.keys() == {first}
    assert second not in records


def test_lines_keep_to_the_condition_of_the_mapping(bench):
    account = bench.account()
    quote = bench.org.create("SBQQ__Quote__c", {"SBQQ__Account__c": account, **bench.currency()})
    for optional in (True, False):
        bench.org.create(
            "SBQQ__QuoteLine__c",
            {"SBQQ__Quote__c": quote, "SBQQ__Optional__c": optional, "SBQQ__Number__c": 1, **bench.currency()},
        )
    assert len(bench.system.fetch("quote", [quote])[quote].lines) == 1


def test_without_multi_currency_the_currency_field_is_not_asked_for(pack):
    bench = Bench(pack=pack, multi_currency=False)
    invoice = bench.invoice(bench.account(), lines=1)
    record = bench.system.fetch("invoice", [invoice])[invoice]
    assert "CurrencyIsoCode" not in record.fields
    assert bench.system.identify().multi_currency is False


def test_no_field_is_selected_twice(pack):
    for mapping in pack.kinds.values():
        selection = selection_of(mapping, multi_currency=True)
        for paths in (selection.paths, *(lines.paths for lines in selection.lines)):
            assert len({path.lower() for path in paths}) == len(paths)


def test_records_born_at_stripe_are_found_by_their_mark_and_its_case(bench):
    account = bench.account()
    fields = {"blng__Account__c": account, "blng__Amount__c": Decimal("5.00"), **bench.currency()}
    outcomes = bench.apply(upsert_of("blng__Payment__c", "pi_a", fields), upsert_of("blng__Payment__c", "pi_A", fields))
    found = bench.system.find("payment", ["pi_a", "pi_none'"])
    assert found.keys() == {"pi_a"}
    assert found["pi_a"].id == outcomes["pi_a"].target_id
    bench.org.delete("blng__Payment__c", found["pi_a"].id)
    assert bench.system.find("payment", ["pi_a"]) == {}


def test_records_born_in_salesforce_are_found_when_they_carry_a_mark(bench):
    account = bench.account()
    marked, unmarked = bench.invoice(account), bench.invoice(account)
    bench.apply(update_of("blng__Invoice__c", marked, {"Stripe_Id__c": "in_1"}))
    assert bench.system.find("invoice", [marked, unmarked, UNKNOWN_ID]).keys() == {marked}


def test_a_lost_page_locator_starts_the_read_over(bench):
    bench.org.max_page_size = 2
    invoice = bench.invoice(bench.account(), lines=5)
    bench.system.identify()
    dropped = []

    def drop_cursors(request):
        if "/query/" in request.path and not dropped:
            dropped.append(request.path)
            bench.org.expire_cursors()

    bench.org.faults = drop_cursors
    assert len(bench.system.fetch("invoice", [invoice])[invoice].lines) == 5
    assert dropped
