"""`config/schedule.yaml`: what the service does by itself, and when. Every problem is found in one run."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from connector.config.sections import Section, did_you_mean
from connector.config.yaml_reader import read_yaml
from connector.core.errors import ConfigError, Problem
from connector.core.model import Side
from connector.core.schedule import ALL, ScheduledJob, Work

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

#: more often than this no poll is over before the next begins
EVERY_MIN_S: Final = 5
DAY_S: Final = 86_400
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")


def load_schedule(path: Path, *, kinds: Collection[str]) -> tuple[ScheduledJob, ...]:
    """The jobs in the order of the file; `kinds` are those of the mapping pack. Raises ConfigError with every problem."""
    problems: list[Problem] = []
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        remedy = "make it a UTF-8 file that can be read; the shipped config/schedule.yaml is a start"
        raise ConfigError([Problem(where=str(path), observed=f"cannot be read: {error}", remedy=remedy)]) from error
    root = read_yaml(text, name=str(path), problems=problems)
    jobs: tuple[ScheduledJob, ...] = ()
    if root is not None:
        jobs = _jobs(Section(root, title="schedule", problems=problems), kinds)
    if not jobs and not problems:
        problems.append(
            Problem(where=str(path), observed="no jobs", remedy="write at least a poll, or nothing is read")
        )
    if problems:
        raise ConfigError(problems)
    return jobs


def _jobs(file: Section, kinds: Collection[str]) -> tuple[ScheduledJob, ...]:
    zone = _zone(file, ZoneInfo("UTC"))
    sections = file.sections("jobs")
    jobs = [job for section in sections if (job := _job(section, zone, kinds)) is not None]
    file.finish()
    names = [job.name for job in jobs]
    for section, name in zip(sections, names, strict=False):
        if names.count(name) > 1:
            section.report(f"job {name!r} is written twice", "give every job a name of its own", key="name")
        if name == ALL or name in kinds:
            section.report(f"a job cannot be called {name!r}", "that name pauses something else", key="name")
    return tuple(jobs)


def _job(section: Section, zone: ZoneInfo, kinds: Collection[str]) -> ScheduledJob | None:
    name = section.text("name", required=True) or ""
    if name and not _NAME.fullmatch(name):
        section.report(f"name is {name!r}", "write small letters, digits and hyphens", key="name")
    work = section.choice("work", set(Work), required=True)
    zone = _zone(section, zone)
    every_s, cron = _moments(section, zone)
    side = section.choice("side", set(Side))
    chosen = section.texts("kinds")
    for kind in chosen:
        if kind not in kinds:
            section.report(
                f"kinds names {kind!r}{did_you_mean(kind, kinds)}", f"known: {', '.join(kinds)}", key="kinds"
            )
    if work is not None and work != Work.POLL and (side is not None or chosen):
        section.report(f"{work} looks at both sides and all kinds", "remove `side` and `kinds`", key="work")
    jitter_s = _number(section, "jitter_s", default=0, largest=every_s or DAY_S)
    grace_s = _number(section, "grace_s", default=60, largest=7 * DAY_S)
    section.finish()
    if not name or work is None or (every_s is None) == (cron is None):
        return None
    return ScheduledJob(
        name=name,
        work=Work(work),
        every_s=every_s,
        cron=cron,
        time_zone=zone,
        jitter_s=jitter_s,
        grace_s=grace_s,
        side=None if side is None else Side(side),
        kinds=chosen,
    )


def _moments(section: Section, zone: ZoneInfo) -> tuple[int | None, str | None]:
    every_s, cron = section.integer("every_s"), section.text("cron")
    if section.has("every_s") == section.has("cron"):
        section.report("a job has either `every_s` or `cron`", "write one of them", key="cron")
        return None, None
    if every_s is not None and not EVERY_MIN_S <= every_s <= DAY_S:
        section.report(f"every_s is {every_s}", f"write {EVERY_MIN_S} to {DAY_S}; `cron` for less often", key="every_s")
    if cron is not None and (wrong := wrong_cron(cron, zone)):
        section.report(f"cron is {cron!r}: {wrong}", 'write five fields, such as "20 2 * * *"', key="cron")
    return every_s, cron


def wrong_cron(cron: str, zone: ZoneInfo) -> str | None:
    """What is wrong with these five fields, if anything."""
    from apscheduler.triggers.cron import CronTrigger  # noqa: PLC0415 -- only who reads a schedule pays for it

    fields = cron.split()
    if len(fields) == 5 and re.search(r"[0-9]", fields[4].partition("/")[0]):
        # crontab counts from Sunday, APScheduler from Monday: a number would run on another day than meant
        return "days of the week are written mon, tue, wed, thu, fri, sat, sun"
    try:
        trigger = CronTrigger.from_crontab(cron, timezone=zone)
    except ValueError as error:
        return str(error)
    never = trigger.get_next_fire_time(None, datetime(2026, 1, 1, tzinfo=UTC)) is None
    return "no such day ever comes" if never else None


def _number(section: Section, key: str, *, default: int, largest: int) -> int:
    value = section.integer(key)
    if value is None:
        return default
    if not 0 <= value <= largest:
        section.report(f"{key} is {value}", f"write 0 to {largest}", key=key)
        return default
    return value


def _zone(section: Section, default: ZoneInfo) -> ZoneInfo:
    name = section.text("time_zone")
    if name is None:
        return default
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # unknown names raise a KeyError of zoneinfo's
        section.report(f"time_zone is {name!r}", "write a name such as Europe/Berlin", key="time_zone")
        return default
