"""A plan as a document: totals, calls, to its file and back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connector.core.plan import FieldChange, Plan, PlanEntry, digest


def _entry(**fields: Any) -> PlanEntry:
    settings: dict[str, Any] = {
        "kind": "invoice",
        "id": "a0F1",
        "label": "INV-1",
        "target": "stripe",
        "action": "create",
        "target_id": None,
        "changes": (FieldChange(field="number", old=None, new="INV-1"),),
        "moves_money": True,
        "destructive": False,
        "amount_minor": 1_050,
        "currency": "usd",
        "base": {"salesforce": "2026-11-21T12:00:00.000+0000"},
        "digest": "d",
        "costs": {"stripe": 3},
    }
    return PlanEntry(**(settings | fields))


def _plan(*entries: PlanEntry, **fields: Any) -> Plan:
    settings: dict[str, Any] = {
        "org_id": "00D1",
        "account_id": "acct_1",
        "pack_digest": "p",
        "created_at": "2026-11-21T12:00:00+00:00",
        "entries": entries,
    }
    return Plan(**(settings | fields))


def test_totals_are_per_currency_and_count_money_only() -> None:
    plan = _plan(
        _entry(),
        _entry(amount_minor=950),
        _entry(currency="jpy", amount_minor=5_000),
        _entry(moves_money=False, amount_minor=7),
        _entry(amount_minor=None),
    )
    assert plan.totals() == {"usd": 2_000, "jpy": 5_000}


def test_calls_are_those_of_all_steps() -> None:
    assert _plan(_entry(), _entry(costs={"salesforce_rows": 201, "stripe": 1})).calls() == {
        "salesforce": 2,
        "stripe": 4,
    }


def test_a_plan_comes_back_from_its_file_as_it_was() -> None:
    plan = _plan(
        _entry(),
        waiting=(("invoice a0F2", "customer 001 is not at Stripe yet"),),
        parked=(("quote a0Q1", "expired"),),
        not_mirrored={"invoice": {"zero": 2}},
        findings=({"code": "x", "count": 1},),
    )
    assert Plan.from_dict(json.loads(json.dumps(plan.as_dict()))) == plan


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 2}, "plan schema 2"),
        ({"schema_version": None}, "plan schema None"),
        ({"entries": [{"kind": "invoice"}]}, "not a plan"),
        ({"entries": None}, "not a plan"),
    ],
)
def test_another_document_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Plan.from_dict(_plan(_entry()).as_dict() | change)


def test_a_digest_is_bound_to_the_record_the_action_and_the_content() -> None:
    base = digest("invoice", "a0F1", "create", {"a": 1, "b": 2})
    assert digest("invoice", "a0F1", "create", {"b": 2, "a": 1}) == base
    others = [
        digest("quote", "a0F1", "create", {"a": 1, "b": 2}),
        digest("invoice", "a0F2", "create", {"a": 1, "b": 2}),
        digest("invoice", "a0F1", "update", {"a": 1, "b": 2}),
        digest("invoice", "a0F1", "create", {"a": 1, "b": 3}),
    ]
    assert len({base, *others}) == 5
