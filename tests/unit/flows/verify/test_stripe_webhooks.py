"""One enabled endpoint of ours, of our version, with exactly our events; everything else is said."""

import pytest

from connector.core.verify.account import WebhookEndpoint, Webhooks
from connector.core.verify.checks import Verdict
from tests.support.verify import NOT_READABLE, judged, situation

URL = "https://connector.example.com/stripe/events"
NEEDED = ("invoice.paid", "quote.accepted", "customer.updated")
US = situation(webhook_url=URL)


def endpoint(**changes) -> WebhookEndpoint:
    given = {"id": "we_1", "url": URL, "enabled": True, "api_version": "2026-10-28.endive", "events": NEEDED}
    return WebhookEndpoint(**{**given, **changes})


def result_of(*endpoints: WebhookEndpoint):
    return judged("STR-WH", about=US, stripe_webhooks=Webhooks(endpoints=endpoints, needed=NEEDED))


def test_one_good_endpoint_passes_whoever_else_gets_events():
    result = result_of(endpoint(), endpoint(id="we_2", url="https://shop.example.com", events=("*",)))
    assert result.verdict is Verdict.PASS
    assert len(result.evidence) == 1


@pytest.mark.parametrize("url", [f"{URL}/", "HTTPS://Connector.Example.com/stripe/events"])
def test_an_address_is_ours_however_it_is_written(url):
    assert result_of(endpoint(url=url)).verdict is Verdict.PASS


def test_another_path_of_our_host_is_not_ours():
    assert "no endpoint sends events" in result_of(endpoint(url=f"{URL}2")).observed


@pytest.mark.parametrize(
    ("endpoints", "words"),
    [
        ((), f"no endpoint sends events to {URL}"),
        ((endpoint(enabled=False),), "we_1 is off"),
        ((endpoint(), endpoint(id="we_2")), "2 endpoints send every event to us: we_1, we_2"),
        ((endpoint(api_version="2025-03-31.basil"),), "speaks API version 2025-03-31.basil, we read 2026-10-28.endive"),
        ((endpoint(api_version=None),), "the account's default, which may change"),
        ((endpoint(events=("quote.accepted",)),), "misses 2 of 3 events: invoice.paid, customer.updated"),
    ],
    ids=["none", "off", "two", "other version", "no version", "missing events"],
)
def test_an_endpoint_that_does_not_serve_us_fails_and_says_why(endpoints, words):
    result = result_of(*endpoints)
    assert result.verdict is Verdict.FAIL
    assert words in result.observed
    assert "connector setup stripe" in result.fix


@pytest.mark.parametrize(
    ("events", "words"), [((*NEEDED, "charge.refunded"), "charge.refunded"), (("*",), "all events")]
)
def test_events_nobody_handles_are_a_warning(events, words):
    result = result_of(endpoint(events=events))
    assert result.verdict is Verdict.WARN
    assert result.observed.endswith(words)


def test_a_second_endpoint_that_is_off_does_no_harm():
    assert result_of(endpoint(), endpoint(id="we_2", enabled=False)).verdict is Verdict.PASS


def test_without_an_address_of_ours_polling_alone_is_used_and_nothing_is_judged():
    result = judged("STR-WH", stripe_webhooks=NOT_READABLE)
    assert result.verdict is Verdict.NOT_APPLICABLE
    assert "polling alone" in result.observed


def test_endpoints_that_cannot_be_read_are_unknown():
    assert judged("STR-WH", about=US, stripe_webhooks=NOT_READABLE).verdict is Verdict.UNKNOWN


def test_a_good_endpoint_whose_secret_nobody_configured_is_a_warning():
    about = situation(webhook_url=URL, has_webhook_secret=False)
    good = judged("STR-WH", about=about, stripe_webhooks=Webhooks(endpoints=(endpoint(),), needed=NEEDED))
    assert good.verdict is Verdict.WARN
    assert "CONNECTOR_STRIPE__WEBHOOK_SECRETS" in good.fix
    off = Webhooks(endpoints=(endpoint(enabled=False),), needed=NEEDED)
    assert judged("STR-WH", about=about, stripe_webhooks=off).verdict is Verdict.FAIL
