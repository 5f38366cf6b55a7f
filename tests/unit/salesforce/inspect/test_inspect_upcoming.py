"""Documents in question, read from an org in process: in few calls, and honest about what was not read."""

from datetime import date

from connector.sandbox.salesforce.seed import seed
from tests.support.salesforce import Bench
from tests.support.verify import inspector_of, value_of

GO_LIVE = date(2026, 10, 1)


def test_invoices_quotes_and_currencies_travel_together():
    bench = Bench()
    seed(bench.org)
    inspector = inspector_of(bench, go_live=GO_LIVE)
    inspector.inspect(["open_invoices", "open_quotes", "currencies"])
    # the describes, then eleven queries
    assert bench.org.counters["by_resource"] == {"oauth": 1, "composite": 4}


def test_a_page_that_ends_early_says_how_many_there_are():
    bench = Bench()
    account = bench.account()
    for _ in range(5):
        bench.invoice(account, lines=1)
    bench.org.max_page_size = 2
    found = value_of(bench, "open_invoices", go_live=GO_LIVE)
    assert (len(found.rows), found.total) == (2, 5)


def test_a_quote_whose_lines_were_cut_off_is_not_judged():
    bench = Bench()
    account = bench.account()
    for _ in range(3):
        fields = {"SBQQ__Account__c": account, "SBQQ__Status__c": "Presented", **bench.currency()}
        quote = bench.org.create("SBQQ__Quote__c", fields)
        for number in (1, 2):
            line = {"SBQQ__Quote__c": quote, "SBQQ__Number__c": number, **bench.currency()}
            bench.org.create("SBQQ__QuoteLine__c", line)
    bench.org.max_page_size = 5
    found = value_of(bench, "open_quotes")
    assert [len(row.lines) for row in found.rows] == [2, 2]
    assert found.total == 3
