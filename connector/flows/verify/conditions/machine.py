"""The machine we run on: its database, disk and clock, and how it reaches the two systems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.verify.account import StripeAccount
from connector.core.verify.checks import Judgement, Verdict
from connector.core.verify.machine import Addresses, Clocks, DatabaseState, Disk
from connector.core.verify.org_needs import OrgNeeds

if TYPE_CHECKING:
    from connector.core.verify.evidence import Facts
    from connector.core.verify.machine import ClockReading

_MEGABYTE: Final = 1_000_000


def database(facts: Facts) -> Judgement:
    """It can be used, and belongs to the two systems that answer."""
    state = facts.read("own_database", DatabaseState)
    if state.trouble:
        return Judgement(verdict=Verdict.FAIL, observed=state.trouble)
    org = facts.peek("org_needs", OrgNeeds)
    account = facts.peek("stripe_account", StripeAccount)
    pairs = (("org", state.org_id, org and org.org_id), ("account", state.account_id, account and account.id))
    wrong = [
        f"{what} {mine}, this is {what} {theirs}" for what, mine, theirs in pairs if mine and theirs and mine != theirs
    ]
    if wrong:
        return Judgement(
            verdict=Verdict.FAIL,
            observed=f"{state.place} belongs to {'; '.join(wrong)}",
            why="records of two pairs of systems would meet in one memory",
            fix="give each pair its own CONNECTOR_HOME or CONNECTOR_DATABASE__URL",
        )
    if state.org_id is None:
        observed = f"{state.place} is ready and belongs to nobody yet"
        return Judgement(verdict=Verdict.PASS, observed=observed)
    unseen = [what for what, _, theirs in pairs if theirs is None]
    told = f"{state.place}, schema {state.revision}, belongs to org {state.org_id} and account {state.account_id}"
    if unseen:
        told += f" (not compared: the {' and the '.join(unseen)} did not say who it is)"
    return Judgement(verdict=Verdict.PASS, observed=told, degraded=bool(unseen))


def disk(facts: Facts) -> Judgement:
    """Options `warn_mb` and `fail_mb`: free megabytes of the folder below which it warns and fails."""
    found = facts.read("own_disk", Disk)
    free_mb = found.free_bytes // _MEGABYTE
    if found.trouble:
        return Judgement(verdict=Verdict.FAIL, observed=f"{found.folder} cannot be written: {found.trouble}")
    observed = f"{free_mb:,} MB are free in {found.folder}"
    if free_mb < int(facts.option("fail_mb")):
        return Judgement(verdict=Verdict.FAIL, observed=observed)
    return Judgement(
        verdict=Verdict.WARN if free_mb < int(facts.option("warn_mb")) else Verdict.PASS, observed=observed
    )


def clock(facts: Facts) -> Judgement:
    """Options `warn_s` and `fail_s`: seconds of skew from which it warns and fails."""
    found = facts.read("own_clock", Clocks)
    unread = tuple(f"{system}: {reason}" for system, reason in found.unread.items())
    if not found.read:
        return Judgement(verdict=Verdict.UNKNOWN, observed=f"no server told its clock: {'; '.join(unread)}")
    told = tuple(f"{system}: {_skew(reading)}" for system, reading in found.read.items())
    worst = max(abs(reading.skew_s) for reading in found.read.values())
    verdict = Verdict.FAIL if worst >= int(facts.option("fail_s")) else Verdict.PASS
    if verdict is Verdict.PASS and worst >= int(facts.option("warn_s")):
        verdict = Verdict.WARN
    return Judgement(
        verdict=verdict,
        observed=", ".join(told),
        evidence=(*told, *(f"not compared: {each}" for each in unread)),
        degraded=bool(unread),
    )


def _skew(reading: ClockReading) -> str:
    skew_s = reading.skew_s
    if not skew_s:
        return "both clocks agree"
    return f"this machine is {abs(skew_s)} s {'ahead' if skew_s > 0 else 'behind'}"


def encryption(facts: Facts) -> Judgement:
    """Option `warn_days`: days before the end of a server's certificate from which it warns."""
    rows = facts.read("own_addresses", Addresses).rows
    plain = [f"{row.system} at {row.url}" for row in rows if not row.is_encrypted and not row.is_loopback]
    if plain:
        return Judgement(verdict=Verdict.FAIL, observed=f"credentials travel in the clear to {', '.join(plain)}")
    told, ending, unread = [], [], False
    for row in rows:
        if row.is_loopback:
            told.append(f"{row.system}: this machine itself")
        elif row.certificate_until is None:
            unread = True
            told.append(f"{row.system}: encrypted; how long the certificate lasts could not be read")
        else:
            days = (row.certificate_until - facts.now).days
            told.append(f"{row.system}: encrypted; certificate for {days} more days")
            if days < int(facts.option("warn_days")):
                ending.append(f"the certificate of {row.url} ends in {days} days")
    return Judgement(
        verdict=Verdict.WARN if ending else Verdict.PASS,
        observed="; ".join(ending or told),
        evidence=tuple(told),
        degraded=unread,
    )


CONDITIONS: Final = {"own_database": database, "own_disk": disk, "own_clock": clock, "own_encryption": encryption}
