"""What the demo does, in order: verify, plan, apply, people act, sync back, prove that a second pass writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from connector.cli.demo.home import first_day_of_last_month, fresh_home, write_settings
from connector.cli.demo.people import People
from connector.cli.demo.sandbox_process import serving
from connector.cli.demo.telling import Telling
from connector.cli.demo.verifying import tell_verification
from connector.cli.findings import grouped
from connector.cli.parked import parked_groups
from connector.cli.session import Session, all_findings, opened

if TYPE_CHECKING:
    from connector.cli.output import Output
    from connector.flows.report import PassReport

#: how many entries of one sort the shown plan has
_PLAN_ENTRIES_MAX: Final = 2


@dataclass(slots=True, kw_only=True)
class Ledger:
    """What all passes did together."""

    created: dict[str, int] = field(default_factory=dict)
    updated: dict[str, int] = field(default_factory=dict)

    def add(self, report: PassReport) -> None:
        for kind, count in report.kinds.items():
            self.created[kind] = self.created.get(kind, 0) + count.created
            self.updated[kind] = self.updated.get(kind, 0) + count.updated


def run_demo(output: Output, *, seed: int, scale: int, home: Path) -> dict[str, Any]:
    """The answer of `connector demo`; `second_pass_writes` must be 0."""
    from connector.config.settings_loader import load_settings
    from connector.runtime.clock import SystemClock

    telling = Telling(console=output.error_console() if output.as_json else output.console())
    home = home.absolute()
    fresh_home(home)
    telling.chapter("Starting a simulated Salesforce org and Stripe account, in a process of their own")
    with serving(["--seed", str(seed), "--scale", str(scale)], log=home / "sandbox.log") as connection:
        telling.line(f"Salesforce {connection.salesforce['instance_url']}   Stripe {connection.stripe['api_base']}")
        now = SystemClock().now()
        write_settings(home, connection, go_live=first_day_of_last_month(now.date()))
        # Only the demo's own settings: whatever this machine is configured for must not be touched.
        settings = load_settings({"CONNECTOR_HOME": str(home)}, folder=Path.cwd())
        telling.chapter("Verifying that everything is there (connector verify, shortened)")
        verification = tell_verification(output, settings, telling.line)
        telling.chapter("Checking the connection")
        with opened(output, settings=settings) as session:
            return {"verification": verification, **_tell(session, People(connection, now), telling)}


def _tell(session: Session, people: People, telling: Telling) -> dict[str, Any]:
    _introduce(session, telling)
    ledger = Ledger()
    telling.chapter("The plan: what connector would write (shortened)")
    _show_plan(session, telling)
    telling.chapter("Applying it")
    _pass(session, ledger, telling)
    telling.chapter("Meanwhile, people work in both systems")
    for deed in people.act():
        telling.line(f"{deed.what}: {deed.subject}")
    telling.chapter("Syncing back (what connector wrote itself shows up as changes, too, and is recognised)")
    _pass(session, ledger, telling)
    telling.chapter("A second pass over everything, which must write nothing")
    before = people.writes()
    _pass(session, ledger, telling)
    after = people.writes()
    written = sum(after[side] - before[side] for side in after)
    style = "green" if written == 0 else "bold red"
    telling.line(f"the systems' own counters say: {written} writes", style=style)
    telling.chapter("Comparing every record on both sides (connector sweep)")
    certificate = _sweep(session, telling)
    return {**_answer(session, ledger, written), "certificate": certificate}


def _introduce(session: Session, telling: Telling) -> None:
    contact = session.app.contact
    telling.line(f"Salesforce org {contact.salesforce.id} ({contact.salesforce.name}): signed in, rights checked")
    telling.line(f"Stripe account {contact.stripe.id} ({contact.stripe.name}): signed in, rights checked")
    for finding in session.app.findings:
        telling.line(f"{finding.severity.value} {finding.code}: {finding.observed}", style="yellow")


def _show_plan(session: Session, telling: Telling) -> None:
    from connector.cli.plan_file import masked
    from connector.cli.plan_view import print_plan
    from connector.flows.plan import make_plan

    workspace = session.app.workspace
    plan = masked(make_plan(workspace))
    session.progress.close()
    print_plan(
        telling.console,
        plan,
        currencies=workspace.policy.currencies,
        stopped=workspace.stopped_kinds,
        entries_max=_PLAN_ENTRIES_MAX,
    )


def _pass(session: Session, ledger: Ledger, telling: Telling) -> None:
    from connector.cli.work import recorded
    from connector.flows.sync import run_pass

    calls, seconds = session.api_calls(), session.seconds()
    with recorded(session) as facts:
        report = run_pass(session.app.workspace)
        facts.update(report.facts())
    ledger.add(report)
    used = {side: count - calls[side] for side, count in session.api_calls().items()}
    telling.line(
        f"{report.looked_at} records looked at, {report.writes} writes, "
        f"{used['salesforce']} Salesforce and {used['stripe']} Stripe calls, {session.seconds() - seconds:.1f} s"
    )


def _sweep(session: Session, telling: Telling) -> dict[str, Any]:
    from connector.cli.certificate_view import answer_of, print_certificate
    from connector.cli.work import recorded
    from connector.flows.sweep.run import certify, look

    with recorded(session) as facts:
        number, certificate = certify(session.app.workspace, look(session.app.workspace))
        facts.update(certificate=number, unexplained=certificate.unexplained)
    answer = answer_of(number, certificate)
    print_certificate(telling.console, answer)
    return answer


def _answer(session: Session, ledger: Ledger, written: int) -> dict[str, Any]:
    workspace = session.app.workspace
    links = workspace.store.count_links()
    return {
        "kinds": {
            kind: {
                "created": ledger.created.get(kind, 0),
                "updated": ledger.updated.get(kind, 0),
                "waiting": links.get(kind, {}).get("waiting", 0),
                "parked": links.get(kind, {}).get("parked", 0),
            }
            for kind in workspace.pack.kinds
        },
        "parked": parked_groups(workspace.store, workspace.pack.kinds),
        "second_pass_writes": written,
        "findings": grouped(all_findings(session)),
        "api_calls": session.api_calls(),
        "seconds": session.seconds(),
    }
