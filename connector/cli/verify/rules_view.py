"""`verify --list` and `--explain`: the rules themselves, without asking anybody."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from connector.flows.verify.report import listed, topic_place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from connector.cli.output import Output
    from connector.core.verify.checks import Check, Rules


def show_list(output: Output, rules: Rules) -> None:
    ordered = sorted(rules.checks, key=lambda check: topic_place(check.id, rules))
    checks = [listed(check, rules) for check in ordered]
    profiles = [{"id": each.id, "title": each.title, "when": each.when} for each in rules.profiles]
    answer = {"checks": checks, "profiles": profiles}

    def human(console: Console) -> None:
        for topic, group in groupby(checks, key=lambda check: check["topic"]):
            console.print(topic, style="bold")
            for check in group:
                only = f"  [{', '.join(check['profiles'])}]" if check["profiles"] else ""
                console.print(f"  {check['id']:<11} {check['severity']:<8} {check['title']}{only}")
        console.print("Profiles", style="bold")
        for profile in profiles:
            console.print(f"  {profile['id']}: {profile['title']} (when {profile['when']})")
        console.print(f"{len(checks)} checks. Read about one: connector verify --explain ID")

    output.result(answer, human=human)


def show_check(output: Output, check: Check, rules: Rules) -> None:
    told = listed(check, rules)

    def human(console: Console) -> None:
        console.print(f"{told['id']}  {told['title']}", style="bold")
        for name, words in facts_of(told):
            console.print(f"  {name:<10} {words}")

    output.result({"check": told}, human=human)


def facts_of(check: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What there is to say about a check, name by name; docs/verify.md says the same."""
    system = {"salesforce": "Salesforce", "stripe": "Stripe"}.get(check["side"], "this machine and its settings")
    rows = [
        ("Looks at", system),
        ("Severity", check["severity"]),
        ("Certainty", CERTAINTIES[check["certainty"]]),
        ("Expected", check["expected"]),
        ("Why", check["why"]),
        ("Fix", check["fix"]),
        ("Setup", check["link"] or ""),
        ("Attest", check["attest"] or ""),
        ("Needs", ", ".join(check["needs"])),
        ("Profiles", ", ".join(check["profiles"])),
        ("Guide", "; ".join(check["guide"])),
    ]
    return [(name, words) for name, words in rows if words]


#: how well the facts behind a check are known
CERTAINTIES = {
    "verified": "verified: the facts behind it are published",
    "inferred": "inferred: concluded from published facts, not stated by them",
    "open": "open: no public source; what it looks for is configuration",
}
