"""What a support bundle tells, part by part. Numbers, words of our own, codes and ids; no values of records.

Nothing is called `name` here: what stands under that key is hidden, whatever it is (runtime/redaction.py).
Free text may quote a record or a person, so of errors only the beginning is told, of pauses not the reason, of
parked records not the words.
"""

from __future__ import annotations

import platform
import shutil
import sqlite3
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from connector import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connector.config.settings import Settings
    from connector.core.mapping import Pack
    from connector.core.schedule import ScheduledJob
    from connector.ports import Clock
    from connector.store import SqlStore

#: libraries whose version is asked for first when something is odd
_LIBRARIES: Final = (
    "alembic",
    "apscheduler",
    "procrastinate",
    "psycopg",
    "pydantic",
    "requests",
    "simple-salesforce",
    "sqlalchemy",
    "starlette",
    "stripe",
    "uvicorn",
)
_RUNS: Final = 50
_EVENTS: Final = 1000
#: of an error that was stored as text: what sort, whose action, which status and code; what follows may quote a record
_ERROR_PARTS: Final = 3
#: of one that was stored without its sort
_REASON_PARTS: Final = 2
_ERROR_LENGTH: Final = 160
#: texts of a run's summary that are words of ours
_OWN_WORDS: Final = frozenset({"outcome"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the sections look at; opened one by one, so that one that is broken spoils no other."""

    settings: Callable[[], Settings]
    pack: Callable[[], Pack]
    jobs: Callable[[], tuple[ScheduledJob, ...]]
    #: raises StoreError when its schema is not this program's: it is not upgraded here
    store: Callable[[], SqlStore]
    clock: Clock


def about(_known: Known) -> dict[str, Any]:
    return {
        "connector": __version__,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "sqlite": sqlite3.sqlite_version,
        "libraries": {name: version for name in _LIBRARIES if (version := _version(name)) is not None},
    }


def settings(known: Known) -> dict[str, Any]:
    from connector.config.settings_report import describe

    given = known.settings()
    rows = {
        row.name: {"value": _without_home(row.value), "source": _without_home(row.source)} for row in describe(given)
    }
    return {"settings": rows, "free_bytes": _free_bytes(given.home)}


def database(known: Known) -> dict[str, Any]:
    from connector.store.examine import examine
    from connector.store.look import look

    url = known.settings().database_url
    seen = look(url, clock=known.clock)
    told = {"place": _without_home(seen.place), "schema": seen.schema, "wanted": seen.wanted, "state": seen.state}
    return told if seen.state == "empty" else {**told, **examine(url, clock=known.clock)}


def mapping(known: Known) -> dict[str, Any]:
    pack = known.pack()
    return {"digest": pack.digest, "kinds": {kind: each.born.value for kind, each in pack.kinds.items()}}


def health(known: Known) -> dict[str, Any]:
    from connector.core.health import Limits, judge

    jobs = known.jobs()
    pulse = known.store().load_pulse(tuple(known.pack().kinds))
    every_s = {job.name: job.every_s for job in jobs if job.every_s is not None}
    found = judge(pulse, every_s=every_s, limits=Limits())
    return {
        "at": pulse.at,
        "health": found.word.value,
        "reasons": [{"code": each.code, "subject": each.subject, "word": each.word.value} for each in found.reasons],
        "streams": [asdict(stream) for stream in pulse.streams],
        "shards": dict(pulse.shards),
        "unresolved": pulse.unresolved,
        "leases": [
            {"lease": each.name, "holder": each.holder, "epoch": each.epoch, "expires_at": each.expires_at}
            for each in pulse.leases
        ],
        "certified_at": pulse.certified_at,
    }


def schedule(known: Known) -> dict[str, Any]:
    store = known.store()
    jobs = [
        {
            "job": job.name,
            "work": job.work.value,
            "side": None if job.side is None else job.side.value,
            "kinds": list(job.kinds),
            "every_s": job.every_s,
            "cron": job.cron,
            "time_zone": str(job.time_zone),
        }
        for job in known.jobs()
    ]
    ticks = {
        name: {
            **tick,
            "reason": None if tick["reason"] is None else beginning(str(tick["reason"]), parts=_REASON_PARTS),
        }
        for name, tick in store.schedule.load_last().items()
    }
    pauses = [
        {"subject": each.subject, "since": each.since, "until": each.until} for each in store.schedule.load_pauses()
    ]
    return {"jobs": jobs, "last": ticks, "paused": pauses}


def runs(known: Known) -> list[dict[str, Any]]:
    return [{**row, "summary": _numbers(row["summary"] or {})} for row in known.store().load_runs(_RUNS)]


def records(known: Known) -> dict[str, Any]:
    from connector.cli.held_view import held_back
    from connector.cli.parked import parked_groups

    store = known.store()
    groups = parked_groups(store, known.pack().kinds)
    parked = [
        {
            **{name: group[name] for name in ("group", "kind", "code", "count", "on_both_sides", "since", "next_look")},
            "type": group["condition"]["type"],
        }
        for group in groups
    ]
    findings = Counter((finding.code, finding.severity.value) for finding in store.load_findings())
    return {
        "links": store.count_links(),
        "signals": store.count_signals(),
        "parked": parked,
        "held_back": held_back(store),
        "findings": [
            {"code": code, "severity": severity, "count": count} for (code, severity), count in findings.items()
        ],
    }


def brakes(known: Known) -> list[dict[str, Any]]:
    return [
        {
            "brake": brake.name,
            "subject": brake.subject,
            "tripped_at": brake.tripped_at,
            "observed": brake.observed,
            "allowed": brake.allowed,
            "would_write": dict(brake.plan.get("counts") or {}),
            "released_at": brake.released_at,
        }
        for brake in known.store().brakes.load_recent()
    ]


def events(known: Known) -> dict[str, Any]:
    recent = known.store().events.load_recent(_EVENTS)
    return {
        "looked_at": len(recent),
        "newest": recent[0].received_at if recent else None,
        "types": dict(Counter(event.type for event in recent).most_common()),
        "versions": dict(Counter(event.api_version for event in recent).most_common()),
        "delivered_again": sum(event.deliveries > 1 for event in recent),
    }


def certificates(known: Known) -> list[dict[str, Any]]:
    return [
        {
            "number": number,
            "as_of": certificate.as_of,
            "is_complete": certificate.is_complete,
            "period": certificate.period,
            "unexplained": certificate.unexplained,
            "sorts": dict(Counter(each["sort"] for each in certificate.detail["differences"])),
        }
        for number, certificate in known.store().certificates.load_recent(10)
    ]


def verification(known: Known) -> dict[str, Any] | None:
    from connector.cli.verify.last import last_verification

    return last_verification(known.store().verify_memory(None))


def trail(known: Known) -> dict[str, Any]:
    head = known.store().audit.load_head()
    return {"rows": head.seq, "anchor": str(head) if head.seq else None}


#: file in the bundle -> what writes it
SECTIONS: Final[Mapping[str, Callable[[Known], Any]]] = {
    "about": about,
    "settings": settings,
    "database": database,
    "mapping": mapping,
    "health": health,
    "schedule": schedule,
    "runs": runs,
    "records": records,
    "brakes": brakes,
    "events": events,
    "certificates": certificates,
    "verification": verification,
    "trail": trail,
}


def beginning(text: str, *, parts: int = _ERROR_PARTS) -> str:
    """Of an error in words: whose, what, which code."""
    told = ": ".join(text.split(": ")[:parts])
    return told if len(told) <= _ERROR_LENGTH else f"{told[:_ERROR_LENGTH]}…"


def _numbers(summary: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, value in summary.items():
        if value is None or isinstance(value, (bool, int)) or name in _OWN_WORDS:
            told[name] = value
        elif name == "error":
            told[name] = beginning(str(value))
        elif isinstance(value, dict):
            told[name] = _numbers(value)
    return told


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _without_home(text: str | None) -> str | None:
    """A person's folder is named after the person."""
    return None if text is None else text.replace(str(Path.home()), "~")


def _free_bytes(folder: Path) -> int | None:
    place = next((each for each in (folder, *folder.absolute().parents) if each.exists()), None)
    return None if place is None else shutil.disk_usage(place).free
