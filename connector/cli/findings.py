"""Findings for people: grouped per code, counted, with an example, worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from connector.core.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from connector.core.model import Finding

_ORDER: Final = (Severity.BLOCKER, Severity.ERROR, Severity.WARNING, Severity.INFO)
_STYLES: Final = {
    Severity.BLOCKER.value: "bold red",
    Severity.ERROR.value: "red",
    Severity.WARNING.value: "yellow",
    Severity.INFO.value: "dim",
}


def grouped(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """One entry per code and severity: how many records it stands for, and one of them in words."""
    groups: dict[tuple[Severity, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.severity, finding.code), []).append(finding)
    ordered = sorted(groups.items(), key=lambda item: (_ORDER.index(item[0][0]), item[0][1]))
    return [
        {
            "code": code,
            "severity": severity.value,
            "count": sum(finding.count for finding in members),
            "example": {
                "subject": members[0].subject,
                "observed": members[0].observed,
                "wanted": members[0].wanted,
                "why": members[0].why,
                "remedy": members[0].remedy,
            },
        }
        for (severity, code), members in ordered
    ]


def need_a_person(findings: Iterable[Finding]) -> bool:
    """Whether one of them is an error or worse: the command then ends with exit code 1."""
    return any(finding.severity in {Severity.BLOCKER, Severity.ERROR} for finding in findings)


def print_findings(console: Console, groups: list[dict[str, Any]]) -> None:
    if not groups:
        console.print("Findings: none")
        return
    console.print("Findings", style="bold")
    for group in groups:
        example = group["example"]
        console.print(f"  {group['severity']:<8} {group['code']}  ({group['count']})", style=_STYLES[group["severity"]])
        console.print(f"           e.g. {example['subject']}: {example['observed']}")
        console.print(f"           fix: {example['remedy']}")
