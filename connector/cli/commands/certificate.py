"""`connector certificate`: what the sweeps proved. Asks neither system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from connector.cli.exits import Exit
from connector.cli.options import common

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.cli.output import Output
    from connector.core.certificate import Certificate

#: as many as `list` shows; all are kept
_LISTED = 50


@click.group()
def certificate() -> None:
    """What the sweeps proved: up to when both systems were read through, and whether they agreed."""


@certificate.command()
@click.argument("number", required=False, type=click.IntRange(min=1))
@common
def show(output: Output, *, number: int | None) -> int:
    """Print a certificate, by default the newest: counts and digests per kind and month, and what differs."""
    from connector.cli.certificate_view import answer_of, print_certificate, print_list
    from connector.cli.record_id import UnknownCertificate

    found = [pair for pair in _recent() if number in (None, pair[0])]
    if not found and number is not None:
        raise UnknownCertificate(f"there is no certificate {number}")
    if not found:
        output.result({"certificate": None}, human=lambda console: print_list(console, []))
        return Exit.FAILED
    answer = answer_of(*found[0])
    output.result({"certificate": answer}, human=lambda console: print_certificate(console, answer, periods=True))
    return Exit.OK if answer["is_complete"] else Exit.FAILED


@certificate.command("list")
@common
def list_all(output: Output) -> int:
    """Print the newest certificates, one line each."""
    from connector.cli.certificate_view import print_list

    rows: list[dict[str, Any]] = [
        {
            "number": number,
            "as_of": each.as_of.isoformat(),
            "is_complete": each.is_complete,
            "kinds": sorted(each.kinds),
            "period": each.period,
            "unexplained": each.unexplained,
        }
        for number, each in _recent()[:_LISTED]
    ]
    output.result({"certificates": rows}, human=lambda console: print_list(console, rows))
    return Exit.OK


def _recent() -> Sequence[tuple[int, Certificate]]:
    from connector.app import open_own_store
    from connector.cli.session import process_settings

    with open_own_store(process_settings()) as store:
        return store.certificates.load_recent(1000)
