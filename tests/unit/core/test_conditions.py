"""What blocks a parked record: sorted, grouped by its normalised cause, looked at slowly and never for ever."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core import conditions
from connector.core.conditions import (
    LOOK_AFTER,
    LOOK_AT_LEAST_EVERY,
    LOOKS_MAX,
    LOOKS_PER_PASS,
    Blocked,
    due,
    group_of,
    look_at,
    next_look,
    normalised,
    of_park,
    of_refusal,
    parked,
    unparked,
)
from connector.core.model import Backoff, Condition, ConditionType, Key, Link, LinkState, Refusal, Side
from connector.core.view import Park

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LIFECYCLES = Path(conditions.__file__).parent / "lifecycle"


def _link(number: int = 1, **fields: Any) -> Link:
    return Link(born=Key(side=Side.SALESFORCE, kind="invoice", id=f"a0I{number:012d}AAA"), **fields)


def _blocked(sort: ConditionType = ConditionType.VALIDATION_RULE, subject: str = "a phone is needed") -> Blocked:
    condition = Condition(type=sort, subject=subject, wanted="the rule lets it through")
    return Blocked(code="invoice.refused.X", reason="salesforce refused", condition=condition)


def _parked(number: int = 1, *, looks: int = 0, sort: ConditionType = ConditionType.VALIDATION_RULE) -> Link:
    link = parked(_link(number), _blocked(sort), before=None, now=NOW, by_look=False)
    assert link.condition is not None
    return replace(link, condition=replace(link.condition, looks=looks))


# -- sorting ------------------------------------------------------------------------------------------------------


def _codes() -> Iterator[str]:
    """Every code a lifecycle parks with, read from the source."""
    for path in sorted(LIFECYCLES.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Name) and called.id in ("Park", "missing_mate"):
                assert isinstance(node, ast.Call)
                [code] = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
                yield re.sub(r"^\{[a-z_.]+\}", "product", ast.unparse(code).strip("f'\""))


def test_every_code_a_lifecycle_parks_with_is_sorted() -> None:
    codes = list(_codes())
    assert len(codes) > 30
    assert [code for code in codes if not conditions.is_known(code)] == []


@pytest.mark.parametrize(
    ("code", "sort"),
    [
        ("invoice.status_unmapped", ConditionType.VALUE_UNMAPPED),
        ("quote.product_inactive", ConditionType.PARENT_MISSING),
        ("invoice.too_many_lines", ConditionType.LIMIT),
        ("invoice.lines_do_not_add_up", ConditionType.AMOUNT_MISMATCH),
        ("quote.expired", ConditionType.PERIOD_CLOSED),
        ("customer.deleted_at_stripe", ConditionType.RECORD_GONE),
        ("customer.conflict", ConditionType.CONFLICT),
        ("invoice.made_up_tomorrow", ConditionType.OTHER),
    ],
)
def test_a_park_tells_its_sort(code: str, sort: ConditionType) -> None:
    assert of_park(Park(code=code, reason="because")).type is sort


def test_a_park_that_names_a_parent_is_about_that_parent() -> None:
    parent = Key(side=Side.SALESFORCE, kind="product", id="01t1")
    assert of_park(Park(code="quote.product_inactive", reason="", on=parent)).subject == "salesforce product 01t1"


def test_a_refusal_is_grouped_by_the_rules_text_without_what_is_one_records_own() -> None:
    texts = [
        'Invoice INV-0009 of "Acme" exceeds 1,000.00 USD by 2026-11-02',
        'Invoice INV-0010 of "Globex" exceeds 25.5 USD by 2026-12-31',
    ]
    found = {of_refusal(Refusal(code="X", message=text, condition=ConditionType.VALIDATION_RULE)) for text in texts}
    assert [condition.subject for condition in found] == ["Invoice … of … exceeds … USD by …"]


def test_a_field_that_may_not_be_written_is_grouped_by_the_field() -> None:
    refusal = Refusal(
        code="INVALID_FIELD_FOR_INSERT_UPDATE",
        message="Unable to create/update fields: Stripe_Status__c. Please check the security settings",
        fields=("Stripe_Status__c",),
        condition=ConditionType.FIELD_NOT_WRITABLE,
    )
    assert of_refusal(refusal).subject == "Stripe_Status__c"


def test_a_value_the_picklist_does_not_offer_stays_in_the_group() -> None:
    """Each value needs a mapping of its own."""
    messages = ["bad value for restricted picklist field: Widget", "bad value for restricted picklist field: Gadget"]
    refusals = [
        Refusal(code="X", message=text, fields=("Type",), condition=ConditionType.VALUE_UNMAPPED) for text in messages
    ]
    assert len({of_refusal(refusal).subject for refusal in refusals}) == 2


def test_whatever_is_gone_is_gone() -> None:
    assert of_refusal(Refusal(code="X", message="", gone=True)).type is ConditionType.RECORD_GONE


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("record 001cw0000000005AAA is locked", "record 001cw00000000jXAAY is locked"),
        ("No such customer: 'cus_NffrFeUfNV2Hib'", "No such customer: 'cus_9s6XKzkNRiz8i3'"),
        ("a@acme.example is not an address", "b.c@globex.example is not an address"),
        ("amount 120000 too large", "amount 99 too large"),
        ("see https://a.example/x/1", "see https://b.example/y?z=2"),
    ],
)
def test_particulars_leave_the_text(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


def test_words_stay() -> None:
    assert normalised("Account must have\n a   billing contact") == "Account must have a billing contact"


@given(st.text(max_size=3000))
def test_normalising_is_bounded_and_says_the_same_twice(text: str) -> None:
    once = normalised(text)
    assert len(once) <= 200
    assert normalised(text) == once


# -- parked again, and no more --------------------------------------------------------------------------------------


def test_parked_for_the_same_cause_again_is_parked_since_then() -> None:
    first = _parked()
    again = parked(_link(), _blocked(), before=first, now=NOW + timedelta(days=2), by_look=False)
    assert again == first


def test_a_look_in_vain_moves_the_next_one_away_twice_as_far_and_a_day_at_most() -> None:
    link, now, gaps = _parked(), NOW, []
    for _ in range(8):
        moment = look_at(link)
        assert moment is not None
        gaps.append(moment - now)
        now = moment
        link = parked(_link(), _blocked(), before=link, now=now, by_look=True)
    hours = [gap / timedelta(hours=1) for gap in gaps]
    assert hours == [1, 2, 4, 8, 16, 24, 24, 24]


def test_what_was_given_up_after_many_attempts_is_not_looked_at_by_itself() -> None:
    blocked = conditions.of_decision(Park(code="invoice.gave_up.throttled", reason="429 for a week"))
    link = parked(_link(), blocked, before=None, now=NOW, by_look=False)
    assert look_at(link) is None
    assert due([link], NOW + timedelta(days=400)) == []


def test_parking_ends_what_failed_before() -> None:
    failed = Backoff(attempts=3, since=NOW, next_at=NOW + timedelta(days=1), code="X")
    assert parked(_link(backoff=failed), _blocked(), before=None, now=NOW, by_look=False).backoff is None


def test_another_cause_begins_anew() -> None:
    later = NOW + timedelta(days=2)
    again = parked(_link(), _blocked(subject="another rule"), before=_parked(looks=7), now=later, by_look=True)
    assert again.condition is not None
    assert (again.parked_at, again.condition.looks, look_at(again)) == (later, 0, later + LOOK_AFTER)


def test_looks_end() -> None:
    link = _parked(looks=LOOKS_MAX)
    assert look_at(link) is None
    assert due([link], NOW + timedelta(days=400)) == []


def test_what_is_no_longer_parked_has_no_condition() -> None:
    link = unparked(_parked())
    assert (link.condition, link.parked_at) == (None, None)


# -- which of them are looked at --------------------------------------------------------------------------------------


def test_of_a_shared_cause_one_is_looked_at_and_it_is_the_same_one_each_time() -> None:
    links = [_parked(number) for number in range(1000)]
    [chosen] = due(links, NOW + LOOK_AFTER)
    tried = parked(_link(), _blocked(), before=chosen, now=NOW + LOOK_AFTER, by_look=True)
    links = [replace(tried, born=link.born) if link.born == chosen.born else link for link in links]
    assert due(links, NOW + LOOK_AFTER + timedelta(minutes=1)) == []
    [again] = due(links, NOW + LOOK_AT_LEAST_EVERY)
    assert again.born == chosen.born


def test_each_group_has_its_own() -> None:
    other = parked(_link(2), _blocked(subject="another rule"), before=None, now=NOW, by_look=False)
    assert {link.born for link in due([_parked(1), other], NOW + LOOK_AFTER)} == {_link(1).born, _link(2).born}


def test_causes_of_their_own_are_looked_at_a_few_at_a_time() -> None:
    links = [_parked(number, sort=ConditionType.AMOUNT_MISMATCH) for number in range(3 * LOOKS_PER_PASS)]
    later = NOW + LOOK_AFTER
    chosen = due(links, later)
    assert len(chosen) == LOOKS_PER_PASS
    assert next_look(links, chosen, later) == later


def test_nothing_is_due_before_its_time() -> None:
    links = [_parked(1), _parked(2, sort=ConditionType.CONFLICT)]
    assert due(links, NOW + LOOK_AFTER - timedelta(seconds=1)) == []
    assert next_look(links, [], NOW + timedelta(minutes=30)) == NOW + LOOK_AFTER


def test_a_link_parked_by_an_older_version_gets_its_condition_by_a_look() -> None:
    old = _link(state=LinkState.PARKED, reason_code="invoice.no_lines")
    assert due([old], NOW) == [old]
    assert group_of(old).type == "other"
