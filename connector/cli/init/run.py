"""One run of `connector init`: ask, show, write, verify."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from dotenv import dotenv_values

from connector.cli.demo.home import first_day_of_last_month
from connector.cli.exits import Exit
from connector.cli.init.asking import gather, read_answers
from connector.cli.init.checks import Given
from connector.cli.init.questions import BUNDLED
from connector.cli.init.settings_file import (
    SETTINGS_FILE,
    changed_secrets,
    difference,
    merged,
    read_old,
    readable_by_others,
    settings_of,
    shown,
    text_of,
    write_all,
)
from connector.config.settings_loader import base_folder
from connector.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from connector.cli.output import Output
    from connector.core.verify.checks import Rules

_TO_DO: Final = ("connector setup salesforce --plan", "connector verify")
_READY: Final = ("connector plan",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The options that are no answers."""

    answers_file: Path | None
    yes: bool
    force: bool
    verify: bool


def run_init(output: Output, answers: Mapping[str, str], choices: Choices) -> int:
    """The exit code: that of verify, 0 without it."""
    from connector.runtime.clock import SystemClock
    from connector.verification import shipped_rules

    rules = shipped_rules()
    folder = Path.cwd()
    base = base_folder(os.environ, folder)
    # `env:NAME` may name a variable of .env, too, as the loader reads it
    known = {
        name: value for name, value in dotenv_values(base / ".env", interpolate=False).items() if value is not None
    }
    given = Given(base=base, folder=folder, environment={**known, **os.environ})
    terminal = sys.stdin.isatty() and not choices.yes
    if choices.answers_file is not None:
        read_answers(choices.answers_file, given)
    for name, answer in answers.items():
        given.answers[name] = answer
        given.places.pop(name, None)
    if "sandbox" in given.answers:
        given.answers.setdefault("org", BUNDLED)
    gather(given, {profile.id: profile.title for profile in rules.profiles}, terminal=terminal, say=output.note)

    new = settings_of(given, first_day=first_day_of_last_month(SystemClock().now().date()))
    old = read_old(given.base / SETTINGS_FILE)
    settings = merged(old, new)
    if not _agreed(output, given, old, settings, terminal=terminal, force=choices.force):
        output.note("nothing was written")
        return Exit.FAILED
    written = write_all(given, settings)
    for name in written:
        output.note(f"wrote {given.shown(name)}")
    if not written:
        output.note("everything is as it was: nothing to write")
    overridden = _overridden(settings)
    for name in overridden:
        output.note(f"careful: {name} is set elsewhere, too, and what stands there wins (connector config show)")
    for path in readable_by_others(given):
        output.note(f"careful: others on this machine can read {path}: chmod 600 {path}")
    return _end(output, rules, choices, {"written": written, "settings": shown(settings), "overridden": overridden})


def _agreed(
    output: Output,
    given: Given,
    old: Mapping[str, Any] | None,
    settings: Mapping[str, Any],
    *,
    terminal: bool,
    force: bool,
) -> bool:
    """Whether to write: shown first; what is there is replaced only by --force or after a yes."""
    replaced = [] if old is None else difference(old, settings)
    if old is None:
        output.note(f"\nTo be written, {given.shown(str(SETTINGS_FILE))}:\n{text_of(settings)}")
    for line in replaced:
        output.note(line)
    files = [given.shown(name) for name in (*([str(SETTINGS_FILE)] if replaced else []), *changed_secrets(given))]
    if files and not force and not terminal:
        problems = [
            Problem(where=name, observed="is there already and would change", remedy="give --force to replace it")
            for name in files
        ]
        raise ConfigError(problems)
    if force or not terminal:
        return True
    question = f"Replace {' and '.join(files)}?" if files else "Write this?"
    return click.confirm(question, default=not files, err=True)


def _overridden(settings: Mapping[str, Any]) -> list[str]:
    """Settings of the file that an environment variable or .env decides otherwise."""
    from connector.cli.session import process_settings
    from connector.config.settings_report import describe

    rows = {row.name: row.source for row in describe(process_settings())}
    return [name for name in settings if ".yaml:" not in rows[name]]


def _end(output: Output, rules: Rules, choices: Choices, answer: dict[str, Any]) -> int:
    if not choices.verify:
        answer |= {"verify": None, "ready": None, "next": list(_TO_DO)}
        output.result(answer, human=lambda console: _print_next(console, answer))
        return Exit.OK
    from connector.cli.verify import run
    from connector.cli.verify.text import print_report
    from connector.runtime.private_reports import for_people

    output.note("\nLooking at both systems (connector verify) ...")
    report = run.prepared(output, run.Wishes(), rules).look()
    summary = report["summary"]
    answer |= {
        "verify": for_people(report, hide=False),
        "ready": summary["ready"],
        "next": list(_READY if summary["ready"] else _TO_DO),
    }

    def human(console: Console) -> None:
        print_report(console, answer["verify"])
        _print_next(console, answer)

    output.result(answer, human=human)
    return Exit.FAILED if summary["fails"] else Exit.OK


def _print_next(console: Console, answer: Mapping[str, Any]) -> None:
    console.print()
    console.print("Next:", style="bold")
    for command in answer["next"]:
        console.print(f"  {command}")
