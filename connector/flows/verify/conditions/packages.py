"""Which packages are installed, and how old they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.verify.checks import Judgement, Verdict
from connector.core.verify.org import InstalledPackage, Packages

if TYPE_CHECKING:
    from connector.core.verify.evidence import Facts


def package_installed(facts: Facts) -> Judgement:
    """Options: `namespace`, `minimum` (`250.0`)."""
    namespace, minimum = str(facts.option("namespace")), str(facts.option("minimum", "0"))
    rows = facts.read("packages", Packages).of(namespace)
    if not rows:
        return Judgement(verdict=Verdict.FAIL, observed=f"no package with namespace {namespace} is installed")
    evidence = tuple(described(row) for row in rows)
    newest = max(rows, key=lambda row: row.version or (0, 0, 0, 0))
    if newest.version is None:
        return Judgement(
            verdict=Verdict.WARN, observed=f"{newest.name} is installed, its version cannot be read", evidence=evidence
        )
    wanted = tuple(int(part) for part in minimum.split("."))
    if newest.version[: len(wanted)] < wanted:
        observed = f"{newest.name} {newest.version_text} is older than {minimum}"
        return Judgement(verdict=Verdict.FAIL, observed=observed, evidence=evidence)
    return Judgement(verdict=Verdict.PASS, observed=f"{newest.name} {newest.version_text}", evidence=evidence)


def described(row: InstalledPackage) -> str:
    return f"{row.namespace or 'no namespace'} {row.name} {row.version_text} ({row.version_id or 'no version id'})"


CONDITIONS: Final = {"package_installed": package_installed}
