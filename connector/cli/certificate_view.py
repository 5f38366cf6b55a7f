"""A certificate of completeness: its JSON answer, its table, and the one line other screens show of it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from connector.core.certificate import standing
from connector.core.compare import REMEDIES, Sort
from connector.runtime.redaction import mask_contact, redact_text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from rich.console import Console

    from connector.core.certificate import Certificate
    from connector.ports import Store

#: certificates looked through for the newest whole one: a day's sweeps of single kinds may follow it
_RECENT: Final = 100
#: differences shown on the screen; `--json` has all that are kept
_SHOWN: Final = 20


def standing_of(store: Store, *, kinds: Collection[str], now: datetime, max_age_h: int) -> dict[str, Any]:
    """Part of the answers of `status` and `sync`."""
    recent = store.certificates.load_recent(_RECENT)
    return asdict(standing(recent, kinds=kinds, now=now, max_age=timedelta(hours=max_age_h)))


def print_standing(console: Console, found: Mapping[str, Any]) -> None:
    words = str(found["words"])
    console.print(words[:1].upper() + words[1:], style="green" if found["is_green"] else "yellow")


def answer_of(number: int, certificate: Certificate) -> dict[str, Any]:
    """Personal data hidden as in plans: a person recognises a record by its ids."""
    differences = [
        {
            **each,
            "salesforce": mask_contact(each["salesforce"], each["field"] or ""),
            "stripe": mask_contact(each["stripe"], each["field"] or ""),
            "wanted": redact_text(each["wanted"]),
        }
        for each in certificate.detail["differences"]
    ]
    return {
        "number": number,
        "as_of": certificate.as_of.isoformat(),
        "started_at": certificate.started_at.isoformat(),
        "is_complete": certificate.is_complete,
        "period": certificate.period,
        "kinds": certificate.detail["kinds"],
        "unexplained": certificate.unexplained,
        "differences": differences,
        "stopped_kinds": certificate.detail["stopped_kinds"],
    }


def print_certificate(console: Console, answer: Mapping[str, Any], *, periods: bool = False) -> None:
    """With `periods` every month's counts and digests, which agree where the two systems do."""
    only = f", {answer['period']} only" if answer["period"] else ""
    console.print(f"Certificate {answer['number']}: as of {_moment(answer['as_of'])} (UTC){only}", style="bold")
    _print_kinds(console, answer["kinds"])
    if periods:
        _print_periods(console, answer["kinds"])
    for kind, kinds in answer["kinds"].items():
        if kinds["explained"]:
            texts = ", ".join(f"{reason} ({number})" for reason, number in kinds["explained"].items())
            console.print(f"- {kind}, known: {texts}", style="dim")
    for kind, reason in answer["stopped_kinds"].items():
        console.print(f"! {kind} was not compared: {reason}", style="bold red")
    _print_differences(console, answer["differences"])
    _print_verdict(console, answer)


def print_list(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        console.print("There is no certificate yet: `connector sweep` compares everything and makes one.")
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("number", justify="right")
    for title in ("as of (UTC)", "complete", "compared"):
        table.add_column(title)
    table.add_column("differ", justify="right")
    for row in rows:
        what = ", ".join(row["kinds"]) + (f", {row['period']} only" if row["period"] else "")
        complete = "yes" if row["is_complete"] else "no"
        table.add_row(str(row["number"]), _moment(row["as_of"]), complete, what, str(row["unexplained"]))
    console.print(table)


def _print_kinds(console: Console, kinds: Mapping[str, Any]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("kind")
    for title in ("salesforce", "stripe", "pairs", "known", "differ"):
        table.add_column(title, justify="right")
    for kind, found in kinds.items():
        pairs = sum(period["salesforce"]["count"] for period in found["periods"].values())
        numbers = (
            found["listed"]["salesforce"],
            found["listed"]["stripe"],
            pairs,
            sum(found["explained"].values()),
            sum(found["differing"].values()),
        )
        table.add_row(kind, *(str(number) for number in numbers))
    console.print(table)


def _print_periods(console: Console, kinds: Mapping[str, Any]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("kind", "period", "salesforce", "digest", "stripe", "digest"):
        table.add_column(title, justify="right" if title in ("salesforce", "stripe") else "left")
    for kind, found in kinds.items():
        for name, period in found["periods"].items():
            here, there = period["salesforce"], period["stripe"]
            style = None if here == there else "yellow"
            cells = (str(here["count"]), here["digest"][:12], str(there["count"]), there["digest"][:12])
            table.add_row(kind, name, *cells, style=style)
    console.print(table)


def _print_differences(console: Console, differences: Sequence[Mapping[str, Any]]) -> None:
    open_ones = [each for each in differences if each["explained"] is None]
    for each in open_ones[:_SHOWN]:
        mate = f" / {each['mate']}" if each["mate"] else ""
        console.print(f"! {each['kind']} {each['id']}{mate}: {_in_words(each)}", style="bold red")
    if len(open_ones) > _SHOWN:
        console.print(f"  and {len(open_ones) - _SHOWN} more; `--json` has them", style="dim")
    for sort in sorted({str(each["sort"]) for each in open_ones}):
        console.print(f"  fix, {sort}: {REMEDIES[Sort(sort)]}")


def _in_words(each: Mapping[str, Any]) -> str:
    if each["field"] is not None:
        return f"{each['field']} is {each['salesforce']!r} in salesforce, {each['stripe']!r} at stripe"
    return f"{each['sort']}: {each['wanted']}"


def _print_verdict(console: Console, answer: Mapping[str, Any]) -> None:
    if answer["is_complete"]:
        console.print("Complete: nothing differs that is not explained.", style="bold green")
        return
    number = answer["unexplained"]
    if number:
        records = "1 record differs" if number == 1 else f"{number} records differ"
        console.print(f"Not complete: {records} without a known reason.", style="bold red")
    else:
        console.print("Not complete: a kind was not compared.", style="bold red")


def _moment(text: str) -> str:
    return text[:16].replace("T", " ")
