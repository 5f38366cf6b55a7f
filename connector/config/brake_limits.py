"""`config/brakes.yaml`: how much a pass may do before a person has to look.

Every number has an end at both sides: one so large that nothing reaches it would switch the brake off, and
nobody would be told. What a brake stopped is released by a person, for what was shown, not by a larger number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.config.sections import Section
from connector.config.yaml_reader import read_yaml_file
from connector.core.brake import BrakeLimits, Limit
from connector.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: `section.key` in the file's order -> (least, most)
BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "voids.at_least": (1, 1_000),
    "voids.percent": (0, 25),
    "changes.at_least": (1, 10_000),
    "changes.percent": (0, 75),
    "creates.at_least": (1, 1_000_000),
    "creates.percent": (0, 100),
    "creates.first_sync": (1, 10_000_000),
    "listing.percent": (10, 100),
    "listing.from": (1, 10_000),
    "writes_per_hour": (2, 1_000),
    "release_hours": (1, 168),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BrakeSettings:
    """The limits that hold, and where each was said."""

    limits: BrakeLimits
    #: name, as in BOUNDS -> `file:line`; one that is left out holds by default
    sources: Mapping[str, str]

    def numbers(self) -> dict[str, int]:
        """Every limit by its name, in the file's order."""
        return _numbers(self.limits)


def load_brake_limits(*files: Path) -> BrakeLimits:
    """Only the limits, see `load_brake_settings`."""
    return load_brake_settings(*files).limits


def load_brake_settings(*files: Path) -> BrakeSettings:
    """The later file on top of the earlier one, number by number; the defaults of core/brake.py below them.

    Raises ConfigError holding every problem: a brake cannot be switched off by a wrong number.
    """
    numbers = _numbers(BrakeLimits())
    sources: dict[str, str] = {}
    problems: list[Problem] = []
    for path in files:
        root = read_yaml_file(path, problems, remedy="name a readable file")
        if root is not None:
            _read(Section(root, title="brakes", problems=problems), numbers, sources)
    if problems:
        raise ConfigError(problems)
    return BrakeSettings(limits=_limits(numbers), sources=sources)


def _read(file: Section, numbers: dict[str, int], sources: dict[str, str]) -> None:
    parts: dict[str, Section | None] = {}
    for name, bounds in BOUNDS.items():
        head, _, key = name.rpartition(".")
        if head and head not in parts:
            parts[head] = file.section(head)
        section = parts[head] if head else file
        value = None if section is None else _number(section, key, bounds)
        if section is not None and value is not None:
            numbers[name], sources[name] = value, section.where_of(key)
    for part in parts.values():
        if part is not None:
            part.finish()
    file.finish()


def _number(section: Section, key: str, bounds: tuple[int, int]) -> int | None:
    value = section.integer(key)
    least, most = bounds
    if value is None or least <= value <= most:
        return value
    why = (
        ""
        if value < least
        else "; more than that would switch the brake off: what it stops, `connector resume` releases"
    )
    section.report(f"{section.title}: {key} is {value}", f"write a whole number from {least} to {most}{why}", key=key)
    return None


def _numbers(limits: BrakeLimits) -> dict[str, int]:
    return {
        "voids.at_least": limits.voids.at_least,
        "voids.percent": limits.voids.percent,
        "changes.at_least": limits.changes.at_least,
        "changes.percent": limits.changes.percent,
        "creates.at_least": limits.creates.at_least,
        "creates.percent": limits.creates.percent,
        "creates.first_sync": limits.first_creates,
        "listing.percent": limits.listing_percent,
        "listing.from": limits.listing_from,
        "writes_per_hour": limits.writes_per_hour,
        "release_hours": limits.release_hours,
    }


def _limits(numbers: Mapping[str, int]) -> BrakeLimits:
    return BrakeLimits(
        voids=Limit(at_least=numbers["voids.at_least"], percent=numbers["voids.percent"]),
        changes=Limit(at_least=numbers["changes.at_least"], percent=numbers["changes.percent"]),
        creates=Limit(at_least=numbers["creates.at_least"], percent=numbers["creates.percent"]),
        first_creates=numbers["creates.first_sync"],
        listing_percent=numbers["listing.percent"],
        listing_from=numbers["listing.from"],
        writes_per_hour=numbers["writes_per_hour"],
        release_hours=numbers["release_hours"],
    )
