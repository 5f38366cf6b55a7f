"""What makes one enabled endpoint of ours out of what is there."""

import pytest

from connector.core.endpoints import Action, Wanted, plan_endpoint
from connector.core.verify.account import WebhookEndpoint

URL = "https://connector.example.com/stripe/events"
EVENTS = ("invoice.paid", "quote.accepted")
WANTED = Wanted(url=URL, api_version="2026-10-28.endive", events=EVENTS)


def endpoint(endpoint_id="we_1", **changes) -> WebhookEndpoint:
    given = {"id": endpoint_id, "url": URL, "enabled": True, "api_version": "2026-10-28.endive", "events": EVENTS}
    return WebhookEndpoint(**{**given, **changes})


def steps(*endpoints, **given) -> list[tuple[str, str | None]]:
    changes = plan_endpoint(endpoints, WANTED, run_id="r1", **given).changes
    return [(change.action.value, change.endpoint and change.endpoint.id) for change in changes]


def test_one_good_endpoint_needs_nothing():
    assert steps(endpoint()) == []
    assert steps(endpoint(url=f"{URL}/")) == []


def test_an_account_without_one_of_ours_gets_one_and_others_are_left_alone():
    assert steps() == [("create", None)]
    assert steps(endpoint(url="https://shop.example.com", enabled=True)) == [("create", None)]


def test_one_that_is_off_or_sends_too_little_or_too_much_is_repaired_in_one_write():
    plan = plan_endpoint([endpoint(enabled=False, events=("invoice.paid", "charge.refunded"))], WANTED, run_id="r1")
    (change,) = plan.changes
    assert (change.action, change.enable) == (Action.UPDATE, True)
    assert (change.add_events, change.remove_events) == (("quote.accepted",), ("charge.refunded",))
    assert change.why == "it is off, it does not send 1 of the 2 events we handle, it sends events nobody handles"


def test_one_that_sends_all_events_is_narrowed_to_ours():
    (change,) = plan_endpoint([endpoint(events=("*",))], WANTED, run_id="r1").changes
    assert (change.add_events, change.remove_events) == (EVENTS, ("*",))


@pytest.mark.parametrize("version", ["2025-03-31.basil", None])
def test_one_of_another_version_is_replaced_first_and_switched_off_then(version):
    old = endpoint(api_version=version)
    assert steps(old) == [("create", None), ("disable", "we_1")]
    why = plan_endpoint([old], WANTED, run_id="r1").changes[0].why
    assert "the version of an endpoint cannot be changed" in why
    assert (version or "the account's default") in why


def test_one_of_another_version_that_is_off_already_stays_as_it_is():
    assert steps(endpoint(api_version=None, enabled=False)) == [("create", None)]


def test_of_two_the_older_stays_because_its_secret_is_the_one_in_use():
    """Lists are newest first."""
    assert steps(endpoint("we_new"), endpoint("we_old")) == [("disable", "we_new")]
    assert steps(endpoint("we_new"), endpoint("we_old", enabled=False)) == []
    assert steps(endpoint("we_new", enabled=False), endpoint("we_old", enabled=False)) == [("update", "we_old")]


def test_one_of_ours_beside_one_of_another_version_is_kept_and_the_other_switched_off():
    assert steps(endpoint("we_old", api_version="2025-03-31.basil"), endpoint("we_new")) == [("disable", "we_old")]


def test_an_endpoint_whose_secret_was_never_stored_is_replaced():
    assert steps(endpoint(), secret_lost=True) == [("create", None), ("disable", "we_1")]
    assert steps(secret_lost=True) == [("create", None)]


def test_every_write_of_a_run_has_a_key_of_its_own_and_another_one_in_the_next_run():
    def keys(run_id):
        changes = plan_endpoint([endpoint(api_version=None)], WANTED, run_id=run_id).changes
        return [change.idempotency_key for change in changes]

    assert keys("r1") == keys("r1")
    assert len({*keys("r1"), *keys("r2")}) == 4
