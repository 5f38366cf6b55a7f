"""`connector sweep`: both systems compared, record by record; nothing is written to either."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from connector.cli.exits import Exit
from connector.cli.options import common

if TYPE_CHECKING:
    from connector.cli.output import Output

_PERIOD = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


@click.command(short_help="Compare everything on both sides; make a certificate.")
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Compare this kind only (repeatable).")
@click.option("--period", metavar="YYYY-MM", help="Compare the records of this month only.")
@common
def sweep(output: Output, *, kinds: tuple[str, ...], period: str | None) -> int:
    """Compare every record on both sides, name what differs, and make a certificate of what was found.

    Writes to neither system. What differs is looked at by the next `connector sync`; `connector sync --once
    --sweep` does both.
    """
    if period is not None and not _PERIOD.fullmatch(period):
        raise click.BadParameter(f"{period!r} is not a month, e.g. 2026-11", param_hint="--period")
    from connector.cli.certificate_view import answer_of, print_certificate
    from connector.cli.session import chosen_kinds, opened
    from connector.cli.work import recorded
    from connector.flows.sweep.run import certify, look

    with opened(output) as session:
        workspace = session.app.workspace
        wanted = chosen_kinds(session, kinds)
        with recorded(session) as facts:
            found = look(workspace, kinds=wanted, period=period)
            number, certificate = certify(workspace, found)
            facts.update(certificate=number, unexplained=certificate.unexplained, signalled=found.signalled)
        answer = {
            **answer_of(number, certificate),
            "signalled": found.signalled,
            "api_calls": session.api_calls(),
            "seconds": session.seconds(),
        }
        output.result(answer, human=lambda console: print_certificate(console, answer))
        return Exit.OK if certificate.is_complete else Exit.FAILED
