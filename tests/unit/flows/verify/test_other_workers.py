"""Automation, change events and other collectors, judged from what was seen of them."""

from datetime import UTC, datetime, timedelta

import pytest

from connector.core.model import Severity
from connector.core.verify.checks import Verdict
from connector.core.verify.org_automation import (
    Automatic,
    Automation,
    AutoPayMethod,
    ChangeEvents,
    Collectors,
    PaymentScheduler,
)
from connector.core.verify.org_counts import OpenRecords
from connector.core.verify.org_needs import OrgNeeds
from connector.core.verify.private import hidden, shown
from tests.support.verify import NOT_READABLE, NOW, judged, situation

ORG = OrgNeeds(org_id="00D000000000001AAA", org_name="Acme", multi_currency=True, objects=10)
NONE = Automation(rows=())


def rows(*names: str, on: str = "blng__Invoice__c", namespace: str | None = None) -> Automation:
    return Automation(rows=tuple(Automatic(name=name, object=on, namespace=namespace) for name in names))


def automated(**found):
    return judged("TRG", **{"flows": NONE, "triggers": NONE, "validation_rules": NONE, **found})


def test_an_org_without_automation_of_its_own_passes():
    assert automated().verdict is Verdict.PASS


def test_what_packages_bring_is_counted_and_worries_nobody():
    result = automated(triggers=rows("QuoteBefore", "QuoteAfter", namespace="SBQQ"))
    assert result.verdict is Verdict.PASS
    assert result.evidence == ("in packages: 2 Apex triggers of SBQQ",)


def test_automation_of_the_orgs_own_warns_with_names_and_claims_no_more():
    result = automated(
        flows=rows("Stamp_Invoice"),
        triggers=rows("InvoiceStamp"),
        validation_rules=rows("Phone_needed", on="Account"),
    )
    assert (result.verdict, result.severity) == (Verdict.WARN, Severity.WARNING)
    assert result.observed == (
        "flow Stamp_Invoice on blng__Invoice__c, Apex trigger InvoiceStamp on blng__Invoice__c, "
        "validation rule Phone_needed on Account may change or refuse what the connector writes"
    )


def test_many_are_counted_and_all_stand_in_the_evidence():
    result = automated(flows=rows(*(f"Flow_{number}" for number in range(8))))
    assert "and 3 more" in result.observed
    assert len(result.evidence) == 8


def test_a_sort_that_cannot_be_read_is_unknown_unless_another_one_tells_enough():
    assert automated(triggers=NOT_READABLE).verdict is Verdict.UNKNOWN
    told = automated(triggers=NOT_READABLE, flows=rows("Stamp"))
    assert (told.verdict, told.degraded) == (Verdict.WARN, True)
    assert "triggers cannot be read: no access" in told.observed


# -- change events ----------------------------------------------------------------------------------------------------

WANTED = ("AccountChangeEvent", "blng__Invoice__ChangeEvent")


def chosen(*names: str) -> ChangeEvents:
    return ChangeEvents(selected=frozenset(names), wanted=WANTED)


def test_change_events_do_not_matter_while_records_are_polled():
    assert judged("SF-CDC-01", change_events=chosen()).verdict is Verdict.NOT_APPLICABLE


def test_all_chosen_entities_pass_and_a_missing_one_fails_by_name():
    streaming = situation(streaming=True)
    assert judged("SF-CDC-01", change_events=chosen(*WANTED), about=streaming).verdict is Verdict.PASS
    result = judged("SF-CDC-01", change_events=chosen("AccountChangeEvent"), about=streaming)
    assert result.verdict is Verdict.FAIL
    assert result.observed == "not chosen for change data capture: blng__Invoice__ChangeEvent"


def test_a_choice_that_cannot_be_read_is_unknown():
    assert judged("SF-CDC-01", change_events=NOT_READABLE, about=situation(streaming=True)).verdict is Verdict.UNKNOWN


# -- collectors -------------------------------------------------------------------------------------------------------

NO_INVOICES = OpenRecords(statuses={}, outside={}, rows=(), total=0)


def collecting(*, about=None, open_invoices=NO_INVOICES, **found):
    given = {"schedulers": (), "runs": (), "auto_pay": (), "auto_pay_total": len(found.get("auto_pay", ()))}
    collectors = Collectors(**{**given, **found})
    return judged("SF-COL-01", collectors=collectors, open_invoices=open_invoices, org_needs=ORG, about=about)


def method(*, linked: bool) -> AutoPayMethod:
    return AutoPayMethod(name="PM-0001", account_id="001000000000001AAA", account_name="Acme GmbH", is_linked=linked)


def test_an_org_where_nobody_else_collects_passes():
    assert collecting().verdict is Verdict.PASS


def test_where_stripe_does_not_collect_another_collector_is_welcome():
    about = situation(stripe_collects=False)
    assert collecting(runs=(("Run 1", "Started"),), about=about).verdict is Verdict.NOT_APPLICABLE


@pytest.mark.parametrize("kind", ["Daily", "Weekly", "Monthly"])
def test_a_recurring_scheduler_is_a_blocker_by_name(kind):
    result = collecting(schedulers=(PaymentScheduler(name="Nightly", type=kind, starts_at=None),))
    assert (result.verdict, result.severity) == (Verdict.FAIL, Severity.BLOCKER)
    assert f"Nightly ({kind})" in result.observed


@pytest.mark.parametrize(("days", "verdict"), [(-1, Verdict.PASS), (1, Verdict.FAIL)])
def test_a_scheduler_for_one_run_counts_until_it_ran(days, verdict):
    once = PaymentScheduler(name="Catch up", type="Once", starts_at=NOW + timedelta(days=days))
    assert collecting(schedulers=(once,)).verdict is verdict


def test_a_run_under_way_is_a_blocker():
    assert "Run 1 (Processing)" in collecting(runs=(("Run 1", "Processing"),)).observed


def test_auto_pay_of_a_linked_account_is_a_blocker_and_of_another_one_is_not():
    charged = collecting(auto_pay=(method(linked=True),))
    assert charged.verdict is Verdict.FAIL
    assert "PM-0001 of Acme GmbH" in shown(charged.observed)
    assert "Acme" not in hidden(charged.observed)
    assert collecting(auto_pay=(method(linked=False),)).verdict is Verdict.PASS


def test_methods_that_were_not_read_are_no_pass():
    assert collecting(auto_pay=(method(linked=False),), auto_pay_total=3000).verdict is Verdict.WARN


def test_auto_pay_is_no_pass_while_open_invoices_cannot_be_read():
    unsure = collecting(auto_pay=(method(linked=False),), open_invoices=NOT_READABLE)
    assert (unsure.verdict, unsure.degraded) == (Verdict.WARN, True)
    assert collecting(open_invoices=NOT_READABLE).verdict is Verdict.PASS


def test_what_cannot_be_read_is_unknown():
    result = judged("SF-COL-01", collectors=NOT_READABLE, open_invoices=NO_INVOICES, org_needs=ORG)
    assert result.verdict is Verdict.UNKNOWN


def test_the_moment_of_a_scheduler_is_compared_with_the_runs_now():
    later = datetime(2027, 1, 1, tzinfo=UTC)
    once = PaymentScheduler(name="Catch up", type="Once", starts_at=NOW + timedelta(days=1))
    collectors = Collectors(schedulers=(once,), runs=(), auto_pay=(), auto_pay_total=0)
    given = {"collectors": collectors, "open_invoices": NO_INVOICES, "org_needs": ORG}
    assert judged("SF-COL-01", now=later, **given).verdict is Verdict.PASS
