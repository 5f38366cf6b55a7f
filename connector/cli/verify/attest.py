"""`verify attest`: a named person looked where no API can, and says so until a day."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from connector.cli.exits import Exit
from connector.cli.session import process_settings, start_logs
from connector.cli.verify.run import check_named
from connector.core.verify.checks import Attestation

if TYPE_CHECKING:
    from datetime import date, datetime

    from connector.cli.output import Output
    from connector.core.verify.checks import Check
    from connector.ports.verifying import VerifyMemory

#: nobody remembers for longer what a settings page showed
_LONGEST: Final = timedelta(days=366)


def attest(output: Output, *, check_id: str, by: str, note: str, expires: datetime | None, withdraw: bool) -> int:
    """Stores it. Raises click's usage error for a check that cannot be attested, StoreError for the database."""
    from connector.runtime.clock import SystemClock
    from connector.verification import open_memory, shipped_rules

    rules = shipped_rules()
    check = check_named(check_id, rules)
    settings = process_settings()
    start_logs(output, settings)
    clock = SystemClock()
    with open_memory(settings, clock=clock) as memory:
        if withdraw:
            return _withdraw(output, memory, check, by, clock.now())
        day = _checked_day(expires, clock.now().date())
        if check.attest is None:
            raise click.UsageError(f"{check.id} is read from the system itself: there is nothing to attest")
        if not by.strip() or not note.strip():
            raise click.UsageError("say who looked (--by) and what was seen (--note)")
        attestation = Attestation(
            check_id=check.id,
            by=by.strip(),
            note=note.strip(),
            at=clock.now(),
            expires=day,
            packages=_packages(memory, check),
        )
        memory.save_attestation(attestation)
    return _tell(output, attestation)


def _checked_day(expires: datetime | None, today: date) -> date:
    if expires is None:
        raise click.UsageError("say until when it counts: --expires 2027-02-01")
    day = expires.date()
    if not today <= day <= today + _LONGEST:
        raise click.BadParameter("a day from today to a year from now", param_hint="--expires")
    return day


def _packages(memory: VerifyMemory, check: Check) -> dict[str, str]:
    """The versions the attestation is bound to, as the newest run read them."""
    runs = memory.load_verifications(1)
    if not runs:
        raise click.UsageError("run `connector verify` first: an attestation is about the org it looked at")
    versions = runs[0].report.get("packages", {})
    return {namespace: versions[namespace] for namespace in check.attest_packages if namespace in versions}


def _withdraw(output: Output, memory: VerifyMemory, check: Check, by: str, at: datetime) -> int:
    if not memory.withdraw_attestation(check.id, by.strip(), at):
        raise click.UsageError(f"nobody attested {check.id}")
    answer: dict[str, Any] = {"check": check.id, "event": "withdrawn", "by": by.strip()}
    output.result(answer, human=lambda console: console.print(f"{check.id}: no longer attested"))
    return Exit.OK


def _tell(output: Output, attestation: Attestation) -> int:
    answer = {
        "check": attestation.check_id,
        "event": "attested",
        "by": attestation.by,
        "note": attestation.note,
        "expires": attestation.expires.isoformat(),
        "packages": dict(attestation.packages),
    }
    bound = "".join(f", or until {name} is not {version} any more" for name, version in attestation.packages.items())
    words = f"{attestation.check_id}: attested by {attestation.by} until {attestation.expires}{bound}"
    output.result(answer, human=lambda console: console.print(words))
    return Exit.OK
