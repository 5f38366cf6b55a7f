"""What the connector needs of the org, judged from the summary of the describes."""

import pytest

from connector.core.model import Severity
from connector.core.verify.checks import Verdict
from connector.core.verify.org_counts import Currencies
from connector.core.verify.org_needs import Lack, Need, OrgNeeds
from tests.support.verify import NOT_READABLE, judged, situation


def org(*lacks: Lack, multi_currency: bool = True) -> OrgNeeds:
    return OrgNeeds(
        org_id="00D000000000001AAA", org_name="Acme", multi_currency=multi_currency, objects=10, lacks=lacks
    )


def lack(need: Need, where: str, detail: str = "", kind: str = "payment") -> Lack:
    return Lack(need=need, kind=kind, where=where, detail=detail)


OF_ORG_NEEDS = ["SF-ACC-04", "SF-ACC-05", "SF-MAP-01", "SF-MAP-02"]


@pytest.mark.parametrize("check", OF_ORG_NEEDS)
def test_an_org_that_lacks_nothing_passes(check):
    assert judged(check, org_needs=org()).verdict is Verdict.PASS


@pytest.mark.parametrize("check", OF_ORG_NEEDS)
def test_describes_that_cannot_be_read_are_unknown_and_no_pass(check):
    assert judged(check, org_needs=NOT_READABLE).verdict is Verdict.UNKNOWN


def test_fields_that_cannot_be_written_are_counted_and_named():
    result = judged(
        "SF-ACC-04",
        org_needs=org(
            lack(Need.WRITE, "blng__Invoice__c.Stripe_Status__c", "updateable"),
            lack(Need.WRITE, "blng__Invoice__c.Stripe_Number__c", "updateable"),
            lack(Need.WRITE, "blng__Payment__c.Stripe_Id__c", "createable"),
        ),
    )
    assert result.verdict is Verdict.FAIL
    assert result.severity is Severity.BLOCKER
    assert "these 3 mapped fields will fail on write" in result.observed
    assert "blng__Invoice__c.Stripe_Status__c (updateable)" in result.observed
    assert len(result.evidence) == 3


def test_one_field_that_two_kinds_read_is_one_field():
    both = [lack(Need.FIELD, "blng__Payment__c.Name", kind=kind) for kind in ("payment", "offline_payment")]
    assert judged("SF-ACC-04", org_needs=org(*both)).observed == (
        "this mapped field cannot be read: blng__Payment__c.Name"
    )


def test_a_missing_object_fails():
    result = judged("SF-ACC-04", org_needs=org(lack(Need.OBJECT, "blng__Invoice__c")))
    assert (result.verdict, result.observed) == (Verdict.FAIL, "this object cannot be read: blng__Invoice__c")


def test_a_marker_that_could_be_there_twice_fails():
    result = judged("SF-ACC-05", org_needs=org(lack(Need.MARKER, "Account.Stripe_Id__c", "is not unique")))
    assert (result.verdict, result.severity) == (Verdict.FAIL, Severity.BLOCKER)
    assert result.observed == "Account.Stripe_Id__c is not unique"


def test_a_marker_that_cannot_be_seen_is_no_pass():
    result = judged("SF-ACC-05", org_needs=org(lack(Need.FIELD, "Account.Stripe_Id__c")))
    assert result.verdict is Verdict.NOT_APPLICABLE
    assert "Account.Stripe_Id__c" in result.observed
    assert judged("SF-ACC-05", org_needs=org(lack(Need.FIELD, "Account.Phone"))).verdict is Verdict.PASS


def test_a_value_we_write_that_is_not_offered_fails():
    wrong = lack(Need.VALUE, "blng__Payment__c.blng__Status__c", "has no 'Posted'; it offers Draft, Processed")
    result = judged("SF-MAP-01", org_needs=org(wrong))
    assert result.verdict is Verdict.FAIL
    assert "has no 'Posted'; it offers Draft, Processed" in result.observed


def test_a_status_the_mapping_does_not_know_warns_and_says_where_to_add_it():
    result = judged("SF-MAP-01", org_needs=org(lack(Need.STATE, "SBQQ__Quote__c.SBQQ__Status__c", "On Hold", "quote")))
    assert result.verdict is Verdict.WARN
    assert "On Hold" in result.observed
    assert "mapping of quote" in result.fix


def test_a_required_field_nobody_fills_fails():
    result = judged("SF-MAP-02", org_needs=org(lack(Need.REQUIRED, "blng__Payment__c.Cost_Center__c")))
    assert result.verdict is Verdict.FAIL
    assert "blng__Payment__c.Cost_Center__c" in result.observed


def test_no_check_of_these_speaks_of_what_another_one_finds():
    """One defect, one check."""
    finders = {
        need: {check for check in OF_ORG_NEEDS if judged(check, org_needs=org(lack(need, "A.b", "c"))).is_open}
        for need in Need
        if need is not Need.CURRENCY
    }
    assert {need: len(found) for need, found in finders.items()} == dict.fromkeys(finders, 1)


# -- money ------------------------------------------------------------------------------------------------------------


def several(**used: int) -> Currencies:
    return Currencies(multi_currency=True, used=used)


def only(code: str | None) -> Currencies:
    return Currencies(multi_currency=False, single=code, used={})


def test_a_multi_currency_org_without_the_setting_passes():
    result = judged("MC", currencies=several(EUR=3, USD=4))
    assert result.verdict is Verdict.PASS
    assert "EUR, USD" in result.observed


def test_a_setting_a_multi_currency_org_does_not_need_warns():
    result = judged("MC", currencies=several(EUR=3), about=situation(currency="usd"))
    assert result.verdict is Verdict.WARN
    assert "remove CONNECTOR_SALESFORCE__CURRENCY" in result.fix


def test_invoices_in_a_currency_nobody_can_count_fail_with_their_number():
    result = judged("MC", currencies=several(EUR=3, XTS=12))
    assert (result.verdict, result.severity) == (Verdict.FAIL, Severity.ERROR)
    assert "12 in XTS" in result.observed
    assert "EUR" not in result.observed


def test_a_single_currency_org_needs_the_setting_and_is_told_its_value():
    result = judged("MC", currencies=only("EUR"))
    assert (result.verdict, result.severity) == (Verdict.FAIL, Severity.BLOCKER)
    assert result.fix == "set CONNECTOR_SALESFORCE__CURRENCY to the org's currency: EUR"


def test_a_setting_that_differs_from_the_org_fails():
    result = judged("MC", currencies=only("EUR"), about=situation(currency="usd"))
    assert result.verdict is Verdict.FAIL
    assert "the org's currency is EUR" in result.observed


def test_a_setting_that_fits_passes_and_says_so_when_it_could_not_be_compared():
    assert judged("MC", currencies=only("USD"), about=situation(currency="usd")).verdict is Verdict.PASS
    compared = judged("MC", currencies=only(None), about=situation(currency="usd"))
    assert (compared.verdict, compared.degraded) == (Verdict.PASS, True)


def test_currencies_that_cannot_be_read_are_unknown():
    assert judged("MC", currencies=NOT_READABLE).verdict is Verdict.UNKNOWN
