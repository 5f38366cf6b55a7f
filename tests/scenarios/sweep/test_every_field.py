"""One value of one record changed so that no poll, no event and no webhook tells: named within one sweep."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from connector.config.mapping_loader import load_pack
from connector.core.compare import compared
from connector.core.mapping import read_path
from connector.core.model import Side
from tests.scenarios.sweep.conftest import Mirrored, named
from tests.support import unseen
from tests.support.world import PACK

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.core.certificate import Certificate

MAPPINGS = load_pack(PACK).kinds
FIELDS = [(kind, rule) for kind, mapping in MAPPINGS.items() for rule in compared(mapping)]
IDS = [f"{kind}.{rule.name}" for kind, rule in FIELDS]


def other(value: Any) -> Any:
    """A value of the same form that says something else."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, Decimal | int | float):
        return value + 1
    if isinstance(value, str) and value[4:5] == "-":
        return "2031-01-01"
    return "other@acme.example" if value and "@" in value else "Other"


def edit_in_salesforce(mirrored: Mirrored, kind: str, path: str) -> Callable[[], None]:
    world, sobject, record_id = mirrored.world, MAPPINGS[kind].salesforce.object, mirrored.id_of(kind, Side.SALESFORCE)
    lookup, _, rest = path.partition(".")
    if rest:
        record_id = world.org.get(sobject, record_id)[lookup.replace("__r", "__c")]
        sobject, path = "Contact", rest
    value = other(world.org.get(sobject, record_id)[path])
    return unseen.edit_salesforce(world, sobject, record_id, {path: value})


def edit_at_stripe(mirrored: Mirrored, kind: str, path: str) -> Callable[[], None]:
    record_id = mirrored.id_of(kind, Side.STRIPE)
    record = mirrored.world.workspace.stripe.fetch(kind, [record_id])[record_id]
    stripe_object = "payment_intent" if kind == "payment" else MAPPINGS[kind].stripe.object
    return unseen.edit_stripe(mirrored.world, stripe_object, record_id, path, other(read_path(record.fields, path)))


def sweep_and_take_back(mirrored: Mirrored, take_back: Callable[[], None]) -> Certificate:
    try:
        return mirrored.sweep()
    finally:
        take_back()


@pytest.mark.parametrize(("kind", "rule"), FIELDS, ids=IDS)
def test_a_field_changed_unseen_in_salesforce_is_named(undisturbed, kind, rule):
    certificate = sweep_and_take_back(undisturbed, edit_in_salesforce(undisturbed, kind, rule.salesforce))
    assert (kind, undisturbed.links[kind].born.id, "value differs", rule.name) in named(certificate)
    assert not certificate.is_complete


@pytest.mark.parametrize(("kind", "rule"), FIELDS, ids=IDS)
def test_a_field_changed_unseen_at_stripe_is_named(undisturbed, kind, rule):
    certificate = sweep_and_take_back(undisturbed, edit_at_stripe(undisturbed, kind, rule.stripe))
    assert (kind, undisturbed.links[kind].born.id, "value differs", rule.name) in named(certificate)
    assert not certificate.is_complete


def test_with_everything_taken_back_nothing_differs(undisturbed):
    certificate = undisturbed.sweep()
    assert certificate.is_complete
    assert certificate.detail["differences"] == []


def test_every_mapped_field_is_tried():
    assert {kind for kind, _ in FIELDS} == set(MAPPINGS)
    assert len(FIELDS) >= 25
