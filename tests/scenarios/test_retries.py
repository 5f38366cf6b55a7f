"""What fails is put off, looked up, and parked in the end: never dropped, never for ever, never in its neighbours' way."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from connector.core.errors import QuotaSpent
from connector.core.model import FailureClass, Key, LinkState, Side
from connector.core.retry import RetryPolicies, RetryRule
from connector.sandbox.http import Response
from tests.support import builders as b
from tests.support.world import API_URL

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.sandbox.http import Request
    from tests.support.world import World

#: parked after four failures in a row
SOON = RetryPolicies(rules=(RetryRule(now={"attempts": 2}, later={"attempts": 4, "base_s": 60, "cap_s": 240}),))
SAVED = {"Content-Type": "application/json", "Request-Id": "req_1"}


@dataclass
class Trouble:
    """Answers with a server error whatever `is_hit` names; `applies` lets the system do it first."""

    app: Any
    is_hit: Callable[[Request], bool]
    applies: bool = False
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    met: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Response | None:
        if request.method == "GET" or not self.is_hit(request):
            return None
        self.met.append(request)
        if self.applies:
            self.app.faults = None
            self.app.handle(request)
            self.app.faults = self
        body = {"error": {"type": "api_error", "message": "trouble"}}
        return Response(status=self.status, headers=SAVED | self.headers, body=json.dumps(body).encode())


def _about(text: str, path: str) -> Callable[[Request], bool]:
    return lambda request: request.path == path and text.encode() in request.body


def _troubled(world: World, is_hit: Callable[[Request], bool], **how: Any) -> Trouble:
    world.account.faults = Trouble(world.account, is_hit, **how)
    return world.account.faults


def _link(world: World, kind: str, record_id: str) -> Any:
    assert world.workspace is not None
    key = Key(side=Side.SALESFORCE, kind=kind, id=record_id)
    return world.workspace.store.load_links([key]).get(key)


def _passes_until_parked(world: World, kind: str, record_id: str, *, most: int = 30) -> int:
    for number in range(1, most + 1):
        world.sync()
        link = _link(world, kind, record_id)
        if link is not None and link.state is LinkState.PARKED:
            return number
        world.clock.advance(timedelta(minutes=10))
    raise AssertionError(f"still not parked after {most} passes")


def _poisoned(world: World) -> tuple[str, str]:
    """Two invoices of two accounts; the first one's account cannot be made at Stripe."""
    poison, healthy = b.account(world, name="Poison"), b.account(world, name="Healthy")
    return b.invoice(world, account_id=poison), b.invoice(world, account_id=healthy)


class TestHeldBack:
    def test_a_record_that_failed_is_left_alone_until_it_is_due(self, world: World) -> None:
        world.open(retries=SOON)
        poison = b.account(world, name="Poison")
        b.invoice(world, account_id=poison)
        trouble = _troubled(world, _about("Poison", "/v1/customers"), status=429)
        world.sync()
        first = len(trouble.met)
        report = world.sync()
        assert (len(trouble.met), report.of("customer").held > 0) == (first, True)
        assert _link(world, "customer", poison).backoff.attempts == 1
        world.clock.advance(timedelta(minutes=1))
        world.sync()
        assert len(trouble.met) > first
        world.account.faults = None
        world.clock.advance(timedelta(minutes=5))
        world.sync()
        assert b.the_one(world, "customers", poison)
        assert _link(world, "customer", poison).backoff is None
        b.assert_still(world)

    def test_it_waits_over_a_restart(self, world: World) -> None:
        world.open(retries=SOON)
        poison = b.account(world, name="Poison")
        b.invoice(world, account_id=poison)
        trouble = _troubled(world, _about("Poison", "/v1/customers"), status=429)
        world.sync()
        world.close()
        world.open(retries=SOON)
        before = len(trouble.met)
        world.sync()
        assert len(trouble.met) == before

    def test_a_person_does_not_wait_not_even_for_the_parent(self, world: World) -> None:
        world.open(retries=SOON)
        poison = b.account(world, name="Poison")
        invoice = b.invoice(world, account_id=poison)
        _troubled(world, _about("Poison", "/v1/customers"), status=429)
        world.sync()
        world.account.faults = None
        world.sync(only=[Key(side=Side.SALESFORCE, kind="invoice", id=invoice)])
        assert b.the_one(world, "invoices", invoice)["status"] == "open"

    def test_who_waits_for_it_does_not_make_it_be_tried_sooner(self, world: World) -> None:
        world.open(retries=SOON)
        poison = b.account(world, name="Poison")
        b.invoice(world, account_id=poison)
        trouble = _troubled(world, _about("Poison", "/v1/customers"), status=429)
        world.sync()
        before = len(trouble.met)
        another = b.invoice(world, account_id=poison)
        world.sync()
        assert len(trouble.met) == before
        assert _link(world, "invoice", another).state is LinkState.WAITING

    def test_its_neighbours_do_not_notice(self, make_world: Callable[..., World]) -> None:
        """Measured in writes that Stripe saw for the others, and in passes: no wall clock."""
        passes = {}
        for poisoned in (False, True):
            world = make_world()
            world.open(retries=SOON)
            if poisoned:
                b.invoice(world, account_id=b.account(world, name="Poison"))
            healthy = [b.invoice(world, account_id=b.account(world, name=f"Healthy {n}")) for n in range(12)]
            _troubled(world, _about("Poison", "/v1/customers"))
            world.sync()
            done = [b.the_one(world, "invoices", invoice)["status"] for invoice in healthy]
            passes[poisoned] = (1, done)
        assert passes[True] == passes[False] == (1, ["open"] * 12)


class TestAnEnd:
    @pytest.mark.parametrize("status", [500, 503, 429, 409])
    def test_what_never_succeeds_is_parked_with_what_was_tried(self, world: World, status: int) -> None:
        """A planted bug that replays for ever, or makes a new generation for ever, does not come to this end."""
        world.open(retries=SOON)
        poison, healthy = _poisoned(world)
        account = world.org.get("blng__Invoice__c", poison)["blng__Account__c"]
        trouble = _troubled(world, _about("Poison", "/v1/customers"), status=status)
        _passes_until_parked(world, "customer", account)
        assert b.the_one(world, "invoices", healthy)["status"] == "open"
        link = _link(world, "customer", account)
        assert link.reason_code.startswith("customer.gave_up.")
        assert "failed 4 times in a row" in link.reason
        assert (link.backoff, world.workspace.store.load_unresolved()) == (None, [])
        # and stays so: nothing is sent any more
        before = len(trouble.met)
        for _ in range(3):
            world.clock.advance(timedelta(hours=1))
            world.sync(since=None)
        assert len(trouble.met) - before <= 2 * 4

    def test_a_release_after_giving_up_makes_nothing_twice(self, world: World) -> None:
        """Stripe did it each time and only its answers were lost: parked, then asked for again by a person."""
        world.open(retries=SOON)
        account = b.account(world, name="Poison")
        b.invoice(world, account_id=account)
        _troubled(world, _about("Poison", "/v1/customers"), applies=True)
        for _ in range(12):
            world.sync()
            world.clock.advance(timedelta(minutes=10))
        world.account.faults = None
        world.sync(only=[Key(side=Side.SALESFORCE, kind="customer", id=account)])
        for _ in range(3):
            world.clock.advance(timedelta(hours=1))
            world.sync()
        assert len(b.at_stripe(world, "customers", account)) == 1
        assert _link(world, "customer", account).mate_id == b.the_one(world, "customers", account)["id"]

    def test_a_document_whose_last_step_always_fails_is_not_begun_again_for_ever(self, world: World) -> None:
        """Its draft is deleted and made again in between: what comes through must not make the failures forgotten."""
        patient = RetryRule(now={"attempts": 2}, later={"attempts": 8, "base_s": 60, "cap_s": 240})
        world.open(retries=RetryPolicies(rules=(patient,)))
        invoice = b.invoice(world, account_id=b.account(world))
        drafts: list[str] = []

        def spoil(request: Request) -> Response | None:
            """A line of somebody else's on the draft, and no answer."""
            if not request.path.endswith("/add_lines"):
                return None
            world.account.faults = None
            draft = request.path.split("/")[3]
            customer = world.stripe_api("GET", f"/v1/invoices/{draft}")["customer"]
            line = {"customer": customer, "invoice": draft, "amount": 1, "currency": "usd"}
            world.stripe_api("POST", "/v1/invoiceitems", line)
            world.account.faults = spoil
            drafts.append(draft)
            return Response(status=500, headers=SAVED, body=b'{"error": {"type": "api_error", "message": "trouble"}}')

        world.account.faults = spoil
        _passes_until_parked(world, "invoice", invoice)
        assert len(set(drafts)) > 1
        assert [row for row in world.stripe_list("/v1/invoices") if row["status"] != "draft"] == []
        assert _link(world, "invoice", invoice).reason_code == "invoice.gave_up.ambiguous"

    @pytest.mark.parametrize("made", [True, False], ids=["made all the same", "not made"])
    def test_a_server_error_that_stripe_saved_is_not_replayed_for_ever(self, world: World, *, made: bool) -> None:
        """Its key gives the same error as long as it lives: one look tells, and another generation goes on."""
        world.open(retries=SOON)
        account = b.account(world, name="Poison")
        invoice = b.invoice(world, account_id=account)
        error = Response(status=500, headers=SAVED, body=b'{"error": {"type": "api_error", "message": "saved"}}')
        saved: list[str] = []

        def once(request: Request, _reply: Response) -> Response | None:
            if request.method == "POST" and request.path == "/v1/customers" and not saved:
                saved.append(request.headers["idempotency-key"])
                return error
            return None

        world.account.faults_after = once
        world.sync()
        assert len(saved) == 1
        if not made:
            [customer] = b.at_stripe(world, "customers", account)
            world.stripe_session.delete(f"{API_URL}/v1/customers/{customer['id']}", headers=_key(world), timeout=5)
        for _ in range(5):
            world.clock.advance(timedelta(minutes=5))
            world.sync()
        assert len(b.at_stripe(world, "customers", account)) == 1
        assert b.the_one(world, "invoices", invoice)["status"] == "open"
        assert _link(world, "customer", account).backoff is None

    def test_what_an_earlier_version_began_is_sent_again_under_its_own_key(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The rule that makes keys changed while the reply to a create was lost: Stripe knows the old one."""
        world.open(retries=SOON)
        account = b.account(world)
        b.quote(world, account_id=account)
        sent: list[str] = []

        def lose_the_reply(request: Request, reply: Response) -> Response | None:
            if (request.method, request.path) != ("POST", "/v1/customers"):
                return None
            sent.append(request.headers["idempotency-key"])
            return replace(reply, status=503, body=b"") if len(sent) == 1 else None

        world.account.faults_after = lose_the_reply
        with monkeypatch.context() as earlier:
            earlier.setattr("connector.flows.perform.idempotency_key", lambda *_, **parts: f"connector-{parts}"[:200])
            world.sync()
        world.close()
        for _ in range(3):
            world.clock.advance(timedelta(minutes=5))
            world.sync()
        assert len(sent) == 2
        assert len(set(sent)) == 1
        assert sent[0].startswith("connector-{'kind': 'customer'")
        assert len(b.at_stripe(world, "customers", account)) == 1

    def test_a_key_used_with_other_bytes_is_looked_up_and_not_taken_for_a_refusal(self, world: World) -> None:
        """An update of ours that renders a body otherwise meets the key of a create whose reply was lost."""
        world.open(retries=SOON)
        account = b.account(world, name="Poison")
        b.invoice(world, account_id=account)
        lost = _troubled(world, _about("Poison", "/v1/customers"), applies=True)
        world.sync()
        assert lost.met
        refusal = {"error": {"type": "idempotency_error", "message": "Keys for idempotent requests"}}
        world.account.faults = lambda request: (
            Response(status=400, headers=SAVED, body=json.dumps(refusal).encode())
            if request.method == "POST" and request.path == "/v1/customers"
            else None
        )
        world.clock.advance(timedelta(minutes=5))
        world.sync()
        world.account.faults = None
        world.clock.advance(timedelta(minutes=30))
        world.sync()
        assert len(b.at_stripe(world, "customers", account)) == 1
        assert _link(world, "customer", account).state is LinkState.OPEN


class TestQuota:
    def test_money_goes_on_when_the_catalogue_waits(self, make_world: Callable[..., World]) -> None:
        world = make_world(org_settings={"daily_api_limit": 1000})
        account = b.account(world)
        invoice = b.invoice(world, account_id=account)
        world.sync()
        _use_up(world, 0.75)
        world.org.update("Account", account, {"Name": "Acme SE"})
        b.pay(world, str(b.the_one(world, "invoices", invoice)["id"]))
        report = world.sync()
        assert "customer" in report.short_of_calls
        assert b.the_one(world, "customers", account)["name"] == "Acme GmbH"
        assert len(b.rows(world, "blng__Payment__c")) == 1
        world.clock.advance(timedelta(hours=25))
        report = world.sync()
        assert report.short_of_calls == set()
        assert b.the_one(world, "customers", account)["name"] == "Acme SE"

    def test_an_invoice_still_gets_the_customer_it_needs(self, make_world: Callable[..., World]) -> None:
        world = make_world(org_settings={"daily_api_limit": 1000})
        world.sync()
        _use_up(world, 0.75)
        invoice = b.invoice(world, account_id=b.account(world))
        world.sync()
        assert b.the_one(world, "invoices", invoice)["status"] == "open"

    def test_a_pass_ends_when_the_day_is_used_up_and_says_when_it_may_go_on(
        self, make_world: Callable[..., World]
    ) -> None:
        world = make_world(org_settings={"daily_api_limit": 1000})
        world.sync()
        _use_up(world, 0.96)
        with pytest.raises(QuotaSpent, match=r"it may go on at 2026-11-21 13:\d\d UTC"):
            world.sync()
        assert world.workspace is not None
        calls = world.workspace.salesforce.calls
        for _ in range(5):
            with pytest.raises(QuotaSpent):
                world.sync()
        assert world.workspace.salesforce.calls == calls

    def test_how_long_is_a_setting(self, make_world: Callable[..., World]) -> None:
        world = make_world(org_settings={"daily_api_limit": 1000})
        rule = RetryRule(error=FailureClass.QUOTA, later={"cap_s": 600})
        world.open(retries=RetryPolicies(rules=(rule,)))
        world.sync()
        _use_up(world, 0.96)
        with pytest.raises(QuotaSpent, match=r"it may go on at 2026-11-21 12:10 UTC"):
            world.sync()

    def test_until_when_is_remembered_over_a_restart(self, make_world: Callable[..., World]) -> None:
        world = make_world(org_settings={"daily_api_limit": 1000})
        world.sync()
        _use_up(world, 0.96)
        with pytest.raises(QuotaSpent):
            world.sync()
        assert world.workspace is not None
        until = world.workspace.store.load_note("quota.salesforce.until")
        assert until is not None
        assert until > world.clock.now().isoformat()


def _key(world: World) -> dict[str, str]:
    return {"Authorization": f"Bearer {world.account.api_key}"}


def _use_up(world: World, share: float) -> None:
    """Somebody else's calls of the day."""
    assert world.workspace is not None
    quota = world.workspace.salesforce.quota
    assert quota is not None
    missing = int(quota.total * share) - quota.used
    for _ in range(missing):
        world.workspace.salesforce._client.call_once("GET", "limits", action="somebody else", write=False)
