"""A verification as one page that stands alone: no script, nothing fetched, made to be sent and printed."""

from __future__ import annotations

from html import escape
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from connector import __version__
from connector.cli.verify.words import (
    SYMBOLS,
    counts,
    day,
    details,
    effort,
    how_long,
    label,
    news,
    side_words,
    unreached,
    verdict,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    Report = Mapping[str, Any]

_CSS: Final = Path(__file__).with_name("page.css")
#: the page may not load anything, whatever text an org put into it
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def html(report: Report) -> str:
    """The whole page. Every text of an org is escaped."""
    org = report["salesforce"] or {}
    title = f"Verification of {org.get('name') or 'Salesforce and Stripe'}"
    body = "\n".join([*_head(report, title), *_answer(report), *_topics(report), *_foot(report)])
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_CSS.read_text(encoding='utf-8')}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def _head(report: Report, title: str) -> Iterator[str]:
    profile = report["profile"]
    yield f"<h1>{escape(title)}</h1>"
    yield f'<p class="soft">{day(report["at"])}, {report["at"][11:16]} UTC</p>'
    yield '<dl class="systems">'
    for name in ("Salesforce", "Stripe"):
        side = report[name.lower()]
        yield f"<dt>{name}</dt><dd>{escape(side_words(name, side))}"
        if side is not None and not side["reached"] and side["fix"]:
            yield f"<br>{escape(side['fix'])}"
        yield "</dd>"
    yield f"<dt>Profile</dt><dd>{escape(profile['title'])} <code>{escape(profile['id'])}</code></dd></dl>"


def _answer(report: Report) -> Iterator[str]:
    summary = report["summary"]
    tone = "pass" if summary["ready"] else "fail" if summary["fails"] else "warn"
    sign = SYMBOLS["unknown" if tone == "warn" else tone]
    first, *_ = verdict(report)
    yield f'<div class="answer {tone}"><strong>{sign} {escape(first)}</strong>'
    left = [check for check in report["checks"] if check["id"] in {*summary["failed"], *summary["unsure"]}]
    if left:
        yield "<ul>"
        for check in left:
            name = f'<a href="#{escape(check["id"])}">{escape(check["title"])}</a>'
            yield f'<li class="{check["outcome"]}"><span class="sign">{SYMBOLS[check["outcome"]]}</span> {name}</li>'
        yield "</ul>"
    for line in [counts(report), news(report), _memory(summary)]:
        if line:
            yield f"<p>{escape(line)}</p>"
    yield "</div>"


def _memory(summary: Mapping[str, Any]) -> str:
    return f"Without memory: {summary['without_memory']}" if summary["without_memory"] else ""


def _topics(report: Report) -> Iterator[str]:
    for topic, checks in groupby(report["checks"], key=lambda check: check["topic"]):
        yield f"<section><h2>{escape(topic)}</h2>"
        for check in checks:
            yield from _check(check, report)
        yield "</section>"


def _check(check: Mapping[str, Any], report: Report) -> Iterator[str]:
    is_open = check["open"]
    badges = [part for part in (label(check), how_long(check, report)) if part]
    seen = "" if is_open else f' <span class="soft">{escape(check["observed"])}</span>'
    marks = "".join(f' <span class="badge">{escape(part)}</span>' for part in badges)
    yield f'<div id="{escape(check["id"])}" class="{check["outcome"]}{" open" if is_open else ""}"><div class="check">'
    yield f'<span class="sign" title="{check["outcome"].replace("_", " ")}">{SYMBOLS[check["outcome"]]}</span>'
    yield f'<span class="id">{escape(check["id"])}</span><span class="what">{escape(check["title"])}{seen}</span>'
    yield f"<span>{marks}</span></div>"
    rows = _rows(check, unreached(report))
    if rows:
        yield f"<dl>{''.join(rows)}</dl>"
    yield "</div>"


def _rows(check: Mapping[str, Any], silent: Collection[str]) -> list[str]:
    """The same facts as on the screen, all of the evidence, and the page as a link."""
    told = [(name, words) for name, words in details({**check, "evidence": []}, silent=silent) if name != "Page"]
    rows = [_row(name, f"<code>{escape(words)}</code>" if name == "Then" else escape(words)) for name, words in told]
    if not any(name == "Seen" for name, _ in told):
        return rows
    if check["link"]:
        rows.append(_row("Page", _anchor(check["link"])))
    if check["evidence"]:
        facts = "".join(f"<li>{escape(fact)}</li>" for fact in check["evidence"])
        rows.append(_row("Asked" if check["outcome"] == "unknown" else "Evidence", f"<ul>{facts}</ul>"))
    return rows


def _anchor(link: str) -> str:
    if not link.startswith(("https://", "http://")):
        return escape(link)
    return f'<a class="setup" href="{escape(link)}" rel="noreferrer">open the page</a>'


def _row(name: str, inner: str) -> str:
    return f"<dt>{escape(name)}</dt><dd>{inner}</dd>"


def _foot(report: Report) -> Iterator[str]:
    asked = effort(report["summary"])
    yield f'<p class="foot soft">connector {escape(__version__)}, run {escape(report["run_id"])}, {asked}.'
    yield "It only read. Nothing secret is in this page.</p>"
