"""Field-level security takes a field away while we work: its kind stops, nothing is emptied, the others go on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from connector.sandbox.http import Response
from tests.support import builders as b

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.sandbox.http import Request
    from tests.support.world import World

CODE = "salesforce.field_hidden"


def _mirrored(world: World) -> tuple[str, str, str]:
    """A mirrored account with a phone number, a product and an invoice."""
    account, product = b.account(world, Phone="+49 30 1"), b.product(world)
    invoice = b.invoice(world, b.Item(product=product), account_id=account)
    world.sync()
    return account, product, invoice


def _phone(world: World, account: str) -> str | None:
    phone = b.the_one(world, "customers", account)["phone"]
    assert phone is None or isinstance(phone, str)
    return phone


def test_a_field_hidden_between_two_passes_stops_its_kind_and_empties_nothing(world: World) -> None:
    account, product, _ = _mirrored(world)
    world.org.hide_field("Account", "Phone")
    world.org.update("Account", account, {"Name": "Acme AG"})
    world.org.update("Product2", product, {"Name": "Premium seat"})
    world.sync()
    assert world.workspace is not None
    assert "customer" in world.workspace.stopped_kinds
    assert {finding.subject for finding in b.findings(world)[CODE]} == {"customer"}
    assert "Account.Phone" in b.findings(world)[CODE][0].observed
    assert _phone(world, account) == "+49 30 1"
    assert b.the_one(world, "products", product)["name"] == "Premium seat"


def test_once_it_is_shown_again_the_kind_goes_on_where_it_was(world: World) -> None:
    account, _, _ = _mirrored(world)
    world.org.hide_field("Account", "Phone")
    world.org.update("Account", account, {"Name": "Acme AG"})
    world.sync()
    world.org.restore_field("Account", "Phone")
    world.sync()
    assert CODE not in b.findings(world)
    assert b.the_one(world, "customers", account)["name"] == "Acme AG"
    b.assert_still(world)


def test_a_field_hidden_in_the_middle_of_a_pass_stops_its_kind_and_empties_nothing(world: World) -> None:
    """After the poll, before the records are read."""
    account, product, _ = _mirrored(world)
    world.org.update("Account", account, {"Name": "Acme AG"})
    world.org.update("Product2", product, {"Name": "Premium seat"})

    def hide(request: Request) -> Response | None:
        if b"Phone" in request.body:
            world.org.hide_field("Account", "Phone")
        return None

    world.org.faults = hide
    world.sync()
    assert b.findings(world)[CODE][0].subject == "customer"
    assert _phone(world, account) == "+49 30 1"
    assert b.the_one(world, "products", product)["name"] == "Premium seat"


def _leave_out(name: str) -> Callable[[Any], Any]:
    def without(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without(part) for key, part in value.items() if key != name}
        return [without(part) for part in value] if isinstance(value, list) else value

    return without


def test_a_field_that_only_vanishes_from_the_answers_is_not_read_as_empty(world: World) -> None:
    """The describe still shows it; the answer says nothing about it."""
    account, product, _ = _mirrored(world)
    world.org.update("Account", account, {"Name": "Acme AG"})
    world.org.update("Product2", product, {"Name": "Premium seat"})
    handle, without = world.org.handle, _leave_out("Phone")

    def forgetful(request: Request) -> Response:
        reply = handle(request)
        if b"Phone" not in request.body:
            return reply
        return Response(
            status=reply.status, headers=reply.headers, body=json.dumps(without(json.loads(reply.body))).encode()
        )

    world.org.handle = forgetful  # type: ignore[method-assign]
    world.sync()
    world.org.handle = handle  # type: ignore[method-assign]
    assert b.findings(world)[CODE][0].subject == "customer"
    assert "Phone" in b.findings(world)[CODE][0].observed
    assert _phone(world, account) == "+49 30 1"
    assert b.the_one(world, "products", product)["name"] == "Premium seat"


def test_a_hidden_lookup_of_a_polled_child_stops_its_kind_and_not_the_poll(world: World) -> None:
    _, product, _ = _mirrored(world)
    world.org.hide_field("blng__InvoiceLine__c", "blng__Invoice__c")
    world.org.update("Product2", product, {"Name": "Premium seat"})
    world.sync()
    assert "invoice" in {finding.subject for finding in b.findings(world)[CODE]}
    assert b.the_one(world, "products", product)["name"] == "Premium seat"


def test_a_field_stripe_no_longer_shows_is_not_read_as_empty(world: World) -> None:
    account, _, _ = _mirrored(world)
    handle, without = world.account.handle, _leave_out("phone")

    def forgetful(request: Request) -> Response:
        reply = handle(request)
        if not request.path.startswith("/v1/customers/"):
            return reply
        return Response(
            status=reply.status, headers=reply.headers, body=json.dumps(without(json.loads(reply.body))).encode()
        )

    customer = b.the_one(world, "customers", account)["id"]
    world.stripe_api("POST", f"/v1/customers/{customer}", {"name": "Acme at Stripe"})
    world.account.handle = forgetful  # type: ignore[method-assign]
    world.sync()
    assert world.org.get("Account", account)["Phone"] == "+49 30 1"
    [(code, reason)] = b.parked(world, "customer").values()
    assert code == "customer.field_vanished"
    assert reason.startswith("phone: ")
    world.account.handle = handle  # type: ignore[method-assign]
    assert world.org.get("Account", account)["Phone"] == "+49 30 1"


def test_an_emptied_field_is_still_emptied(world: World) -> None:
    """The guard is about fields that are not there; an empty one is, as null."""
    account, _, _ = _mirrored(world)
    world.org.update("Account", account, {"Phone": None})
    world.sync()
    assert _phone(world, account) is None
