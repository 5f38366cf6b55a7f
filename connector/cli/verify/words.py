"""What every face of a verification says alike: symbols, names of outcomes, sentences."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

#: colour is never the only signal
SYMBOLS: Final = {
    "pass": "✓",
    "warn": "!",
    "fail": "✗",
    "unknown": "?",
    "manual": "☞",
    "not_applicable": "-",
    "crashed": "☠",
}
#: number -> what the closing line calls it, where one and many differ
_COUNTED: Final = {
    "pass": ("passed", "passed"),
    "warn": ("warning", "warnings"),
    "fail": ("failed", "failed"),
    "unknown": ("unknown", "unknown"),
    "manual": ("to attest", "to attest"),
    "not_applicable": ("not applicable", "not applicable"),
    "crashed": ("crashed", "crashed"),
}
#: facts shown on the screen
_EVIDENCE_MAX: Final = 5
#: always said, even when there are none: what nobody may overlook
_ALWAYS: Final = ("pass", "fail", "unknown", "crashed")


def label(check: Mapping[str, Any]) -> str:
    """How bad an open check is, in one word: empty for one that is in order."""
    if check["accepted"] is not None:
        return "accepted"
    if not check["open"]:
        return ""
    words = {"unknown": "unknown", "manual": "to attest", "crashed": "crashed", "warn": "warning"}
    outcome = check["outcome"]
    if outcome == "fail" or (outcome == "warn" and check["severity"] == "info"):
        return str(check["severity"])
    if check["severity"] == "blocker" and outcome != "warn":
        return f"{words[outcome]}, blocker"
    return words[outcome]


def counts(report: Mapping[str, Any]) -> str:
    """`9 passed · 1 warning · 2 failed (1 blocker) · 1 unknown · 0 crashed`."""
    summary = report["summary"]
    parts = []
    for outcome, words in _COUNTED.items():
        number = summary["counts"][outcome]
        if number == 0 and outcome not in _ALWAYS:
            continue
        blockers = sum(1 for check in report["checks"] if _is_blocker(check, outcome))
        parts.append(
            f"{number} {words[number != 1]}" + (f" ({blockers} blocker{'s' * (blockers > 1)})" * bool(blockers))
        )
    if summary["accepted"]:
        parts.append(f"{summary['accepted']} accepted risk{'s' * (summary['accepted'] > 1)}")
    return " · ".join(parts)


def _is_blocker(check: Mapping[str, Any], outcome: str) -> bool:
    open_as = check["open"] and check["outcome"] == outcome and outcome not in ("warn", "pass")
    return bool(open_as and check["severity"] == "blocker")


def verdict(report: Mapping[str, Any]) -> list[str]:
    """Whether everything is as it must be, and if not, exactly what is left; the first line is the answer."""
    summary = report["summary"]
    if not report["checks"]:
        return ["Nothing was looked at"]
    if summary["ready"]:
        part = "" if summary["whole"] else " (of the checks that were asked for)"
        return [f"Ready{part}"]
    lines = ["Not ready" if summary["fails"] else f"Nothing failed, but not ready: {len(summary['unsure'])} not known"]
    if summary["failed"]:
        lines.append(f"to correct: {', '.join(summary['failed'])}")
    attest = [
        check["id"] for check in report["checks"] if check["id"] in summary["unsure"] and check["outcome"] == "manual"
    ]
    unread = [check_id for check_id in summary["unsure"] if check_id not in attest]
    if unread:
        lines.append(f"to make readable: {', '.join(unread)}")
    if attest:
        lines.append(f"to look at and attest: {', '.join(attest)}")
    return lines


def news(report: Mapping[str, Any]) -> str:
    """`NEW since 19 Nov 2026: STR-WH`; empty without news."""
    summary = report["summary"]
    if not summary["new"] or summary["compared_with"] is None:
        return ""
    return f"NEW since {moment(summary['compared_with'], report)}: {', '.join(summary['new'])}"


def side_words(name: str, side: Mapping[str, Any] | None) -> str:
    """`Acme (acme.my.salesforce.com, production, API 67.0, user sync@acme.com)`, or why nobody looked."""
    if side is None:
        return "not asked"
    if not side["reached"]:
        return f"not looked at: {side['reason']}"
    if name == "Stripe":
        parts = [masked_id(side["id"]), "live" if side["is_live"] else "test", side["api_version"]]
    else:
        kind = "production" if side["is_live"] else "sandbox"
        parts = [host(side["address"]), kind, f"API {side['api_version']}"]
        parts += [f"user {side['user']}"] if side["user"] else []
    facts = ", ".join(part for part in parts if part)
    return f"{side['name']} ({facts})" if side["name"] else facts


def masked_id(account_id: str | None) -> str:
    """`acct_1Nx…7Q`: enough to compare, too little to quote."""
    if account_id is None:
        return "account not readable"
    kind, _, rest = account_id.partition("_")
    return f"{kind}_{rest[:3]}…{rest[-2:]}" if len(rest) > 6 else account_id


def host(address: str) -> str:
    return address.split("://", 1)[-1]


def day(text: str) -> str:
    """`19 Nov 2026`."""
    return f"{datetime.fromisoformat(text):%-d %b %Y}"


def moment(text: str, report: Mapping[str, Any]) -> str:
    """The day, or the hour where it is the report's own day."""
    return f"{text[11:16]} UTC" if text[:10] == report["at"][:10] else day(text)


def how_long(check: Mapping[str, Any], report: Mapping[str, Any]) -> str:
    """`since 19 Nov 2026`, for what is open longer than this run; `NEW` for what just became worse."""
    if check["new"]:
        return "NEW"
    since = check["since"]
    if since is None or since == report["at"] or not check["open"]:
        return ""
    return f"since {moment(since, report)}"


def effort(summary: Mapping[str, Any]) -> str:
    """`6.1 s, 12 Salesforce and 5 Stripe calls`."""
    calls = " and ".join(f"{number} {side.capitalize()}" for side, number in summary["api_calls"].items())
    return f"{summary['seconds']:.1f} s" + (f", {calls} calls" if calls else "")


def attest_command(check: Mapping[str, Any]) -> str:
    return f'connector verify attest {check["id"]} --by "YOUR NAME" --note "WHAT YOU SAW" --expires 20YY-MM-DD'


def unreached(report: Mapping[str, Any]) -> set[str]:
    """Sides nobody could look at: their checks need not repeat why."""
    sides = {name: report[name] for name in ("salesforce", "stripe")}
    return {name for name, side in sides.items() if side is not None and not side["reached"]}


def details(check: Mapping[str, Any], *, silent: Collection[str]) -> list[tuple[str, str]]:
    """What there is to know about a check that is open or was accepted. `silent` are the sides nobody could look
    at: why not stands above all checks once.
    """
    rows = []
    for risk, words in ((check["accepted"], ""), (check["lapsed"], ", which has passed")):
        if risk is not None:
            until = f"until {risk['expires']}{words}"
            rows.append(("Accepted", f"by {risk['owner']} {until}: {risk['reason']} ({risk['where']})"))
    if not check["open"] or (check["outcome"] == "unknown" and check["side"] in silent):
        return rows
    rows.append(("Seen", check["observed"]))
    if check["outcome"] == "crashed":
        return [*rows, ("Fix", "this is a bug of connector, nothing of yours: please report it with the line above")]
    rows += [("Expected", check["expected"]), ("Why", check["why"]), ("Fix", check["fix"])]
    if check["link"]:
        rows.append(("Page", check["link"]))
    if check["attest"]:
        rows += [("Look at", check["attest"]), ("Then", attest_command(check))]
    facts: Sequence[str] = check["evidence"]
    if len(facts) > _EVIDENCE_MAX:
        facts = [*facts[:_EVIDENCE_MAX], f"… and {len(facts) - _EVIDENCE_MAX} more: --json and --html have all"]
    asked = "Asked" if check["outcome"] == "unknown" else "Evidence"
    return rows + [(asked if number == 0 else "", fact) for number, fact in enumerate(facts)]
