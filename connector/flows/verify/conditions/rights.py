"""Who was given what when the packages were installed, and which permission sets are held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.verify.checks import Judgement, Verdict
from connector.core.verify.org import Packages
from connector.core.verify.org_packages import InstallRequests
from connector.core.verify.org_people import HeldSets, ProfileReaders
from connector.flows.verify.conditions.stripe_packages import UNIVERSAL

if TYPE_CHECKING:
    from connector.core.verify.evidence import Facts

#: PackageInstallRequest.SecurityType (platform.md A1)
_SECURITY: Final = {"Full": "for all users", "None": "for administrators only", "Custom": "for chosen profiles"}


def for_all_users(facts: Facts) -> Judgement:
    """Options: `packages`: namespace -> an object of it whose access profiles can still grant; `admins`
    (profile names). By the installation request, else by that object being read by more than one profile of
    everyday users.
    """
    told: list[str] = []
    narrow: list[str] = []
    unclear: list[str] = []
    admins = set(facts.option("admins"))
    for namespace, sobject in facts.option("packages").items():
        security = _security(facts, namespace)
        readers = facts.peek("profile_readers", ProfileReaders)
        others = readers.of(sobject) - admins if readers is not None else frozenset()
        if security == "Full" or len(others) > 1:
            told.append(f"{namespace}: {_told(security, others)}")
        elif security == "None":
            narrow.append(f"{namespace} was installed for administrators only")
        else:
            unclear.append(namespace)
    if narrow:
        return Judgement(verdict=Verdict.FAIL, observed="; ".join(narrow), evidence=tuple(told))
    if unclear:
        observed = f"no record says for whom {' and '.join(unclear)} was installed"
        return Judgement(verdict=Verdict.MANUAL, observed=observed, evidence=tuple(told))
    return Judgement(verdict=Verdict.PASS, observed="; ".join(told), evidence=tuple(told))


def _told(security: str | None, others: frozenset[str]) -> str:
    if security == "Full":
        return "installed for all users"
    return f"read by profile {', '.join(sorted(others))}"


def _security(facts: Facts, namespace: str) -> str | None:
    packages, requests = facts.peek("packages", Packages), facts.peek("install_requests", InstallRequests)
    if packages is None or requests is None:
        return None
    rows = packages.of(namespace)
    found = [request for row in rows if (request := requests.of(row.version_id, row.first_version_id)) is not None]
    return found[-1].security if found else None


def for_admins_only(facts: Facts) -> Judgement:
    """Stripe's packages, by the same evidence. Options: `sign` (an object of Stripe's), `admins`."""
    namespaces = (*facts.profile.options.get("stripe_packages", ()), *facts.situation.stripe_namespaces)
    security = {namespace: _security(facts, namespace) for namespace in namespaces}
    wide = [namespace for namespace, found in security.items() if found == "Full"]
    readers = facts.peek("profile_readers", ProfileReaders)
    others = sorted(readers.of(str(facts.option("sign"))) - set(facts.option("admins"))) if readers else []
    if wide or others:
        observed = f"{', '.join(wide)} was installed for all users" if wide else f"read by profile {', '.join(others)}"
        return Judgement(verdict=Verdict.WARN, observed=observed)
    # profiles that read nothing of it tell it as well, for the one package whose objects are known
    told_by_profiles = {UNIVERSAL} if readers is not None else set()
    unclear = [name for name, found in security.items() if found is None and name not in told_by_profiles]
    if unclear or not namespaces:
        observed = f"no record says for whom {' and '.join(unclear) or 'it'} was installed"
        return Judgement(verdict=Verdict.MANUAL, observed=observed)
    told = ", ".join(f"{name} {_SECURITY.get(found or 'None', found)}" for name, found in security.items())
    return Judgement(verdict=Verdict.PASS, observed=told)


def sets_held(facts: Facts) -> Judgement:
    """Options: `mine`: list of groups, one set of each must be held by the connector's user (`SBQQ__X` or `X`);
    profile option `persona_labels`: sets that somebody active must hold.
    """
    held = facts.read("held_sets", HeldSets)
    names = {each.full_name for each in held.mine}
    missing = [" or ".join(group) for group in facts.option("mine") if not names.intersection(group)]
    nobody = [label for label in facts.option("persona_labels", ()) if label not in held.held_by_anybody]
    evidence = (f"the connector's user holds: {', '.join(sorted(names)) or 'none'}",)
    told = [f"the connector's user lacks {name}" for name in missing]
    told += [f"nobody holds {label}" for label in nobody]
    if told:
        return Judgement(verdict=Verdict.FAIL, observed="; ".join(told), evidence=evidence)
    return Judgement(verdict=Verdict.PASS, observed="every permission set wanted is held", evidence=evidence)


CONDITIONS: Final = {"for_all_users": for_all_users, "for_admins_only": for_admins_only, "sets_held": sets_held}
