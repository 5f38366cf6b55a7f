"""Rate limits (platform.md C2) on the account's own clock."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.sandbox.stripe.account import Account


@pytest.fixture
def limited(clock, api):
    return type(api)(Account(clock=clock, seed=1, rate_per_second=10, endpoint_rate_per_second=4))


def test_one_endpoint_gives_out_its_own_share_first(limited):
    statuses = [limited.ask("GET", "/v1/customers").status for _ in range(6)]
    assert statuses == [200] * 4 + [429] * 2
    refused = limited.ask("GET", "/v1/customers")
    assert refused.headers["Stripe-Rate-Limited-Reason"] == "endpoint-rate"
    assert refused.error["code"] == "rate_limit"
    assert limited.ask("GET", "/v1/products").status == 200
    assert limited.account.counters["rate_limited"] == 3


def test_the_account_as_a_whole_has_a_limit(limited):
    paths = ["/v1/customers", "/v1/products", "/v1/invoices"] * 4
    answers = [limited.ask("GET", path) for path in paths]
    assert [answer.status for answer in answers].count(200) == 10
    assert answers[-1].headers["Stripe-Rate-Limited-Reason"] == "global-rate"


def test_the_steady_rate_is_never_refused(limited, clock):
    for _ in range(200):
        assert limited.ask("GET", "/v1/customers").status == 200
        clock.advance(timedelta(milliseconds=250))


def test_a_refused_write_did_not_happen_and_its_key_is_free(limited, clock):
    for _ in range(4):
        limited.post("/v1/customers")
    assert limited.ask("POST", "/v1/customers", idempotency_key="k").status == 429
    clock.advance(timedelta(seconds=1))
    answer = limited.ask("POST", "/v1/customers", idempotency_key="k")
    assert (answer.status, "Idempotent-Replayed" in answer.headers) == (200, False)
    assert limited.account.counters["writes"] == 5
