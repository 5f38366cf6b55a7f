"""The demo's first chapter: `connector verify`, shortened to what is in order, by topic, and what is not."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from connector.cli.verify.run import Job, Wishes
from connector.cli.verify.words import SYMBOLS, counts, effort, verdict
from connector.flows.verify.choose import choose
from connector.runtime.private_reports import for_people

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connector.cli.output import Output
    from connector.config.settings import Settings


def tell_verification(output: Output, settings: Settings, line: Callable[[str, str | None], None]) -> dict[str, Any]:
    """Verifies the simulated systems and tells the result, line by line with its style; what the demo's own answer
    says of it.
    """
    from connector.verification import chosen_profile, shipped_rules

    rules = shipped_rules()
    profile = chosen_profile(rules, settings.verify.profile)
    choice = choose(rules, profile)
    job = Job(output=output, wishes=Wishes(), settings=settings, rules=rules, profile=profile, choice=choice)
    report = for_people(job.look(), hide=False)
    _tell(report, line)
    summary = report["summary"]
    return {"ready": summary["ready"], "counts": summary["counts"], "seconds": summary["seconds"]}


def _tell(report: Mapping[str, Any], line: Callable[[str, str | None], None]) -> None:
    good = Counter(check["topic"] for check in report["checks"] if check["outcome"] == "pass")
    words = ", ".join(f"{topic} ({number})" for topic, number in good.items())
    line(f"{SYMBOLS['pass']} {words}", "green")
    for check in report["checks"]:
        if check["open"]:
            style = "yellow" if check["outcome"] in ("warn", "manual") else "red"
            line(f"{SYMBOLS[check['outcome']]} {check['title']}: {check['observed']}", style)
    line(f"{'; '.join(verdict(report))}: {counts(report)}, {effort(report['summary'])}", None)
