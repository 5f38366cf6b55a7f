"""An adoption as a file: written by `adopt --plan`, edited by a person, carried out by `adopt --apply`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from connector.cli.plan_file import load_document, save_document
from connector.core.adoption import Adoption, Choice
from connector.core.errors import Problem, UsageError
from connector.runtime.redaction import redact_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_COMMAND: Final = "connector adopt --plan --out"


def masked(adoption: Adoption) -> Adoption:
    """Names stay, they are what a person recognises a record by; addresses in them do not."""
    entries = tuple(
        replace(
            entry,
            salesforce_label=redact_text(entry.salesforce_label),
            stripe_label=redact_text(entry.stripe_label),
        )
        for entry in adoption.entries
    )
    return replace(
        adoption,
        entries=entries,
        alone=tuple(replace(each, label=redact_text(each.label)) for each in adoption.alone),
    )


def save_adoption(adoption: Adoption, path: Path) -> str:
    """The SHA-256 of the file. Raises UsageError."""
    return save_document(adoption.as_dict(), path)


def load_adoption(path: Path) -> Adoption:
    """Raises UsageError for a file that is no adoption of this version, or was edited into none."""
    return load_document(path, read=Adoption.from_dict, command=_COMMAND)


def with_accepted(adoption: Adoption, accepted: Sequence[tuple[str, str]]) -> Adoption:
    """The adoption with these (Salesforce id, Stripe id) linked; their other candidates are separate.

    Raises UsageError naming every pair that is no candidate.
    """
    pairs = set(accepted)
    known = {(entry.salesforce, entry.stripe) for entry in adoption.entries}
    problems = [
        Problem(
            where=f"--accept {salesforce}={stripe}",
            observed="these two are no candidates for each other",
            remedy="name a pair the plan shows; what it does not show has nothing in common",
        )
        for salesforce, stripe in accepted
        if (salesforce, stripe) not in known
    ]
    if problems:
        raise UsageError(problems)
    taken = {record_id for pair in pairs for record_id in pair}
    entries = []
    for entry in adoption.entries:
        if (entry.salesforce, entry.stripe) in pairs:
            entries.append(replace(entry, choice=Choice.LINK))
        elif entry.choice is Choice.UNDECIDED and not taken.isdisjoint((entry.salesforce, entry.stripe)):
            entries.append(replace(entry, choice=Choice.SEPARATE))
        else:
            entries.append(entry)
    return replace(adoption, entries=tuple(entries))
