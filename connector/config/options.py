"""The options each lifecycle understands, with their forms. Defaults live in the pack's YAML.

An option nobody reads is an error, as is a value a lifecycle would stumble over in the middle of a run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from connector.config.sections import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.config.sections import Section


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    values: tuple[str, ...]

    def fault(self, value: Any) -> str | None:
        return None if value in self.values else f"one of {', '.join(self.values)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    low: int
    high: int

    def fault(self, value: Any) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high
        return None if fits else f"a whole number from {self.low} to {self.high}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    def fault(self, value: Any) -> str | None:
        return None if isinstance(value, bool) else "`true` or `false`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A value of the org's status picklist; `also` are words with a meaning of their own."""

    also: tuple[str, ...] = ()

    def fault(self, value: Any) -> str | None:
        return None if isinstance(value, str) and value else "a value of the org's status picklist"


Form = Choice | Whole | Flag | Status

#: lifecycle -> option -> its form
OPTIONS: Final[Mapping[str, Mapping[str, Form]]] = {
    "catalogue": {},
    "quote": {
        "on_accept": Choice(values=("cancel", "bill_in_stripe")),
        "on_cancel": Status(also=("finding",)),
        "accepted_status": Status(),
        "days_until_due": Whole(low=0, high=730),
        "mirror_drafts": Flag(),
    },
    # 250: platform.md C5; 120 days is the longest a hosted link lives (experience.md 0)
    "invoice": {"lines_max": Whole(low=1, high=250), "link_refresh_days": Whole(low=1, high=120)},
    "payment": {
        "posted_status": Status(),
        "draft_status": Status(),
        "allocate_to": Choice(values=("invoice", "lines")),
    },
    "offline_payment": {},
}


def check_options(section: Section, values: Mapping[str, Any], *, lifecycle: str) -> None:
    """Reports unknown, missing and ill-formed options of a kind at their lines."""
    forms = OPTIONS[lifecycle]
    for name, value in values.items():
        form = forms.get(name)
        if form is None:
            known = ", ".join(sorted(forms)) or "none"
            section.report(f"unknown option {name!r}{did_you_mean(name, forms)}", f"known here: {known}", key=name)
        elif (wanted := form.fault(value)) is not None:
            section.report(f"option {name} is {value!r}", f"write {wanted}", key=name)
    for name in forms:
        if name not in values:
            section.report(f"option {name!r} is missing", f"add `{name}: ...`, see docs/mapping.md")


def status_options(lifecycle: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(option, words that are no status) of the options that name a status of the org."""
    return tuple((name, form.also) for name, form in OPTIONS[lifecycle].items() if isinstance(form, Status))
