"""A restarted account goes on where it stopped, and a seed repeats itself."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest

from connector.sandbox.stripe.account import Account


@pytest.fixture
def restarted(api, clock):
    """The account of `api` as another process would read it from its state file."""

    def restart():
        account = Account(clock=clock, seed=7, rate_per_second=None, endpoint_rate_per_second=None)
        account.load(orjson.loads(orjson.dumps(api.account.dump())))
        return type(api)(account)

    return restart


def test_objects_lists_and_events_are_the_same(api, restarted):
    rate = api.post("/v1/tax_rates", {"display_name": "T", "inclusive": False, "percentage": "8.875"})["id"]
    api.open_invoice(1000)
    api.delete(f"/v1/customers/{api.customer()}")
    again = restarted()
    for path in ("/v1/invoices", "/v1/customers", "/v1/events", f"/v1/tax_rates/{rate}", "/v1/invoice_payments"):
        assert again.ask("GET", path).raw == api.ask("GET", path).raw


def test_it_goes_on(api, restarted, later):
    invoice, draft = api.open_invoice(1000), api.draft(100, auto_advance=True)
    quote = api.post("/v1/quotes", {"customer": invoice["customer"]})["id"]
    api.post(f"/v1/invoices/{invoice['id']}/pay", {"payment_method": "pm_usBankAccount_success"})
    again = restarted()
    later(days=31)
    assert again.get(f"/v1/invoices/{invoice['id']}")["status"] == "paid"
    assert again.get(f"/v1/invoices/{draft['id']}")["status"] == "open"
    assert again.get(f"/v1/quotes/{quote}")["status"] == "canceled"
    assert again.customer() != invoice["customer"]


def test_answers_kept_by_key_survive(api, restarted):
    first = api.ask("POST", "/v1/customers", {"name": "Ada"}, idempotency_key="k")
    again = restarted()
    assert again.ask("POST", "/v1/customers", {"name": "Ada"}, idempotency_key="k").raw == first.raw
    assert len(again.get("/v1/customers")["data"]) == 1


def test_another_seeds_state_is_refused(api, clock):
    with pytest.raises(ValueError, match="not of acct_"):
        Account(clock=clock, seed=8).load(api.account.dump())


def test_a_seed_repeats_its_ids(api, clock):
    twin = type(api)(Account(clock=clock, seed=7, rate_per_second=None, endpoint_rate_per_second=None))
    assert api.open_invoice(1000) == twin.open_invoice(1000)
    other = type(api)(Account(clock=clock, seed=8, rate_per_second=None, endpoint_rate_per_second=None))
    assert other.customer() != api.customer()


def test_a_machines_clock_set_back_does_not_reorder_anything(api, clock):
    first = api.customer()
    clock.advance(-timedelta(hours=1))
    second = api.customer()
    page = api.get("/v1/customers")["data"]
    assert [customer["id"] for customer in page] == [second, first]
    assert page[0]["created"] == page[1]["created"]


def test_an_account_that_is_put_back_is_in_its_own_time_again(api, later):
    before = orjson.loads(orjson.dumps(api.account.dump()))
    later(days=3)
    api.customer()
    later(days=-3)
    api.account.load(before)
    again = api.get(f"/v1/customers/{api.customer()}")["created"]
    assert again == int(api.account._clock.now().timestamp())
