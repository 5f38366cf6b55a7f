"""What the commands about parked records do: choose, show, ask, carry out."""

from __future__ import annotations

import fnmatch
import re
import sys
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from connector.cli.exits import Exit
from connector.cli.interrupt import interruptible
from connector.cli.parked import groups_of
from connector.cli.parked_table import parked_table
from connector.cli.parked_view import print_discard, print_list, print_preview, print_shown
from connector.cli.person import person
from connector.cli.report_view import answer_of, exit_of_pass, print_report
from connector.cli.session import keys_of
from connector.cli.work import recorded
from connector.core.conditions import group_of
from connector.core.model import LinkState
from connector.core.waits import chain_of
from connector.flows import by_hand
from connector.flows.parked import load_parked
from connector.flows.waits import load_waits, waits_in_vain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from connector.cli.session import Session
    from connector.core.model import Key, Link

_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_AGE: Final = re.compile(r"(\d{1,6})([mhdw])")
_GROUP: Final = re.compile(r"g-[0-9a-f]{8}")
#: of a group, how many records `show` tells of
_SHOWN_MAX: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a person wants, as typed."""

    record_ids: tuple[str, ...]
    groups: tuple[str, ...]
    reason: str
    by: str | None
    yes: bool

    @property
    def said(self) -> by_hand.Said:
        return by_hand.Said(by=person(self.by), reason=self.reason.strip())


def age_of(text: str) -> timedelta:
    """Raises click's usage error."""
    found = _AGE.fullmatch(text.strip())
    if found is None:
        raise click.BadParameter(f"{text!r} is no age: write 45m, 12h, 7d or 2w", param_hint="--older-than")
    return int(found[1]) * _UNITS[found[2]]


def list_table(session: Session, *, kinds: Sequence[str], codes: Sequence[str], older_than: timedelta | None) -> int:
    """Every parked record as a line of a table, for a spreadsheet."""
    links = _listed(session, kinds=kinds, codes=codes, older_than=older_than)
    sys.stdout.write(parked_table(links))
    sys.stdout.flush()
    return Exit.OK


def list_groups(session: Session, *, kinds: Sequence[str], codes: Sequence[str], older_than: timedelta | None) -> int:
    workspace = session.app.workspace
    now = workspace.clock.now()
    links = _listed(session, kinds=kinds, codes=codes, older_than=older_than)
    circles, stuck = waits_in_vain(workspace)
    answer = {
        "groups": groups_of(links),
        "parked": len(links),
        "waiting_in_vain": [
            {
                "on": str(wait.root),
                "why": wait.why,
                "count": len(wait.chains),
                "chain": [str(key) for key in max(wait.chains, key=len)],
            }
            for wait in stuck
        ],
        "circles": [[str(key) for key in circle] for circle in circles],
    }
    session.output.result(answer, human=lambda console: print_list(console, answer, now=now))
    return Exit.OK


def _listed(
    session: Session, *, kinds: Sequence[str], codes: Sequence[str], older_than: timedelta | None
) -> list[Link]:
    workspace = session.app.workspace
    now = workspace.clock.now()
    return [
        link
        for link in load_parked(workspace.store, kinds or workspace.pack.kinds)
        if (not codes or any(fnmatch.fnmatchcase(str(link.reason_code), code) for code in codes))
        and (older_than is None or link.parked_at is None or now - link.parked_at > older_than)
    ]


def show_parked(session: Session, what: str) -> int:
    workspace = session.app.workspace
    links = _chosen(session, (what,), ())
    waiting, parents = load_waits(workspace)
    chains = [chain_of(link, parents)[0] for link in waiting]
    answer = {
        "groups": groups_of(links),
        "records": [_told(session, link, chains) for link in links[:_SHOWN_MAX]],
        "more": max(0, len(links) - _SHOWN_MAX),
    }
    session.output.result(answer, human=lambda console: print_shown(console, answer))
    return Exit.OK


def _told(session: Session, link: Link, chains: Sequence[tuple[Key, ...]]) -> dict[str, Any]:
    condition = link.condition
    look = None if condition is None else condition.look_at
    return {
        "kind": link.kind,
        "id": link.born.id,
        "mate": link.mate_id,
        "group": group_of(link).id,
        "code": link.reason_code,
        "reason": link.reason,
        "condition": None
        if condition is None
        else {"type": condition.type.value, "subject": condition.subject, "wanted": condition.wanted},
        "since": None if link.parked_at is None else link.parked_at.isoformat(),
        "looks": 0 if condition is None else condition.looks,
        "next_look": None if look is None else look.isoformat(),
        "released_by": None if link.waiting_on is None else str(link.waiting_on),
        "waiting_for_it": [[str(key) for key in keys] for keys in chains if link.born in keys],
        "history": [
            {"at": str(row["at"]), "event": row["event"]}
            for row in session.app.workspace.store.load_audit(link.born, limit=10)
        ],
    }


def _chosen(session: Session, ids: Sequence[str], groups: Sequence[str]) -> list[Link]:
    """Raises UnknownRecord and UsageError."""
    named = [text for text in ids if not _GROUP.fullmatch(text)]
    groups = [*groups, *(text for text in ids if _GROUP.fullmatch(text))]
    keys = [key for text in named for key in keys_of(session, text)]
    return by_hand.choose(session.app.workspace, keys, groups)


def retry_parked(session: Session, decided: Decided) -> int:
    workspace = session.app.workspace
    links = _chosen(session, decided.record_ids, decided.groups)
    plan = by_hand.preview(workspace, links)
    session.progress.close()
    preview = {
        "chosen": len(links),
        "writes": len(plan.entries),
        "money": plan.totals(),
        "parked": [list(pair) for pair in plan.parked],
        "waiting": [list(pair) for pair in plan.waiting],
    }
    currencies = workspace.policy.currencies
    if not _is_sure(session, decided, lambda console: print_preview(console, preview, plan, currencies)):
        return Exit.FAILED
    with recorded(session, by=decided.said.by) as facts:
        report = by_hand.retry(workspace, links, decided.said)
        facts.update(report.facts(chosen=len(links), api_calls=session.api_calls()))
    after = workspace.store.load_links([link.born for link in links])
    still = [link for link in after.values() if link.state is LinkState.PARKED]
    answer = {
        **answer_of(session, report),
        "preview": preview,
        "released": len(links) - len(still),
        "still_parked": [
            {"kind": link.kind, "id": link.born.id, "code": link.reason_code, "reason": link.reason} for link in still
        ],
    }

    def human(console: Console) -> None:
        print_report(console, answer)
        console.print(f"{answer['released']} of {len(links)} are not parked any more", style="bold")

    session.output.result(answer, human=human)
    return Exit.FAILED if still else exit_of_pass(session, report)


def discard_parked(session: Session, decided: Decided) -> int:
    workspace = session.app.workspace
    links = _chosen(session, decided.record_ids, decided.groups)
    preview = {
        "chosen": len(links),
        "groups": groups_of(links),
        "on_both_sides": [f"{link.kind} {link.born.id} ↔ {link.mate_id}" for link in links if link.mate_id],
        "waiting_for_them": [f"{link.kind} {link.born.id}" for link in by_hand.waiting_for(workspace, links)],
    }
    if not _is_sure(session, decided, lambda console: print_discard(console, preview)):
        return Exit.FAILED
    said = decided.said
    with recorded(session, by=said.by) as facts:
        closed = by_hand.discard(workspace, links, said)
        facts.update(discarded=len(closed))
    answer = {
        **preview,
        "discarded": [{"kind": link.kind, "id": link.born.id} for link in closed],
        "by": said.by,
        "reason": said.reason,
    }
    session.output.result(answer, human=lambda console: console.print(f"Discarded {len(closed)}", style="bold"))
    return Exit.OK


def _is_sure(session: Session, decided: Decided, show: Callable[[Console], None]) -> bool:
    """Shows what is about to happen and asks; with --yes nobody is asked."""
    if not session.output.as_json:
        show(session.output.console())
    if decided.yes:
        return True
    if session.output.as_json or not sys.stdin.isatty():
        raise click.UsageError("nobody is there to answer: look at it first, then say --yes")
    with interruptible():
        sure = click.confirm("Go on?", default=False, err=True)
    if not sure:
        session.output.note("nothing was changed")
    return sure
