"""What is wrong outside the orgs by name: an administrator's changes, settings, this machine, each found by its check alone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from connector.core.model import Identity
from connector.store import open_store
from tests.support.clock import ManualClock
from tests.support.verified import verified
from tests.support.world import START

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connector.sandbox.salesforce.org import Org

#: what the believable data of every seeded org is worth knowing for
DATA = {"PRE-INV": "warn", "PRE-QUO": "warn"}


def _other_payment_types(org: Org) -> None:
    org.define_picklist("blng__Payment__c", "blng__PaymentType__c", ["Check", "Cash"])


def _unmapped_status(org: Org) -> None:
    field = org.database.objects["SBQQ__Quote__c"].fields["SBQQ__Status__c"]
    org.define_picklist("SBQQ__Quote__c", "SBQQ__Status__c", [*field.picklist, "On Hold"])


def _foreign_mark(org: Org) -> None:
    org.update("Account", org.ids("Account")[0], {"Stripe_Id__c": "acct_1"})


@pytest.mark.parametrize(
    ("plant", "found"),
    [
        (_other_payment_types, {"SF-MAP-01": "fail"}),
        (_unmapped_status, {"SF-MAP-01": "warn"}),
        (_foreign_mark, {"DATA-MAP": "fail"}),
    ],
)
def test_what_an_administrator_changed_is_found_by_its_check_and_no_other(
    tmp_path: Path, plant: Callable[[Org], None], found: dict[str, str]
) -> None:
    assert verified(tmp_path, plant=plant).told() == {**DATA, **found}


def test_a_right_setting_heals_the_org_with_one_currency(tmp_path: Path) -> None:
    assert verified(tmp_path, "single-currency", CONNECTOR_SALESFORCE__CURRENCY="USD").told() == DATA


def test_a_clock_that_is_wrong_is_found_by_the_servers_answer(tmp_path: Path) -> None:
    found = verified(tmp_path, org_clock=ManualClock(START + timedelta(minutes=10)))
    assert found.told()["CLOCK"] == "fail"
    assert "s behind, Stripe: both clocks agree" in found.results["CLOCK"].observed


def test_streaming_without_a_choice_of_events_fails_by_its_check(tmp_path: Path) -> None:
    assert verified(tmp_path, CONNECTOR_VERIFY__STREAMING="true").told() == {**DATA, "SF-CDC-01": "fail"}


def test_a_database_of_another_pair_is_found_and_both_pairs_are_told(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'state.sqlite'}", clock=ManualClock(START))
    store.pin_identity(Identity(org_id="00D000000000009AAA", is_sandbox=True, account_id="acct_9", livemode=False))
    store.close()
    found = verified(tmp_path)
    assert found.told() == {**DATA, "DB": "fail"}
    assert "00D000000000009AAA" in found.results["DB"].observed
    assert "acct_9" in found.results["DB"].observed
