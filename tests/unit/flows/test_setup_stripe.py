"""The flow over a simulated account: shown first, done once, safe to repeat, the secret kept."""

from __future__ import annotations

import pytest

from connector.core.endpoints import Wanted
from connector.core.errors import ConfigError, Problem, RemoteError
from connector.flows.setup_stripe import make_plan, set_up_endpoint
from connector.sandbox.stripe.account import Account
from connector.stripe.events import EVENT_TYPES
from connector.stripe.webhooks import AccountEndpoints
from tests.support.stripe import StepClock, client_to, error

URL = "https://connector.example.com/stripe/events"
VERSION = "2026-10-28.endive"
WANTED = Wanted(url=URL, api_version=VERSION, events=EVENT_TYPES)


class Keeper:
    """Remembers what it was told, in order."""

    def __init__(self) -> None:
        self.secrets: list[str] = []
        self.reserved = 0

    def is_owed(self) -> bool:
        return self.reserved > len(self.secrets)

    def reserve(self) -> None:
        self.reserved += 0 if self.is_owed() else 1

    def release(self) -> None:
        self.reserved -= 1

    def store(self, secret: str) -> None:
        self.secrets.append(secret)


@pytest.fixture
def account():
    return Account(clock=StepClock(), seed=3, rate_per_second=None, endpoint_rate_per_second=None)


def target_of(account, key=None):
    return AccountEndpoints(client_to(account, key=key or account.api_key))


def apply(account, keeper=None, wanted=WANTED):
    run_id = str(account.counters["requests"])
    return set_up_endpoint(target_of(account), wanted, keeper or Keeper(), run_id=run_id, show=lambda _: None)


def there(account):
    return {each.id: each for each in target_of(account).fetch_endpoints()}


def add(account, **params):
    given = {"url": URL, "enabled_events": list(EVENT_TYPES), "api_version": VERSION, **params}
    client_to(account, key=account.api_key)._sdk.raw_request("post", "/v1/webhook_endpoints", **given)
    return target_of(account).fetch_endpoints()[0].id


def test_a_plan_writes_nothing(account):
    plan = make_plan(target_of(account), WANTED, Keeper(), run_id="r1")
    assert [change.action for change in plan.changes] == ["create"]
    assert account.counters["writes"] == 0


def test_an_endpoint_is_made_as_wanted_and_its_secret_kept(account):
    keeper = Keeper()
    report = apply(account, keeper)
    (made,) = there(account).values()
    assert (made.url, made.enabled, made.api_version, made.events) == (URL, True, VERSION, EVENT_TYPES)
    assert len(keeper.secrets) == 1
    assert keeper.secrets[0].startswith("whsec_")
    assert keeper.secrets[0] not in repr(report)
    assert report.stored


def test_the_change_is_shown_before_the_first_write(account):
    writes_when_shown = []
    set_up_endpoint(
        target_of(account),
        WANTED,
        Keeper(),
        run_id="r1",
        show=lambda _: writes_when_shown.append(account.counters["writes"]),
    )
    assert writes_when_shown == [0]


def test_a_second_time_nothing_is_done(account):
    keeper = Keeper()
    apply(account, keeper)
    writes = account.counters["writes"]
    report = apply(account, keeper)
    assert (report.plan.changes, report.written, report.stored) == ((), (), False)
    assert account.counters["writes"] == writes
    assert len(keeper.secrets) == 1


def test_an_endpoint_that_a_person_deleted_is_made_again_the_same_day(account):
    """With the key of the run before, Stripe would only repeat its answer."""
    apply(account)
    (made,) = there(account)
    client_to(account, key=account.api_key)._sdk.raw_request("delete", f"/v1/webhook_endpoints/{made}")
    apply(account)
    (again,) = there(account)
    assert again != made


def test_what_is_wrong_with_an_endpoint_is_mended_and_its_secret_stays(account):
    add(account, enabled_events=["invoice.paid", "charge.refunded"])
    keeper = Keeper()
    report = apply(account, keeper)
    (endpoint,) = there(account).values()
    assert (endpoint.events, endpoint.enabled) == (EVENT_TYPES, True)
    assert (keeper.reserved, report.stored) == (0, False)
    assert apply(account).written == ()


def test_an_endpoint_that_is_off_is_switched_on(account):
    endpoint_id = add(account)
    target_of(account)._client._sdk.raw_request("post", f"/v1/webhook_endpoints/{endpoint_id}", disabled=True)
    apply(account)
    assert there(account)[endpoint_id].enabled


def test_one_of_another_version_is_replaced_and_switched_off_not_deleted(account):
    old = add(account, api_version="2025-03-31.basil")
    report = apply(account)
    assert [done.change.action for done in report.written] == ["create", "disable"]
    now = there(account)
    assert not now[old].enabled
    assert [each.api_version for each in now.values() if each.enabled] == [VERSION]
    assert apply(account).written == ()


def test_a_duplicate_is_switched_off_not_deleted(account):
    first, second = add(account), add(account)
    apply(account)
    assert {name: each.enabled for name, each in there(account).items()} == {first: True, second: False}


def test_a_lost_answer_makes_no_second_endpoint_and_the_secret_is_kept(account):
    """The write happened, its answer did not come: the same key gets the same answer again."""
    lost = []

    def lose_one(request, response):
        if request.method == "POST" and not lost:
            lost.append(response)
            return error(502)
        return None

    account.faults_after = lose_one
    keeper = Keeper()
    apply(account, keeper)
    assert lost
    assert len(there(account)) == 1
    assert len(keeper.secrets) == 1


def test_a_secret_that_was_never_stored_is_replaced_with_its_endpoint(account):
    """The process died between the answer and the file."""
    keeper = Keeper()
    apply(account, keeper)
    keeper.secrets.clear()
    report = apply(account, keeper)
    assert [done.change.action for done in report.written] == ["create", "disable"]
    assert len(keeper.secrets) == 1
    assert [each.enabled for each in there(account).values()].count(True) == 1
    assert apply(account, keeper).written == ()


def test_without_a_place_for_the_secret_no_endpoint_is_made(account):
    class NoPlace(Keeper):
        def reserve(self) -> None:
            raise ConfigError([Problem(where="file", observed="cannot be written", remedy="another")])

    with pytest.raises(ConfigError):
        apply(account, NoPlace())
    assert there(account) == {}


def test_a_live_account_takes_https_only_and_is_not_even_asked():
    live = Account(clock=StepClock(), seed=3, livemode=True, rate_per_second=None, endpoint_rate_per_second=None)
    wanted = Wanted(url=URL.replace("https", "http"), api_version=VERSION, events=EVENT_TYPES)
    with pytest.raises(ConfigError, match="https"):
        make_plan(target_of(live), wanted, Keeper(), run_id="r1")
    assert live.counters["requests"] == 0


@pytest.mark.parametrize("right", [{}, {"webhook_endpoints": "read"}])
def test_a_key_without_the_right_is_refused_in_stripes_words(account, right):
    key, keeper = account.restrict_key(right), Keeper()
    with pytest.raises(RemoteError, match=r"webhook_endpoint_(read|write)"):
        set_up_endpoint(target_of(account, key), WANTED, keeper, run_id="r1", show=lambda _: None)
    assert there(account) == {}
    # nothing was made, so no secret is missing
    assert not keeper.is_owed()
