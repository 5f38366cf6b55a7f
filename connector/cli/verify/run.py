"""One run of `connector verify`: from what was asked to what is printed, written and remembered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from connector.cli.exits import Exit
from connector.cli.interrupt import stop_flag
from connector.cli.session import process_settings, start_logs
from connector.cli.verify.files import refuse_unwritable, write_files
from connector.cli.verify.html import html
from connector.cli.verify.junit import junit
from connector.cli.verify.rules_view import show_check, show_list
from connector.cli.verify.sarif import sarif
from connector.cli.verify.watch import asking, period_s, watch
from connector.config.sections import did_you_mean
from connector.core.errors import StoreError
from connector.core.model import Severity
from connector.flows.verify.choose import NoSuchCheck, choose
from connector.flows.verify.ending import end
from connector.flows.verify.report import report_of
from connector.runtime.private_reports import for_people

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from connector.cli.output import Output
    from connector.config.settings import Settings
    from connector.core.verify.checks import Check, Profile, Rules
    from connector.flows.verify.choose import Choice
    from connector.flows.verify.run import Verification
    from connector.verification import Verifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The options as they were given."""

    profile: str | None = None
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    list_checks: bool = False
    explain: str | None = None
    junit: Path | None = None
    sarif: Path | None = None
    html: Path | None = None
    fail_on: str = "error"
    strict: bool = False
    watch: str | None = None
    #: None: in files only
    redact: bool | None = None
    accept_packages: bool = False


def verify(output: Output, wishes: Wishes) -> int:
    """The exit code."""
    from connector.verification import shipped_rules

    rules = shipped_rules()
    if wishes.list_checks:
        show_list(output, rules)
        return Exit.OK
    if wishes.explain is not None:
        show_check(output, check_named(wishes.explain, rules), rules)
        return Exit.OK
    every_s = None if wishes.watch is None else period_s(wishes.watch)
    refuse_unwritable(_files(wishes))
    job = prepared(output, wishes, rules)
    if every_s is not None:
        return _watched(job, every_s)
    return _tell(job, job.look())


def _watched(job: Job, every_s: int) -> int:
    from connector.runtime.clock import SystemClock

    with stop_flag(job.output) as stop:
        return watch(
            job.output,
            every_s,
            look=job.look,
            show=lambda report: _tell(job, report),
            clock=SystemClock(),
            stop=stop,
        )


def prepared(output: Output, wishes: Wishes, rules: Rules) -> Job:
    """What is to be looked at, with the settings of this process. Raises ConfigError and click's usage error."""
    from connector.config.settings_check import side_problems
    from connector.core.model import Side
    from connector.verification import chosen_profile

    settings = process_settings()
    start_logs(output, settings)
    if all(side_problems(settings, side) for side in Side):
        output.note("neither system is configured yet: `connector init` asks the few questions that are needed")
    profile = chosen_profile(rules, wishes.profile or settings.verify.profile)
    return Job(
        output=output,
        wishes=wishes,
        settings=settings,
        rules=rules,
        profile=profile,
        choice=_chosen(rules, profile, wishes, output),
    )


def _tell(job: Job, report: Mapping[str, Any]) -> int:
    """Writes the files and prints the report; the exit code."""
    write_files(job.output, _files(job.wishes), report, hide=job.wishes.redact is not False)
    return show(job.output, job.wishes, report)


def _files(wishes: Wishes) -> dict[Path, Callable[[Mapping[str, Any]], str]]:
    """What is to be written, and how it is made. Raises click's usage error for two reports into one file."""
    asked = ((wishes.junit, junit), (wishes.sarif, sarif), (wishes.html, html))
    wanted = [(path, render) for path, render in asked if path is not None]
    if len({path for path, _ in wanted}) < len(wanted):
        raise click.UsageError("give each report a file of its own")
    return dict(wanted)


def show(output: Output, wishes: Wishes, report: Mapping[str, Any]) -> int:
    """Prints the report; the exit code."""
    from connector.cli.verify.text import print_report

    seen = for_people(report, hide=bool(wishes.redact))
    output.result(seen, human=lambda console: print_report(console, seen))
    return Exit.FAILED if report["summary"]["fails"] else Exit.OK


def _chosen(rules: Rules, profile: Profile, wishes: Wishes, output: Output) -> Choice:
    """Raises click's usage error for a check that does not exist."""
    try:
        choice = choose(rules, profile, only=wishes.only, skip=wishes.skip)
    except NoSuchCheck as error:
        raise no_such_check(error.pattern, rules) from None
    if wishes.accept_packages and not choice.whole:
        raise click.UsageError("--accept-packages belongs to a whole run: leave out --only and --skip")
    for check_id in choice.elsewhere:
        output.note(f"{check_id} does not belong to the profile {profile.id}")
    if not choice.shown:
        # Exit code 0 and "ready" of nothing would be a pass nobody earned.
        raise click.UsageError(f"nothing is left to look at: the profile {profile.id} has none of these checks")
    return choice


def no_such_check(given: str, rules: Rules) -> click.UsageError:
    near = did_you_mean(given, [check.id for check in rules.checks])
    return click.UsageError(f"there is no check {given!r}{near}; `connector verify --list` names all")


def check_named(given: str, rules: Rules) -> Check:
    """Raises click's usage error for a check that does not exist."""
    for check in rules.checks:
        if check.id == given.upper():
            return check
    raise no_such_check(given, rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is looked at, once or again and again."""

    output: Output
    wishes: Wishes
    settings: Settings
    rules: Rules
    profile: Profile
    choice: Choice

    def look(self) -> dict[str, Any]:
        """One verification, remembered unless it is one round of many or about some of the checks only."""
        from connector.verification import open_verification

        wishes = self.wishes
        with (
            asking(self.output),
            open_verification(self.settings, rules=self.rules, profile=self.profile) as verifier,
        ):
            verification = verifier.run(self.choice, accept_packages=wishes.accept_packages)
            ending = end(verification.results, fail_on=Severity(wishes.fail_on), strict=wishes.strict)
            report = report_of(verification, ending, self.rules, whole=self.choice.whole)
            if wishes.watch is None and self.choice.whole:
                self._remember(verifier, verification, report)
        return report

    def _remember(self, verifier: Verifier, verification: Verification, report: dict[str, Any]) -> None:
        """A report is worth showing even when it cannot be stored."""
        try:
            verifier.remember(verification, for_people(report, hide=True), accept_packages=self.wishes.accept_packages)
        except StoreError as error:
            report["summary"]["without_memory"] = str(error)
