"""`connector audit`: is the trail of what was decided and done whole, and a copy of it to hand out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from connector.cli.exits import Exit
from connector.cli.options import as_utc, common

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from rich.console import Console

    from connector.cli.output import Output
    from connector.core.chain import ChainHead
    from connector.core.chain_check import ChainReport


#: core.chain_check.Tampering -> what is wrong with the row
_MEANT: Final = {
    "edited": "was edited",
    "moved": "stands at another row's place",
    "missing": "is missing",
    "rewritten": "was written anew, hash and all",
    "cut_off": "was cut off, with all that followed",
    "added": "was not written by connector, nor any that follows",
    "unsealed": "is not sealed with the key, and has to be",
    "key_missing": "was sealed with a key that is not among CONNECTOR_AUDIT__KEYS",
}


@click.group()
def audit() -> None:
    """The trail of everything that was decided and done: read it, check it, export it, anchor it."""


@audit.command()
@click.argument("trace_id")
@click.option("--limit", type=click.IntRange(1, 10_000), default=1000, show_default=True, help="So many rows at most.")
@common
def trace(output: Output, *, trace_id: str, limit: int) -> None:
    """Show what one unit of work decided and did, by the trace id that its log line, its run and its events carry."""
    from connector.cli.local import opened_store
    from connector.cli.trace_view import print_rows, row_of

    with opened_store(output) as local:
        rows = [row_of(row) for row in local.store.audit.load_of_trace(_hexadecimal(trace_id), limit=limit)]
    answer = {"trace_id": trace_id, "rows": rows}
    output.result(answer, human=lambda console: print_rows(console, rows))


@audit.command()
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    metavar="SEQ:HASH",
    help="What `audit head` printed earlier and you kept elsewhere (repeatable).",
)
@common
def verify(output: Output, *, anchors: tuple[str, ...]) -> int:
    """Read the whole trail and say where it was changed. Exit code 1 when it was.

    Without --anchor, rows cut off at the end, or a trail written anew from some row on by somebody who owns the
    database, cannot be seen.
    """
    from connector.app import open_own_store
    from connector.cli.session import process_settings, start_logs
    from connector.flows.audit import check_trail

    kept = [_anchor(text) for text in anchors]
    settings = process_settings()
    start_logs(output, settings)
    with open_own_store(settings) as store:
        report = check_trail(store.audit, store.seal, anchors=kept)
    answer = answer_of(report, anchors=kept)
    output.result(answer, human=lambda console: _print(console, answer))
    return Exit.OK if report.fault_count == 0 else Exit.FAILED


@audit.command()
@common
def head(output: Output) -> int:
    """Print number and hash of the newest row: keep them where who owns this database cannot write."""
    from connector.app import open_own_store
    from connector.cli.session import process_settings, start_logs

    settings = process_settings()
    start_logs(output, settings)
    with open_own_store(settings) as store:
        newest = store.audit.load_head()
    answer = {"anchor": str(newest) if newest.seq else None, "seq": newest.seq, "hash": newest.hash or None}
    output.result(answer, human=lambda console: console.print(answer["anchor"] or "The trail is empty."))
    return Exit.OK


@audit.command()
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Begin with the first row of this time (UTC); default: the first of all.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv"]),
    default="jsonl",
    show_default=True,
    help="How rows are written.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write; default: connector-audit.jsonl or .csv in the working folder.",
)
@common
def export(output: Output, *, since: datetime | None, form: str, out: Path | None) -> int:
    """Write the trail into a file, and beside it a manifest: rows, first and last number, hashes.

    JSON lines can be checked with the recipe in docs/audit.md; CSV is for spreadsheets. The whole trail is checked
    on the way: exit code 1 when it was changed. An existing file is not written over.
    """
    from dataclasses import asdict

    from connector.app import open_own_store
    from connector.cli.audit_file import TrailFile
    from connector.cli.session import process_settings, start_logs
    from connector.flows.audit import check_trail
    from connector.runtime.clock import SystemClock

    settings = process_settings()
    start_logs(output, settings)
    path = out or Path(f"connector-audit.{form}")
    with open_own_store(settings) as store:
        identity = store.load_identity()
        file = TrailFile(path, form=form, since=as_utc(since))
        report = check_trail(store.audit, store.seal, each=file.take)
        manifest = file.close(
            {
                "schema_version": 1,
                "made_at": SystemClock().now().isoformat(timespec="seconds"),
                "identity": None if identity is None else asdict(identity),
                "faults": report.fault_count,
            }
        )
    answer = {"manifest": manifest, "manifest_file": str(file.manifest_path), **answer_of(report, anchors=())}

    def human(console: Console) -> None:
        console.print(f"{manifest['rows']} rows in {path}, sha256 {manifest['sha256']}")
        console.print(f"manifest in {file.manifest_path}")
        _print(console, answer)

    output.result(answer, human=human)
    return Exit.OK if report.fault_count == 0 else Exit.FAILED


def _hexadecimal(text: str) -> str:
    if not text or set(text) - set("0123456789abcdef"):
        raise click.BadParameter(f"{text!r} is no trace id: copy it from a log line, 32 digits of 0-9 and a-f")
    return text


def _anchor(text: str) -> ChainHead:
    from connector.core.chain import KEYED, PLAIN, ChainHead

    number, _, its_hash = text.strip().partition(":")
    if not (number.isascii() and number.isdigit() and int(number) > 0 and its_hash.startswith((PLAIN, KEYED))):
        wanted = f"write it as `connector audit head` prints it: 17:{PLAIN}…"
        raise click.BadParameter(f"{text!r} is no anchor; {wanted}", param_hint="--anchor")
    return ChainHead(seq=int(number), hash=its_hash)


def answer_of(report: ChainReport, *, anchors: Sequence[ChainHead]) -> dict[str, Any]:
    return {
        "rows": report.rows,
        "first_seq": report.first_seq,
        "last_seq": report.last.seq,
        "head": str(report.last) if report.rows else None,
        "sealed_from": report.keyed_from,
        "anchors": [str(anchor) for anchor in anchors],
        "faults": [
            {"seq": fault.seq, "what": fault.what.value, "expected": fault.expected, "found": fault.found}
            for fault in report.faults
        ],
        "fault_count": report.fault_count,
    }


def _print(console: Console, answer: dict[str, Any]) -> None:
    for fault in answer["faults"]:
        console.print(f"✗ row {fault['seq']}: {_MEANT[fault['what']]}", style="bold red")
        console.print(f"    expected  {fault['expected']}")
        console.print(f"    found     {fault['found']}")
    if answer["fault_count"] > len(answer["faults"]):
        console.print(f"… and {answer['fault_count'] - len(answer['faults'])} more")
    if not answer["rows"]:
        console.print("The trail is empty.")
        return
    rows = f"{answer['rows']} rows, {answer['first_seq']} to {answer['last_seq']}"
    if answer["fault_count"]:
        count = answer["fault_count"]
        console.print(f"The trail was changed: {count} {'fault' if count == 1 else 'faults'} in {rows}.", style="bold")
        console.print("Keep the database as it is, and compare with an export or a backup.")
        return
    sealed = f", sealed with a key from row {answer['sealed_from']} on" if answer["sealed_from"] else ""
    console.print(f"✓ {rows}: no row was edited, moved or taken out{sealed}.")
    if not answer["anchors"]:
        console.print(
            "Not shown without --anchor: rows cut off at the end, or a trail written anew by the owner of the database."
        )
