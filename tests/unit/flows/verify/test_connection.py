"""Reaching the right org: version, user, mode, permissions, quota, logins."""

import pytest

from connector.core.model import Severity
from connector.core.verify.account import StripeKey
from connector.core.verify.checks import Verdict
from connector.core.verify.org_identity import ApiBudget, ApiVersions, Organization, SignedIn, UserPermissions
from connector.core.verify.org_people import Logins
from tests.support.verify import NOT_READABLE, judged, situation

ORG = "00Dhd0000000001EAA"
ME = SignedIn(user_id="005hd0000000002AAA", username="sync@acme.example", org_id=ORG)


def organization(**changes):
    given = {"id": ORG, "name": "Acme", "is_sandbox": True, "edition": "Enterprise Edition", "instance": "SBX1"}
    return Organization(**(given | changes))


def versions(*numbers):
    return ApiVersions(offered=tuple(f"{number}.0" for number in numbers))


def key(*, livemode):
    return StripeKey(livemode=livemode, restricted=False, hint="sk_...4f2a")


@pytest.mark.parametrize(
    ("check", "names"),
    [
        ("SF-CONN-01", ["api_versions"]),
        ("SF-CONN-02", ["signed_in", "organization"]),
        ("SF-CONN-03", ["organization", "stripe_key"]),
        ("SF-CONN-04", ["user_permissions"]),
        ("SF-CONN-05", ["api_budget"]),
        ("SF-SEC-01", ["logins"]),
    ],
)
def test_what_cannot_be_read_is_unknown_and_names_the_permission(check, names):
    result = judged(check, **dict.fromkeys(names, NOT_READABLE))
    assert result.verdict is Verdict.UNKNOWN
    assert "View Setup" in result.fix


def test_an_offered_version_passes():
    assert judged("SF-CONN-01", api_versions=versions(66, 67)).verdict is Verdict.PASS


def test_a_version_that_is_not_offered_fails_and_names_one_that_is():
    result = judged("SF-CONN-01", api_versions=versions(68, 69))
    assert (result.verdict, result.severity) == (Verdict.FAIL, Severity.BLOCKER)
    assert result.fix == "set CONNECTOR_SALESFORCE__API_VERSION to 69.0"


def test_a_version_older_than_the_floor_fails_though_it_is_offered():
    result = judged("SF-CONN-01", api_versions=versions(59, 60), about=situation(api_version="59.0"))
    assert result.verdict is Verdict.FAIL


@pytest.mark.parametrize(("newest", "verdict"), [(73, Verdict.PASS), (74, Verdict.WARN)])
def test_more_than_six_releases_behind_the_newest_warns(newest, verdict):
    assert judged("SF-CONN-01", api_versions=versions(67, newest)).verdict is verdict


def test_the_session_of_the_configured_user_passes_in_any_case_of_letters():
    about = situation(username="Sync@Acme.example")
    assert judged("SF-CONN-02", signed_in=ME, organization=organization(), about=about).verdict is Verdict.PASS


def test_another_users_session_fails_and_names_both():
    about = situation(username="other@acme.example")
    result = judged("SF-CONN-02", signed_in=ME, organization=organization(), about=about)
    assert result.verdict is Verdict.FAIL
    assert "sync@acme.example" in result.observed
    assert "other@acme.example" in result.observed


def test_a_session_of_another_org_than_the_one_that_answers_fails():
    other = organization(id="00Dhd0000000009EAA")
    assert judged("SF-CONN-02", signed_in=ME, organization=other).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("is_sandbox", "livemode", "verdict"),
    [
        (True, False, Verdict.PASS),
        (False, True, Verdict.PASS),
        (True, True, Verdict.FAIL),
        (False, False, Verdict.FAIL),
    ],
)
def test_a_sandbox_goes_with_a_test_key_and_production_with_a_live_one(is_sandbox, livemode, verdict):
    result = judged("SF-CONN-03", organization=organization(is_sandbox=is_sandbox), stripe_key=key(livemode=livemode))
    assert result.verdict is verdict


def test_a_mode_that_does_not_fit_says_which_key_is_wanted():
    result = judged("SF-CONN-03", organization=organization(), stripe_key=key(livemode=True))
    assert "to a test key" in result.fix
    assert "sandbox" in result.observed
    assert "live key" in result.observed


def permissions(unreadable=(), **held):
    names = {"api": "PermissionsApiEnabled", "setup": "PermissionsViewSetup", "packages": "PermissionsInstallPackaging"}
    return UserPermissions(
        held={name: held.get(short, True) for short, name in names.items() if short not in unreadable},
        unreadable={names[short]: "INVALID_FIELD" for short in unreadable},
    )


def test_all_permissions_pass():
    assert judged("SF-CONN-04", user_permissions=permissions()).verdict is Verdict.PASS


def test_without_the_api_nothing_works():
    result = judged("SF-CONN-04", user_permissions=permissions(api=False))
    assert (result.verdict, result.severity) == (Verdict.FAIL, Severity.BLOCKER)


def test_without_the_verifiers_own_permissions_the_daemon_may_still_run():
    result = judged("SF-CONN-04", user_permissions=permissions(setup=False, packages=False))
    assert (result.verdict, result.severity) == (Verdict.FAIL, Severity.ERROR)
    assert "View Setup and Configuration, Download AppExchange Packages" in result.observed


def test_a_permission_this_version_does_not_know_is_unknown_not_held():
    assert judged("SF-CONN-04", user_permissions=permissions(unreadable=("setup",))).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(("used", "verdict"), [(80_000, Verdict.PASS), (80_001, Verdict.FAIL)])
def test_a_fifth_of_the_calls_must_be_left(used, verdict):
    budget = ApiBudget(used=used, allowed=100_000, source="GET limits")
    assert judged("SF-CONN-05", api_budget=budget).verdict is verdict


def test_what_the_connector_is_expected_to_make_must_be_left_too():
    budget = ApiBudget(used=60_000, allowed=100_000, source="GET limits")
    assert judged("SF-CONN-05", api_budget=budget, about=situation(forecast_calls=50_000)).verdict is Verdict.FAIL


def test_a_quota_from_the_header_is_degraded():
    budget = ApiBudget(used=1, allowed=100, source="the answers' Sforce-Limit-Info header")
    result = judged("SF-CONN-05", api_budget=budget)
    assert (result.verdict, result.degraded) == (Verdict.PASS, True)


def test_a_soap_login_warns_and_others_do_not():
    assert judged("SF-SEC-01", logins=Logins(kinds=frozenset({"REST API"}))).verdict is Verdict.PASS
    result = judged("SF-SEC-01", logins=Logins(kinds=frozenset({"SOAP Partner", "REST API"})))
    assert result.verdict is Verdict.WARN
    assert "SOAP Partner" in result.observed
