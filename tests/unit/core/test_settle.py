"""What a link remembers once an operation ended: what was sent and answered, never a later read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connector.core import settle
from connector.core.body import encode_body
from connector.core.mapping import Context
from connector.core.model import Applied, Key, Link, LinkState, Operation, Record, Side
from connector.core.view import Act
from tests.support.salesforce import shipped_pack

PRODUCT = shipped_pack().kinds["product"]
CONTEXT = Context(currency="usd", time_zone=ZoneInfo("UTC"))
BORN = Key(side=Side.SALESFORCE, kind="product", id="01t1")


def _link(**fields: Any) -> Link:
    return Link(born=BORN, **fields)


def _act(target: Side = Side.STRIPE, action: str = "create", **fields: Any) -> Act:
    return Act(target=target, action=action, body={}, **fields)


def _operation(link: Link, act: Act) -> Operation:
    return Operation(
        born=link.born,
        target=act.target,
        action=act.action,
        target_id=link.mate_id,
        body=encode_body({**act.body, **act.sent}),
        revision=link.revision,
        idempotency_key="k",
    )


def _reply(**fields: Any) -> Record:
    return Record(key=Key(side=Side.STRIPE, kind="product", id="prod_1"), version="", fields=fields)


def _done(link: Link, act: Act, outcome: Applied) -> Link:
    begun = settle.begin(link, act)
    return settle.applied(PRODUCT, begun, _operation(begun, act), outcome, CONTEXT)


def test_an_intent_raises_the_revision_and_forgets_why_it_waited() -> None:
    waiting = _link(state=LinkState.WAITING, reason="waits", reason_code="waiting", waiting_on=BORN, revision=4)
    begun = settle.begin(waiting, _act(sent={"name": "Seat"}, progress={"final": 1}))
    assert begun.revision == 5
    assert (begun.state, begun.reason, begun.reason_code, begun.waiting_on) == (LinkState.OPEN, None, None, None)
    assert begun.progress[settle.PENDING] == {"sent": {"name": "Seat"}, "progress": {"final": 1}, "signals": []}
    assert "final" not in begun.progress


def test_an_intent_remembers_whom_it_concerns_beside_its_pair() -> None:
    invoice = Key(side=Side.STRIPE, kind="invoice", id="in_1")
    begun = settle.begin(_link(), _act(signals=(invoice,)))
    assert settle.asked_for(begun) == (invoice,)
    assert settle.asked_for(_link()) == ()


def test_an_intent_stored_before_that_was_remembered_concerns_its_pair_alone() -> None:
    assert settle.asked_for(_link(progress={settle.PENDING: {"sent": {}, "progress": {}}})) == ()


def test_a_create_gives_the_link_its_mate_and_what_was_sent_and_answered() -> None:
    """Stripe trimmed the name: both forms are remembered."""
    record = _reply(name="Seat", description=None, active=True, metadata={})
    link = _done(_link(), _act(sent={"name": "Seat "}), Applied(target_id="prod_1", record=record))
    assert link.mate_id == "prod_1"
    assert link.shadow == {"name": ("Seat ", "Seat")}
    assert settle.PENDING not in link.progress


def test_without_the_record_in_the_reply_what_was_sent_stands_for_both() -> None:
    link = _done(_link(), _act(sent={"name": "Seat"}), Applied(target_id="prod_1"))
    assert link.shadow == {"name": ("Seat", "Seat")}


def test_a_reply_that_cannot_be_read_does_not_lose_what_was_sent() -> None:
    record = _reply(name=17, description=None, active=True, metadata={})
    link = _done(_link(), _act(sent={"name": "Seat"}), Applied(target_id="prod_1", record=record))
    assert link.shadow == {"name": ("Seat", "Seat")}


def test_fields_that_were_not_sent_keep_their_past() -> None:
    """Somebody's edit in the reply is not taken for something we agreed on."""
    before = _link(mate_id="prod_1", shadow={"name": ("Seat", "Seat"), "description": ("a", "a")})
    record = _reply(name="New", description="edited meanwhile", active=True, metadata={})
    link = _done(before, _act(action="update", sent={"name": "New"}), Applied(target_id="prod_1", record=record))
    assert link.shadow == {"name": ("New", "New"), "description": ("a", "a")}


def test_a_write_to_salesforce_makes_its_version_unknown() -> None:
    before = _link(mate_id="prod_1", versions={Side.SALESFORCE: "v1"})
    act = _act(target=Side.SALESFORCE, action="update", sent={"name": "New"})
    link = _done(before, act, Applied(target_id="01t1"))
    assert link.versions[Side.SALESFORCE] == ""
    assert (link.mate_id, link.shadow) == ("prod_1", {"name": ("New", "New")})


def test_progress_is_remembered_only_once_the_step_was_applied() -> None:
    link = _done(_link(progress={"account": "001"}), _act(progress={"final": 7}), Applied(target_id="prod_1"))
    assert link.progress == {"account": "001", "final": 7}


def test_the_status_and_expiry_of_a_reply_are_kept() -> None:
    record = _reply(name="x", description=None, active=True, metadata={}, status="open", expires_at=5, other=1)
    link = _done(_link(), _act(), Applied(target_id="qt_1", record=record))
    assert link.progress == {"status": "open", "expires_at": 5}


def test_a_deleted_draft_is_history_and_the_next_mate_starts_from_nothing() -> None:
    before = _link(
        mate_id="in_1",
        earlier_mates=("in_0",),
        shadow={"name": ("a", "a")},
        progress={"currency": "eur", "account": "001", "status": "draft", "final": 3},
    )
    link = _done(before, _act(action="delete"), Applied(target_id="in_1"))
    assert (link.mate_id, link.earlier_mates, link.shadow) == (None, ("in_0", "in_1"), {})
    # the currency, too: the next one is made in whatever the record says then
    assert link.progress == {"account": "001"}


def test_agreed_remembers_only_what_is_equal() -> None:
    link = _link(shadow={"name": ("old", "old")})
    seen = settle.agreed(link, {"name": "new", "code": "1", "only": "x"}, {"name": "edited", "code": "1"})
    assert seen.shadow == {"name": ("old", "old"), "code": ("1", "1")}


def test_agreed_leaves_a_link_that_knows_it_already() -> None:
    link = _link(shadow={"name": ("a", "a")})
    assert settle.agreed(link, {"name": "a"}, {"name": "a"}) is link


@pytest.mark.parametrize("fields", [{}, {"status": None}])
def test_nothing_observed_is_nothing_kept(fields: dict[str, Any]) -> None:
    assert settle.observed(fields) == {}


def test_a_second_intent_replaces_what_the_first_was_about_to_do() -> None:
    first = settle.begin(_link(), _act(sent={"name": "a"}))
    second = settle.begin(replace(first), _act(sent={"code": "b"}))
    assert second.progress[settle.PENDING]["sent"] == {"code": "b"}
    assert second.revision == 2


def test_without_a_reply_what_did_not_go_on_the_wire_is_not_taken_for_there() -> None:
    """Stripe keeps no shipping name without an address, so none is sent: found by seed 7010."""
    customer = shipped_pack().kinds["customer"]
    born = Key(side=Side.SALESFORCE, kind="customer", id="0011")
    act = _act(sent={"name": "Acme", "shipping_name": "Acme"})
    begun = settle.begin(Link(born=born), act)
    operation = replace(_operation(begun, act), body=encode_body({"name": "Acme"}))
    settled = settle.applied(customer, begun, operation, Applied(target_id="cus_1"), CONTEXT)
    assert settled.shadow == {"name": ("Acme", "Acme"), "shipping_name": ("Acme", None)}
