"""Whether the org offers the connector what its mapping needs: access, markers, picklists, required fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.verify.checks import Judgement, Verdict
from connector.core.verify.org_needs import Need, OrgNeeds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.verify.evidence import Facts
    from connector.core.verify.org_needs import Lack

_ACCESS: Final = {
    Need.OBJECT: ("object", "cannot be read"),
    Need.FIELD: ("mapped field", "cannot be read"),
    Need.WRITE: ("mapped field", "will fail on write"),
}


def access(facts: Facts) -> Judgement:
    """Every mapped object and field can be read, and written where we write."""
    needs = facts.read("org_needs", OrgNeeds)
    told = []
    for need, (noun, trouble) in _ACCESS.items():
        lacks = needs.of(need)
        if lacks:
            these = f"this {noun}" if len(lacks) == 1 else f"these {len(lacks)} {noun}s"
            told.append(f"{these} {trouble}: {names(lacks)}")
    if told:
        return _failed("; ".join(told), needs.of(*_ACCESS))
    return Judgement(
        verdict=Verdict.PASS, observed="every mapped object and field can be read, and written where we do"
    )


def markers(facts: Facts) -> Judgement:
    """Options: `marker` (the field's name): one that cannot be seen is SF-ACC-04's matter, and no pass here."""
    needs = facts.read("org_needs", OrgNeeds)
    lacks = needs.of(Need.MARKER)
    if lacks:
        return _failed(names(lacks), lacks)
    unseen = [lack.where for lack in needs.of(Need.FIELD) if lack.where.endswith(f".{facts.option('marker')}")]
    if unseen:
        return Judgement(verdict=Verdict.NOT_APPLICABLE, observed=f"not looked at: {', '.join(unseen)} cannot be read")
    return Judgement(verdict=Verdict.PASS, observed="they are")


def picklists(facts: Facts) -> Judgement:
    """A value we write that nobody offers fails; a status nobody mapped is only worth knowing."""
    needs = facts.read("org_needs", OrgNeeds)
    wrong, uncovered = needs.of(Need.VALUE), needs.of(Need.STATE)
    if wrong:
        return _failed(names(wrong), (*wrong, *uncovered))
    if uncovered:
        return Judgement(
            verdict=Verdict.WARN,
            observed=f"the mapping does not say what these statuses mean: {names(uncovered)}",
            why="records in such a status are parked until it is named",
            fix=f"add them under `states` in the mapping of {', '.join(dict.fromkeys(lack.kind for lack in uncovered))}",
            evidence=tuple(lack.text for lack in uncovered),
        )
    return Judgement(verdict=Verdict.PASS, observed="all of them")


def required(facts: Facts) -> Judgement:
    lacks = facts.read("org_needs", OrgNeeds).of(Need.REQUIRED)
    if lacks:
        return _failed(f"records we create would be refused without {names(lacks)}", lacks)
    return Judgement(verdict=Verdict.PASS, observed="all of them")


def _failed(observed: str, lacks: Sequence[Lack]) -> Judgement:
    return Judgement(verdict=Verdict.FAIL, observed=observed, evidence=tuple(lack.text for lack in lacks))


def names(lacks: Sequence[Lack]) -> str:
    return ", ".join(lack.text for lack in lacks)


CONDITIONS: Final = {
    "access": access,
    "markers_unique": markers,
    "picklists_covered": picklists,
    "required_filled": required,
}
