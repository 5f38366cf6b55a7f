"""Permission set licences, and Salesforce's own licences for looking after the bill."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from connector.core.model import Severity
from connector.core.verify.checks import Judgement, Verdict
from connector.core.verify.org_identity import Organization
from connector.core.verify.org_people import LicenceHolders, Managers, SeatLicences, YourAccount

if TYPE_CHECKING:
    from connector.core.verify.evidence import Facts
    from connector.core.verify.org_people import SeatLicence


def seats(facts: Facts) -> Judgement:
    """The CPQ licence exists, is active, and has a seat. Options: `days` (ending sooner warns)."""
    rows = facts.read("cpq_seats", SeatLicences).rows
    if not rows:
        return Judgement(verdict=Verdict.FAIL, observed="the org has no Salesforce CPQ permission set licence")
    # An org may keep an old licence of the same name beside the one in use.
    licence = next((row for row in rows if _lives(row, facts)), rows[0])
    text = f"{licence.label}: {licence.status}, {licence.used} of {licence.total} seats used"
    if not _lives(licence, facts):
        return Judgement(verdict=Verdict.FAIL, observed=text)
    if _ended(licence, facts, days=int(facts.option("days"))):
        observed = f"{text}; it ends on {licence.expires:%Y-%m-%d}"
        return Judgement(verdict=Verdict.WARN, observed=observed, severity=Severity.WARNING)
    return Judgement(verdict=Verdict.PASS, observed=text)


def _lives(licence: SeatLicence, facts: Facts) -> bool:
    return licence.status == "Active" and licence.total > 0 and not _ended(licence, facts, days=0)


def _ended(licence: SeatLicence, facts: Facts, *, days: int) -> bool:
    return licence.expires is not None and licence.expires <= facts.now + timedelta(days=days)


def seat_held(facts: Facts) -> Judgement:
    """By the connector's user (else nothing of CPQ can be read), and by the user who installed the packages."""
    held = facts.read("cpq_holders", LicenceHolders)
    evidence = (f"holders among these users: {', '.join(sorted(held.usernames)) or 'none'}",)
    # Salesforce takes usernames in any case of letters, and so do the settings.
    holders = {name.casefold() for name in held.usernames}
    if held.sync_user.casefold() not in holders:
        observed = f"{held.sync_user}, the connector's user, does not hold the Salesforce CPQ licence"
        return Judgement(verdict=Verdict.FAIL, observed=observed, evidence=evidence)
    if held.installer is None:
        observed = f"{held.sync_user} holds it; who installed the packages is not recorded"
        fix = "set CONNECTOR_VERIFY__INSTALLER to the user who installed CPQ, to have that user checked as well"
        return Judgement(verdict=Verdict.WARN, observed=observed, fix=fix, severity=Severity.INFO, evidence=evidence)
    if held.installer.casefold() not in holders:
        observed = f"{held.installer}, who installed CPQ ({held.installer_known_by}), does not hold the licence"
        return Judgement(verdict=Verdict.FAIL, observed=observed, severity=Severity.WARNING, evidence=evidence)
    names = dict.fromkeys([held.sync_user, held.installer])
    return Judgement(verdict=Verdict.PASS, observed=f"held by {' and '.join(names)}", evidence=evidence)


def billing_managers(facts: Facts) -> Judgement:
    """Somebody active may manage the bill with Salesforce, and everybody named in the settings may."""
    nowhere = _not_here(facts)
    if nowhere is not None:
        return nowhere
    rows = facts.read("billing_managers", Managers).rows
    evidence = tuple(sorted({f"{row.username}: {row.through}" for row in rows}))
    if not rows:
        observed = "no active user has Manage Billing"
        return Judgement(verdict=Verdict.FAIL, observed=observed)
    holders = {row.username.casefold() for row in rows}
    without = [name for name in facts.situation.billing_contacts if name.casefold() not in holders]
    if without:
        observed = f"Manage Billing is missing for {', '.join(without)}"
        return Judgement(verdict=Verdict.FAIL, observed=observed, evidence=evidence)
    return Judgement(
        verdict=Verdict.PASS, observed=f"{len(holders)} active users have Manage Billing", evidence=evidence
    )


def identity_seats(facts: Facts) -> Judgement:
    nowhere = _not_here(facts)
    if nowhere is not None:
        return nowhere
    rows = facts.read("identity_seats", SeatLicences).rows
    if not rows:
        return Judgement(verdict=Verdict.WARN, observed="the org has no Identity licences")
    told = "; ".join(f"{row.label}: {row.status}, {row.total - row.used} of {row.total} free" for row in rows)
    free = any(row.status == "Active" and row.used < row.total for row in rows)
    return Judgement(verdict=Verdict.PASS if free else Verdict.WARN, observed=told)


def your_account(facts: Facts) -> Judgement:
    nowhere = _not_here(facts)
    if nowhere is not None:
        return nowhere
    found = facts.read("your_account", YourAccount)
    licences = "; ".join(f"{row.label}: {row.used} of {row.total} used" for row in found.licences)
    evidence = (*found.permission_sets, *([licences] if licences else []))
    lacking = [
        name
        for name, there in (("permission set", found.permission_sets), ("permission set licence", found.licences))
        if not there
    ]
    if lacking:
        observed = f"no {' and no '.join(lacking)} named Your Account"
        return Judgement(verdict=Verdict.WARN, observed=observed, evidence=evidence)
    return Judgement(
        verdict=Verdict.PASS, observed=f"{', '.join(found.permission_sets)}; {licences}", evidence=evidence
    )


def _not_here(facts: Facts) -> Judgement | None:
    """Salesforce offers Your Account in production only (platform.md A2)."""
    org = facts.read("organization", Organization)
    if org.is_sandbox or org.edition == "Developer Edition" or org.is_government:
        where = "Government Cloud" if org.is_government else f"a {org.kind}"
        return Judgement(verdict=Verdict.NOT_APPLICABLE, observed=f"not available in {where}")
    return None


CONDITIONS: Final = {
    "cpq_seats": seats,
    "cpq_seat_held": seat_held,
    "billing_managers": billing_managers,
    "identity_seats": identity_seats,
    "your_account": your_account,
}
