"""Whether we reach the right org, as the right user, with enough permissions and calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.model import Severity
from connector.core.verify.account import StripeKey
from connector.core.verify.checks import Judgement, Verdict
from connector.core.verify.org_identity import ApiBudget, ApiVersions, Organization, SignedIn, UserPermissions
from connector.core.verify.org_people import Logins

if TYPE_CHECKING:
    from connector.core.verify.evidence import Facts

_LABELS: Final = {
    "PermissionsApiEnabled": "API Enabled",
    "PermissionsViewSetup": "View Setup and Configuration",
    "PermissionsInstallPackaging": "Download AppExchange Packages",
}


def api_version(facts: Facts) -> Judgement:
    """Options: `oldest` (versions below are not supported), `behind` (releases behind the newest before it warns)."""
    offered = facts.read("api_versions", ApiVersions).offered
    ours = facts.situation.api_version
    newest = max(offered, key=_number, default=ours)
    if ours not in offered:
        fix = f"set CONNECTOR_SALESFORCE__API_VERSION to {newest}"
        return Judgement(verdict=Verdict.FAIL, observed=f"the org does not offer API version {ours}", fix=fix)
    if _number(ours) < int(facts.option("oldest")):
        fix = f"set CONNECTOR_SALESFORCE__API_VERSION to {newest}"
        return Judgement(verdict=Verdict.FAIL, observed=f"API version {ours} is too old for this connector", fix=fix)
    if _number(ours) < _number(newest) - int(facts.option("behind")):
        return Judgement(verdict=Verdict.WARN, observed=f"API version {ours} is offered, the newest is {newest}")
    return Judgement(verdict=Verdict.PASS, observed=f"API version {ours} is offered (newest {newest})")


def _number(version: str) -> int:
    return int(version.partition(".")[0])


def right_user(facts: Facts) -> Judgement:
    """The session is the integration user's, and of the organisation that answers queries."""
    me, org = facts.read("signed_in", SignedIn), facts.read("organization", Organization)
    if me.org_id != org.id:
        observed = f"the session is of organisation {me.org_id}, queries are answered by {org.id}"
        return Judgement(verdict=Verdict.FAIL, observed=observed)
    wanted = facts.situation.username
    if wanted is not None and wanted.casefold() != me.username.casefold():
        observed = f"signed in as {me.username}, the settings name {wanted}"
        return Judgement(verdict=Verdict.FAIL, observed=observed)
    return Judgement(verdict=Verdict.PASS, observed=f"signed in to {org.name} as {me.username}")


def mode_fits(facts: Facts) -> Judgement:
    """A sandbox goes with a test key, production with a live key."""
    org, key = facts.read("organization", Organization), facts.read("stripe_key", StripeKey)
    mode = "live" if key.livemode else "test"
    observed = f"{org.name} is a {org.kind}, the Stripe key {key.hint} is a {mode} key"
    if org.is_sandbox is not key.livemode:
        return Judgement(verdict=Verdict.PASS, observed=observed)
    wanted = "test" if org.is_sandbox else "live"
    return Judgement(
        verdict=Verdict.FAIL,
        observed=observed,
        fix=f"set CONNECTOR_STRIPE__API_KEY to a {wanted} key, or sign in to the other org",
    )


def system_permissions(facts: Facts) -> Judgement:
    """API Enabled for everything; the other two so that the verifier can look."""
    permissions = facts.read("user_permissions", UserPermissions)
    missing = [name for name in _LABELS if permissions.held.get(name) is False]
    evidence = tuple(f"{name}: {'held' if held else 'not held'}" for name, held in permissions.held.items())
    if missing:
        only_looking = "PermissionsApiEnabled" not in missing
        return Judgement(
            verdict=Verdict.FAIL,
            observed=f"the user lacks {_words(missing)}",
            severity=Severity.ERROR if only_looking else None,
            why="checks that need it cannot look" if only_looking else None,
            evidence=evidence,
        )
    unclear = [name for name in _LABELS if name in permissions.unreadable]
    if unclear:
        observed = f"cannot be told whether the user has {_words(unclear)}"
        return Judgement(verdict=Verdict.UNKNOWN, observed=observed, evidence=evidence)
    return Judgement(verdict=Verdict.PASS, observed=f"the user has {_words(list(_LABELS))}", evidence=evidence)


def _words(names: list[str]) -> str:
    return ", ".join(_LABELS[name] for name in names)


def api_budget(facts: Facts) -> Judgement:
    """Options: `share_percent` of the day's calls that must be left."""
    budget = facts.read("api_budget", ApiBudget)
    wanted = max(budget.allowed * int(facts.option("share_percent")) // 100, facts.situation.forecast_calls)
    observed = f"{budget.remaining:,} of {budget.allowed:,} API calls left in the last 24 hours"
    evidence = (f"read from {budget.source}",)
    verdict = Verdict.PASS if budget.remaining >= wanted else Verdict.FAIL
    return Judgement(
        verdict=verdict,
        observed=observed,
        expected=f"at least {wanted:,} left",
        evidence=evidence,
        degraded=budget.source != "GET limits",
    )


def no_soap_login(facts: Facts) -> Judgement:
    kinds = facts.read("logins", Logins).kinds
    soap = sorted(kind for kind in kinds if kind.upper().startswith("SOAP"))
    if soap:
        observed = f"the connector's user signed in by {', '.join(soap)} in the last 30 days"
        return Judgement(verdict=Verdict.WARN, observed=observed)
    return Judgement(verdict=Verdict.PASS, observed="no SOAP login of the connector's user in the last 30 days")


CONDITIONS: Final = {
    "api_version": api_version,
    "right_user": right_user,
    "mode_fits": mode_fits,
    "system_permissions": system_permissions,
    "api_budget": api_budget,
    "no_soap_login": no_soap_login,
}
