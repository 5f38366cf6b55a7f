"""The exit codes of every command, and which error leads to which.

One table for the whole program, documented in docs/cli.md from here. Loads nothing heavy.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from connector.cli.record_id import UnknownCertificate, UnknownRecord
from connector.core.errors import (
    Braked,
    ConnectorError,
    Interrupted,
    LeaseLost,
    Refused,
    RemoteError,
    StoreAway,
    StoreBusy,
    Throttled,
    Unadopted,
    Unauthorised,
    Unfinished,
    UsageError,
)
from connector.core.model import Side


class Exit(IntEnum):
    OK = 0
    FAILED = 1
    CHANGES = 2
    USAGE = 64
    UNAVAILABLE = 69
    INTERNAL = 70
    RETRY = 75
    INTERRUPTED = 130


#: for docs/cli.md and the house test
MEANINGS: Final[dict[Exit, str]] = {
    Exit.OK: "done",
    Exit.FAILED: "it ran, and something needs a person: open errors, a stopped kind, a refused key, a failed check, "
    "an unknown id, an open brake, a state folder that is full or read-only",
    Exit.CHANGES: "`plan --detailed-exitcode` only: there are changes to apply",
    Exit.USAGE: "wrong arguments, settings, mapping or set-up of a system; every problem is printed with its remedy",
    Exit.UNAVAILABLE: "a remote system cannot be reached or does not accept the credentials",
    Exit.INTERNAL: "a bug of ours; run again with `--debug` and report the traceback",
    Exit.RETRY: "locked, rate limited, the database's server out of reach, or a remote job that has not ended yet: the same command may succeed later",
    Exit.INTERRUPTED: "stopped by Ctrl-C or SIGTERM; what was done is kept, run again to go on",
}


def exit_of(error: ConnectorError) -> Exit:
    """The exit code an error of ours leads to."""
    if isinstance(error, UsageError):
        return Exit.USAGE
    if isinstance(error, Interrupted):
        return Exit.INTERRUPTED
    if isinstance(error, (Throttled, Unfinished, StoreBusy, StoreAway, LeaseLost)):
        return Exit.RETRY
    if isinstance(error, RemoteError):
        return Exit.FAILED if isinstance(error, Refused) else Exit.UNAVAILABLE
    return Exit.FAILED


_CREDENTIALS: Final = {
    Side.SALESFORCE: "check CONNECTOR_SALESFORCE__AUTH and the credentials it needs",
    Side.STRIPE: "check CONNECTOR_STRIPE__API_KEY",
}
_ADDRESSES: Final = {
    Side.SALESFORCE: "CONNECTOR_SALESFORCE__INSTANCE_URL and CONNECTOR_SALESFORCE__LOGIN_URL",
    Side.STRIPE: "CONNECTOR_STRIPE__API_BASE",
}


def remedy_of(error: ConnectorError) -> str | None:
    """What a person can do about it, where the message does not say so by itself."""
    if isinstance(error, Unauthorised):
        return f"{_CREDENTIALS[error.side]}; `connector config show` says where each setting comes from"
    if isinstance(error, Throttled):
        wait = f" in {error.retry_after_s} s" if error.retry_after_s is not None else " later"
        return f"run the same command again{wait}; what was done is kept"
    if isinstance(error, Unfinished):
        return "wait for it to end, then run the same command again: it goes on from what is there"
    if isinstance(error, Refused):
        return "correct what the message names, then run the same command again"
    if isinstance(error, RemoteError):
        return (
            f"check that {error.side.value} is reachable ({_ADDRESSES[error.side]}), then run the same command again; "
            "what was done is kept"
        )
    if isinstance(error, (StoreBusy, LeaseLost)):
        return "another connector works on this database: wait for it to end, or stop it, then run again"
    if isinstance(error, Unadopted):
        return error.finding.remedy
    return next((remedy for kind, remedy in _REMEDIES.items() if isinstance(error, kind)), None)


#: where the error itself adds nothing to it
_REMEDIES: Final[dict[type[ConnectorError], str]] = {
    Interrupted: "run the same command again to go on",
    Braked: "look at it with `connector resume`; the lines above say how it is released",
    UnknownCertificate: "`connector certificate list` shows which there are",
    UnknownRecord: "give a Salesforce id (15 or 18 characters), a Stripe id (in_...) or an invoice number, of this org or account",
}
