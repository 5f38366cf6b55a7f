"""Which packages are installed, how old they are, and whether their licences live.

`InstalledSubscriberPackage` is the best source; a user without the permission for it is answered by
weaker ones (publishers, package licences, the list of objects), and the result says so: degraded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from connector.core.model import Severity
from connector.core.verify.checks import Judgement, Verdict
from connector.core.verify.org import InstalledPackage, Packages
from connector.core.verify.org_packages import (
    GlobalObjects,
    InstallRequests,
    PackageLicences,
    PackageVersions,
    Publishers,
)

if TYPE_CHECKING:
    from datetime import datetime

    from connector.core.verify.evidence import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A package as well as it can be seen."""

    name: str
    #: (major, minor, ...); empty where it is not known
    version: tuple[int, ...]
    text: str
    evidence: tuple[str, ...]
    degraded: bool = False


def find_package(facts: Facts, namespace: str, *, sign: str = "") -> Found | None:
    """The newest package of this namespace, or None when none is installed. `sign` is an object that only
    this package brings. NotReadable when nothing answers.
    """
    packages = facts.peek("packages", Packages)
    if packages is not None:
        listed = _listed(packages.of(namespace))
        # A row may show neither its package nor its version (platform.md A1): it could be the one that is looked for.
        if listed is not None or all(row.namespace is not None for row in packages.rows):
            return listed
    publishers = facts.peek("publishers", Publishers)
    if publishers is not None:
        published = publishers.of(namespace)
        if published is None:
            return None
        version = tuple(part for part in (published.major, published.minor) if part is not None)
        return _weaker(published.name, version, "query Publisher")
    licences = facts.peek("package_licences", PackageLicences)
    if licences is not None and licences.of(namespace) is not None:
        return _weaker(namespace, (), "query PackageLicense")
    objects = facts.peek("global_objects", GlobalObjects)
    if objects is not None and sign:
        return _weaker(namespace, (), f"the object {sign}") if sign in objects.names else None
    facts.read("packages", Packages)  # says why nothing answers, where the list is closed
    return None


def _listed(rows: tuple[InstalledPackage, ...]) -> Found | None:
    if not rows:
        return None
    newest = max(rows, key=lambda row: row.version or (0, 0, 0, 0))
    return Found(
        name=newest.name,
        version=newest.version or (),
        text=newest.version_text,
        evidence=tuple(described(row) for row in rows),
    )


def _weaker(name: str, version: tuple[int, ...], source: str) -> Found:
    text = ".".join(map(str, version)) or "version unknown"
    return Found(name=name, version=version, text=text, evidence=(f"{name} {text}, by {source}",), degraded=True)


def described(row: InstalledPackage) -> str:
    return f"{row.namespace or 'no namespace'} {row.name} {row.version_text} ({row.version_id or 'no version id'})"


def package_installed(facts: Facts) -> Judgement:
    """Options: `namespace`, `sign` (an object it brings), `minimum` (`250.0`), `same_train_as` (a namespace of
    the same release), `trains` (major of that namespace -> majors that go with it, where they differ).
    """
    namespace, minimum = str(facts.option("namespace")), str(facts.option("minimum", "0"))
    found = find_package(facts, namespace, sign=str(facts.option("sign", "")))
    if found is None:
        return Judgement(verdict=Verdict.FAIL, observed=f"no package with namespace {namespace} is installed")
    if not found.version:
        observed = f"{found.name} is installed, its version cannot be read"
        return Judgement(verdict=Verdict.WARN, observed=observed, evidence=found.evidence, degraded=found.degraded)
    wanted = tuple(int(part) for part in minimum.split("."))
    if found.version[: len(wanted)] < wanted:
        observed = f"{found.name} {found.text} is older than {minimum}"
        return Judgement(verdict=Verdict.FAIL, observed=observed, evidence=found.evidence, degraded=found.degraded)
    return _same_train(facts, found) or Judgement(
        verdict=Verdict.PASS,
        observed=f"{found.name} {found.text}",
        evidence=found.evidence,
        degraded=found.degraded,
    )


def _same_train(facts: Facts, found: Found) -> Judgement | None:
    sister = facts.option("same_train_as")
    other = find_package(facts, str(sister)) if sister else None
    if other is None or not other.version:
        return None
    trains = {str(major): [str(each) for each in majors] for major, majors in facts.option("trains", {}).items()}
    fitting = trains.get(str(other.version[0]), [str(other.version[0])])
    if str(found.version[0]) in fitting:
        return None
    return Judgement(
        verdict=Verdict.WARN,
        observed=f"{found.name} is of release {found.version[0]}, {other.name} of release {other.version[0]}",
        why="the two are tested together by release; mixed releases show errors that neither has alone",
        fix="upgrade the older one to the release of the other (Setup, Installed Packages)",
        evidence=(*found.evidence, *other.evidence),
    )


def packages_listed(facts: Facts) -> Judgement:
    """Whether installed packages can be listed, or only guessed by weaker ways."""
    packages = facts.peek("packages", Packages)
    if packages is not None:
        return Judgement(verdict=Verdict.PASS, observed=f"{len(packages.rows)} installed packages can be listed")
    ways = {"publishers": Publishers, "package_licences": PackageLicences, "global_objects": GlobalObjects}
    readable = [name.replace("_", " ") for name, kind in ways.items() if facts.peek(name, kind) is not None]
    if not readable:
        facts.read("packages", Packages)
    return Judgement(
        verdict=Verdict.WARN,
        observed=f"{facts.reason('packages')}; degraded: told by {', '.join(readable)} instead",
        degraded=True,
    )


def licence_live(facts: Facts) -> Judgement:
    """Options: `namespaces`, `days` (ending sooner warns). Stripe's packages are looked at as well, as far as
    the profile or the settings name them.
    """
    licences = facts.read("package_licences", PackageLicences)
    stripe = (*facts.profile.options.get("stripe_packages", ()), *facts.situation.stripe_namespaces)
    told: list[str] = []
    expired: list[str] = []
    ending: list[str] = []
    hidden: list[str] = []
    for namespace in dict.fromkeys([*facts.option("namespaces"), *stripe]):
        licence = licences.of(namespace)
        if licence is None:
            hidden += [namespace] if _is_there(facts, namespace) else []
            continue
        until = "" if licence.expires is None else f" until {licence.expires:%Y-%m-%d}"
        told.append(f"{namespace}: {licence.status}{until}, {_seats(licence.allowed, licence.used)}")
        if licence.status not in ("Active", "Free", "Trial") or (licence.expires and licence.expires <= facts.now):
            expired.append(f"{namespace} is {licence.status}{until}")
        elif licence.allowed not in (None, -1) and (licence.used or 0) > (licence.allowed or 0):
            expired.append(f"{namespace} has {licence.used} users on {licence.allowed} licences")
        elif licence.expires and licence.expires <= facts.now + timedelta(days=int(facts.option("days"))):
            ending.append(f"{namespace} ends on {licence.expires:%Y-%m-%d}")
    if expired:
        return Judgement(verdict=Verdict.FAIL, observed="; ".join(expired), evidence=tuple(told))
    if hidden:
        observed = f"installed, and no licence record is shown for {' and '.join(hidden)}"
        fix = "run verify as a user who may see the licences: Setup, Installed Packages, Manage Licenses"
        return Judgement(verdict=Verdict.UNKNOWN, observed=observed, fix=fix, evidence=tuple(told))
    if ending:
        observed = "; ".join(ending)
        return Judgement(verdict=Verdict.WARN, observed=observed, severity=Severity.WARNING, evidence=tuple(told))
    if not told:
        return Judgement(verdict=Verdict.NOT_APPLICABLE, observed="none of these packages is installed")
    return Judgement(verdict=Verdict.PASS, observed="; ".join(told))


def _is_there(facts: Facts, namespace: str) -> bool:
    """As far as packages or publishers show it."""
    packages, publishers = facts.peek("packages", Packages), facts.peek("publishers", Publishers)
    listed = packages is not None and bool(packages.of(namespace))
    return listed or (publishers is not None and publishers.of(namespace) is not None)


def _seats(allowed: int | None, used: int | None) -> str:
    return "site licence" if allowed in (None, -1) else f"{used or 0} of {allowed} seats used"


def released(facts: Facts) -> Judgement:
    """Neither beta nor deprecated. A version protected by an installation key shows nothing."""
    versions = facts.read("package_versions", PackageVersions)
    bad = [f"{row.namespace} is a beta version" for row in versions.rows if row.is_beta]
    bad += [f"{row.namespace} is a deprecated version" for row in versions.rows if row.is_deprecated]
    hidden = tuple(f"{namespace}: {why}" for namespace, why in versions.unreadable.items())
    if bad:
        return Judgement(verdict=Verdict.WARN, observed="; ".join(bad), evidence=hidden)
    if hidden:
        return Judgement(
            verdict=Verdict.UNKNOWN,
            observed=f"the version cannot be looked at: {'; '.join(hidden)}",
            fix="ask the vendor whether the installed version is released; a key-protected version is not shown",
        )
    if not versions.rows:
        return Judgement(verdict=Verdict.NOT_APPLICABLE, observed="none of these packages is installed")
    names = ", ".join(row.namespace for row in versions.rows)
    return Judgement(verdict=Verdict.PASS, observed=f"released versions: {names}")


def installed_after(facts: Facts) -> Judgement:
    """Options: `first`, `second` (namespaces). By the installations' dates; package ids say nothing about order."""
    packages = facts.read("packages", Packages)
    first, second = str(facts.option("first")), str(facts.option("second"))
    requests = facts.peek("install_requests", InstallRequests)
    dates = {name: _first_installed(packages, requests, name) for name in (first, second)}
    source = "PackageInstallRequest"
    if None in dates.values():
        licences = facts.peek("package_licences", PackageLicences)
        rows = {name: licences.of(name) if licences else None for name in dates}
        dates = {name: row.created if row else None for name, row in rows.items()}
        source = "PackageLicense.CreatedDate"
    one, two = dates[first], dates[second]
    if one is None or two is None or one == two:
        return Judgement(verdict=Verdict.MANUAL, observed="no record says which of the two was installed first")
    evidence = (f"{first} {one:%Y-%m-%d %H:%M}, {second} {two:%Y-%m-%d %H:%M}, by {source}",)
    if two < one:
        observed = f"{second} was installed or upgraded on {two:%Y-%m-%d}, before {first} on {one:%Y-%m-%d}"
        return Judgement(verdict=Verdict.WARN, observed=observed, evidence=evidence)
    return Judgement(verdict=Verdict.PASS, observed=f"{first} first, then {second}", evidence=evidence)


def _first_installed(packages: Packages, requests: InstallRequests | None, namespace: str) -> datetime | None:
    if requests is None:
        return None
    rows = packages.of(namespace)
    found = [each for row in rows if (each := requests.of(row.first_version_id, row.version_id)) is not None]
    return min((each.at for each in found if each.at is not None), default=None)


CONDITIONS: Final = {
    "package_installed": package_installed,
    "packages_listed": packages_listed,
    "licence_live": licence_live,
    "package_released": released,
    "installed_after": installed_after,
}
