"""Whether the packages are still the ones that were there when somebody last looked at them with open eyes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.verify.checks import Judgement, Verdict
from connector.core.verify.org import InstalledPackage, Packages
from connector.flows.verify.conditions.packages import described

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.verify.evidence import Facts
    from connector.core.verify.memory import PackagePin


def packages_unchanged(facts: Facts) -> Judgement:
    """Options: `namespaces` that matter here. Those the operator named for Stripe's package are added."""
    rows, pins = facts.read("packages", Packages).rows, facts.situation.pins
    if pins is None:
        reason = "earlier runs are not known: our own database cannot be opened"
        return Judgement(
            verdict=Verdict.UNKNOWN, observed=reason, fix="Correct CONNECTOR_DATABASE__URL or CONNECTOR_HOME."
        )
    watched = {*facts.option("namespaces", ()), *facts.situation.stripe_namespaces}
    pinned = [pin for pin in pins if pin.namespace in watched]
    if not pinned:
        seen = [described(row) for row in rows if row.namespace in watched]
        return Judgement(
            verdict=Verdict.PASS, observed="seen for the first time, and remembered from now on", evidence=tuple(seen)
        )
    worse, better = [], []
    for pin in pinned:
        mine = [row for row in rows if row.namespace == pin.namespace]
        told = _removed(pin, mine) or _downgraded(pin, mine)
        if told:
            worse.append(told)
        elif upgrade := _upgraded(pin, mine):
            better.append(upgrade)
    evidence = tuple(f"pinned on {pin.pinned_at:%Y-%m-%d}: {pin.namespace} {_text(pin.version)}" for pin in pinned)
    if worse or better:
        verdict = Verdict.FAIL if worse else Verdict.WARN
        return Judgement(verdict=verdict, observed="; ".join([*worse, *better]), evidence=evidence)
    return Judgement(verdict=Verdict.PASS, observed=f"{len(pinned)} packages are as they were", evidence=evidence)


def _removed(pin: PackagePin, rows: Sequence[InstalledPackage]) -> str:
    if not rows:
        return f"{pin.namespace} {_text(pin.version)} is not installed any more"
    if pin.package_id is None or any(row.package_id in (None, pin.package_id) for row in rows):
        return ""
    others = ", ".join(f"{row.name} ({row.package_id})" for row in rows)
    return f"{pin.namespace} is another package than {pin.package_id}: {others}"


def _downgraded(pin: PackagePin, rows: Sequence[InstalledPackage]) -> str:
    now = _version_now(pin, rows)
    if pin.version is None or now is None or now >= pin.version:
        return ""
    return f"{pin.namespace} went back from {_text(pin.version)} to {_text(now)}"


def _upgraded(pin: PackagePin, rows: Sequence[InstalledPackage]) -> str:
    now = _version_now(pin, rows)
    if pin.version is None or now is None or now <= pin.version:
        return ""
    return f"{pin.namespace} was upgraded from {_text(pin.version)} to {_text(now)}"


def _version_now(pin: PackagePin, rows: Sequence[InstalledPackage]) -> tuple[int, int, int, int] | None:
    """Of the very package that was pinned; of the newest of its namespace where the ids could not be read."""
    same = [row for row in rows if row.package_id == pin.package_id and pin.package_id is not None] or rows
    return max((row.version for row in same if row.version is not None), default=None)


def _text(version: tuple[int, int, int, int] | None) -> str:
    return "of an unknown version" if version is None else ".".join(str(part) for part in version)


CONDITIONS: Final = {"packages_unchanged": packages_unchanged}
