"""What `adopt` found and did: for people a table and the pairs with their evidence, for machines JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from connector.core.adoption import Choice, Found
from connector.core.money import format_minor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from connector.core.adoption import Adoption, Entry
    from connector.core.currencies import CurrencyTable
    from connector.flows.adopt_apply import Adopted

#: pairs of one sort that are shown; `--json` and the saved plan hold all
_SHOWN_MAX: Final = 20
_STYLES: Final = {Found.MATCH: "green", Found.SUGGESTION: "yellow", Found.AMBIGUOUS: "red"}
_TITLES: Final = {
    Found.MATCH: "same, and linked by --apply",
    Found.SUGGESTION: "perhaps the same: somebody has to say",
    Found.AMBIGUOUS: "several could be meant: somebody has to say",
}


def answer_of(adoption: Adoption) -> dict[str, Any]:
    return {
        **adoption.as_dict(),
        "counts": adoption.counts(),
        "money": adoption.money(),
        "undecided": len(adoption.undecided()),
    }


def print_adoption(
    console: Console, adoption: Adoption, *, currencies: CurrencyTable, saved: Mapping[str, Any] | None
) -> None:
    for found in Found:
        _print_pairs(console, found, [entry for entry in adoption.entries if entry.found is found], currencies)
    _print_counts(console, adoption, currencies)
    undecided = len(adoption.undecided())
    if undecided:
        console.print(
            f"{undecided} undecided: edit `choice` in the saved plan (link, separate), or add --accept ID=ID. "
            "What stays undecided is kept from being made.",
            style="yellow",
        )
    if saved is not None:
        file = saved["file"]
        console.print(f"Saved {file} (sha256 {saved['sha256'][:8]}…). Apply: connector adopt --apply {file}")
    else:
        console.print("Nothing was written. Save it with --out FILE, then: connector adopt --apply FILE")


def _print_pairs(console: Console, found: Found, entries: Sequence[Entry], currencies: CurrencyTable) -> None:
    if not entries:
        return
    console.print(f"{_TITLES[found]} ({len(entries)})", style="bold")
    for entry in entries[:_SHOWN_MAX]:
        money = ""
        if entry.amount_minor is not None and entry.currency is not None:
            money = f"  {format_minor(entry.amount_minor, entry.currency, currencies)}"
        chosen = "" if entry.choice is Choice.UNDECIDED or found is Found.MATCH else f"  → {entry.choice.value}"
        console.print(
            f'  {entry.kind} {entry.salesforce} "{entry.salesforce_label}" = {entry.stripe} "{entry.stripe_label}"'
            f"{money}{chosen}",
            style=_STYLES[found],
        )
        words = "; ".join(entry.reasons)
        if entry.doubts:
            words = f"{entry.score} of 100: {words or 'nothing else agrees'} · but {'; '.join(entry.doubts)}"
        console.print(f"      {words}", style="dim")
    if len(entries) > _SHOWN_MAX:
        console.print(f"  … and {len(entries) - _SHOWN_MAX} more", style="dim")


def _print_counts(console: Console, adoption: Adoption, currencies: CurrencyTable) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("kind")
    names = {
        "linked": "linked before",
        "match": "same",
        "suggestion": "perhaps",
        "ambiguous": "several",
        "salesforce": "only Salesforce",
        "stripe": "only Stripe",
    }
    for title in names.values():
        table.add_column(title, justify="right")
    for kind, counts in adoption.counts().items():
        table.add_row(kind, *(str(counts[name]) for name in names))
    console.print(table)
    for place, sums in adoption.money().items():
        kind, name = place.split()
        amounts = ", ".join(format_minor(total, code, currencies) for code, total in sums.items())
        console.print(f"  {kind}, {names[name].lower()}: {amounts}")
    for kind, reasons in adoption.left_out.items():
        for reason, number in reasons.items():
            console.print(f"  {kind}: {number} not compared, {reason}", style="dim")


def answer_of_applied(done: Adopted) -> dict[str, Any]:
    return {
        "linked": done.linked,
        "already_linked": done.already,
        "marks_completed": done.marked,
        "not_marked": done.not_marked,
        "held": done.held,
        "more_matches": done.more,
        "refused": [
            {"kind": kind, "salesforce": here, "stripe": there, "reason": reason}
            for (kind, here, there), reason in done.refused.items()
        ],
        "writes": done.report.writes,
    }


def print_applied(console: Console, answer: Mapping[str, Any]) -> None:
    for each in answer["refused"]:
        console.print(f"! refused {each['kind']} {each['salesforce']}={each['stripe']}: {each['reason']}", style="red")
    console.print(
        f"{answer['linked']} linked, {answer['already_linked']} were linked already, {answer['writes']} marks written; "
        "nothing was created",
        style="bold",
    )
    if answer["not_marked"]:
        console.print(f"{answer['not_marked']} linked and not marked yet: run the same command again", style="red")
    if answer["held"]:
        console.print(
            f"{answer['held']} records are kept from being made until somebody decides: connector adopt --plan",
            style="yellow",
        )
    if answer["more_matches"]:
        console.print(
            f"{answer['more_matches']} more are certain now: connector adopt --plan --out FILE", style="yellow"
        )
