"""Stripe's packages in the org: the one the profile names, and that nobody else writes.

Profile options: `stripe_packages` (namespaces of managed packages that must be there), `operator_namespaces: true` (the
operator names them in CONNECTOR_VERIFY__STRIPE_NAMESPACES), `apex_classes` and `permission_set_labels`
(signs of an unmanaged package, which has no namespace), `package_names` (texts its name contains),
`gateway_type` (a picklist value that goes with it).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from connector.core.verify.checks import Judgement, Verdict
from connector.core.verify.org import Packages
from connector.core.verify.org_packages import Publishers, StripeParts
from connector.core.verify.org_setup import AchValues, LinkedAccounts
from connector.flows.verify.conditions.packages import described, find_package

if TYPE_CHECKING:
    from connector.core.verify.evidence import Facts

#: the one namespace of Stripe's that is public (platform.md A2)
UNIVERSAL: Final = "stripeGC"


def stripe_package(facts: Facts) -> Judgement:
    """What the profile says is installed, is; a profile without a package is done with SF-PKG-07."""
    wanted = _wanted(facts)
    if wanted is None:
        return Judgement(
            verdict=Verdict.UNKNOWN,
            observed="the namespace of Stripe's package is not public, and nobody named it",
            fix="set CONNECTOR_VERIFY__STRIPE_NAMESPACES to the namespace shown in Setup, Installed Packages",
        )
    if not wanted and not facts.option("package_names", ()):
        return Judgement(verdict=Verdict.NOT_APPLICABLE, observed="this profile expects no package of Stripe's")
    missing: list[str] = []
    evidence: list[str] = []
    degraded = False
    for namespace in wanted:
        found = find_package(facts, namespace)
        if found is None:
            missing.append(f"no package with namespace {namespace}")
        else:
            evidence += found.evidence
            degraded = degraded or found.degraded
    signs, lacking = _unmanaged(facts)
    hint = _hint(facts) if lacking else None
    evidence += signs
    if missing or (lacking and hint is None):
        observed = "; ".join([*missing, *lacking])
        return Judgement(verdict=Verdict.FAIL, observed=observed, evidence=tuple(evidence), degraded=degraded)
    if hint is not None:
        observed = f"{'; '.join(lacking)}; only {hint} points to it"
        return Judgement(verdict=Verdict.WARN, observed=observed, evidence=(*evidence, hint), degraded=True)
    return Judgement(
        verdict=Verdict.PASS,
        observed="; ".join(evidence) or "installed",
        evidence=tuple(evidence),
        degraded=degraded,
    )


def _wanted(facts: Facts) -> tuple[str, ...] | None:
    """Namespaces that must be there; None where the operator has to name one and did not."""
    if facts.profile.options.get("operator_namespaces"):
        return facts.situation.stripe_namespaces or None
    return tuple(facts.profile.options.get("stripe_packages", ()))


def _unmanaged(facts: Facts) -> tuple[list[str], list[str]]:
    """Signs of the unmanaged part that were found, and what is lacking. One sign of code is enough: names of
    classes are not published, so the profile lists candidates; a package row by name counts as well.
    """
    names = [str(name) for name in facts.option("package_names", ())]
    if not names:
        return [], []
    packages = facts.peek("packages", Packages)
    rows = packages.rows if packages is not None else ()
    signs = [described(row) for row in rows if row.namespace is None and any(name in row.name for name in names)]
    parts = facts.peek("parts_by_name", StripeParts)
    if parts is not None:
        signs += [f"Apex class {name}" for namespace, name in parts.classes if namespace is None]
        signs += [f"permission set {label}" for label in parts.permission_sets]
    if signs:
        return signs, []
    if packages is None and parts is None:
        facts.read("packages", Packages)
    return [], [f"no sign of {names[0]}: no unmanaged package of that name, no class, no permission set"]


def _hint(facts: Facts) -> str | None:
    """A picklist value that goes with the unmanaged part. It may have been added by hand, or left behind."""
    wanted = facts.profile.options.get("gateway_type")
    values = facts.peek("ach_values", AchValues)
    if wanted is None or values is None or wanted not in values.gateway_types:
        return None
    return f"the gateway type {wanted!r}"


def one_writer(facts: Facts) -> Judgement:
    """No package of Stripe's but the profile's. Options: `known` (namespaces of Stripe's writers),
    `name_parts` (beginnings of words by which others are recognised). Publishers can only prove that there is another one:
    an unmanaged package has none.
    """
    allowed = set(_wanted(facts) or facts.situation.stripe_namespaces)
    packages = facts.peek("packages", Packages)
    of_profile = [str(name) for name in facts.option("package_names", ())]
    writers = _writers(facts, packages)
    others = [
        (name, namespace)
        for name, namespace in writers
        if namespace not in allowed and not (namespace is None and any(each in name for each in of_profile))
    ]
    evidence = tuple(f"{namespace or 'no namespace'} {name}" for name, namespace in writers)
    if packages is not None and _wanted(facts) is None and len(others) == 1:
        name, namespace = others[0]
        if namespace is not None and namespace not in facts.option("known", ()):
            return Judgement(
                verdict=Verdict.UNKNOWN,
                observed=f"{name} is installed, and nobody said whether it is the profile's package",
                fix=f"if it is, set CONNECTOR_VERIFY__STRIPE_NAMESPACES to {namespace}",
                evidence=evidence,
            )
    if others:
        names = ", ".join(f"{name} ({namespace or 'no namespace'})" for name, namespace in others)
        return Judgement(
            verdict=Verdict.FAIL,
            observed=f"another writer is installed: {names}",
            evidence=evidence,
            degraded=packages is None,
        )
    facts.read("packages", Packages)  # says why the list is closed
    return Judgement(
        verdict=Verdict.PASS,
        observed="no package of Stripe's writes besides this connector"
        if not writers
        else "only the profile's package",
        evidence=evidence,
    )


def _writers(facts: Facts, packages: Packages | None) -> list[tuple[str, str | None]]:
    """Name and namespace of what looks like a writer of Stripe's, by the list or else by publishers."""
    seen: list[tuple[str, str | None]]
    if packages is not None:
        seen = [(f"{row.name} {row.version_text}", row.namespace) for row in packages.rows]
    else:
        publishers = facts.peek("publishers", Publishers)
        seen = [(row.name, row.namespace) for row in publishers.rows] if publishers is not None else []
    # whole words: an app that is called Pinstripe writes nothing to Stripe
    parts = [re.compile(rf"\b{re.escape(str(part))}", re.IGNORECASE) for part in facts.option("name_parts", ())]
    known = facts.option("known", ())
    return [
        (name, namespace) for name, namespace in seen if namespace in known or any(part.search(name) for part in parts)
    ]


def account_linked(facts: Facts) -> Judgement:
    names = facts.read("linked_accounts", LinkedAccounts).names
    if not names:
        return Judgement(verdict=Verdict.FAIL, observed="Stripe's app is not linked to a Stripe account")
    return Judgement(verdict=Verdict.PASS, observed=f"linked to {', '.join(names)}")


CONDITIONS: Final = {"stripe_package": stripe_package, "one_writer": one_writer, "account_linked": account_linked}
