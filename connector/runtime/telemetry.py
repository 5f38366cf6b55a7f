"""Logs: structlog, configured once, to stderr, as JSON or for a console.

One canonical line per unit of work (`unit_of_work`); libraries' own records pass the same
processors and are limited to warnings. Secrets and personal data are redacted last, so that neither
a bound value, an exception's text nor a library's message can carry them out.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any, Final, TextIO

import structlog

from connector.core.errors import Interrupted
from connector.runtime.redaction import redact, redact_text

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from structlog.typing import EventDict, Processor, WrappedLogger

    from connector.ports import Clock, Store
    from connector.remote import Exchange

#: libraries that talk at INFO about every request
_QUIET: Final = (
    "urllib3",
    "stripe",
    "simple_salesforce",
    "sqlalchemy",
    "alembic",
    "apscheduler",
    "waitress",
    "asyncio",
    "procrastinate",
    "psycopg",
)
#: and whose warnings say what is meant to be so: a job that is still at work is left at it (`status` says since when), which
#: with a system that hangs would be a line for each moment
_MUTE: Final = ("apscheduler.scheduler",)
#: keys that structlog itself makes, never personal data
_OWN_KEYS: Final = frozenset({"timestamp", "level", "logger", "trace_id"})
#: what a unit of work puts among its facts that found nothing to do
IDLE: Final = "idle"


def configure(*, log_format: str, level: str, clock: Clock, stream: TextIO) -> None:
    """`log_format` is `json` or `console`, `level` a name of the logging module. May be called again."""
    chain: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _timestamp(clock),
        structlog.processors.format_exc_info,
        redact_event,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(default=str)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *chain],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for name in _MUTE:
        logging.getLogger(name).setLevel(max(logging.ERROR, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *chain,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def redact_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A processor: every value by its key and by its text."""
    for key, value in event.items():
        # Internal values of ProcessorFormatter are named with an underscore and are no text.
        if key not in _OWN_KEYS and not key.startswith("_"):
            event[key] = redact(value, key)
    return event


@contextlib.contextmanager
def unit_of_work(
    name: str, *, clock: Clock, trace_id: str | None = None, **bound: Any
) -> Iterator[MutableMapping[str, Any]]:
    """Logs one line when the block ends, however it ends: duration, outcome, and what the block put
    into the yielded mapping. Whatever else is logged meanwhile carries the trace id too, on every thread that
    `connector.workers` starts for it.

    No line comes of a block that puts a true `IDLE` into the mapping and fails not: it found nothing to do.
    """
    named = {} if trace_id is None else {"trace_id": trace_id}
    with structlog.contextvars.bound_contextvars(**named), _line(name, clock, bound) as facts:
        yield facts


@contextlib.contextmanager
def recorded_unit(
    name: str, *, store: Store, clock: Clock, trace_id: str, by: str | None = None, **bound: Any
) -> Iterator[MutableMapping[str, Any]]:
    """A unit of work that leaves two traces: the canonical log line, and a row among the runs. `store` is that of
    the unit (`Store.traced`), `by` the person who asked for it.
    """
    run_id = store.start_run(name, clock.now(), by=by)
    if by is not None:
        bound["by"] = by
    facts: MutableMapping[str, Any] = {}
    try:
        with unit_of_work(name, clock=clock, trace_id=trace_id, run=run_id, **bound) as facts:
            yield facts
    finally:
        store.finish_run(run_id, clock.now(), dict(facts))


@contextlib.contextmanager
def _line(name: str, clock: Clock, bound: dict[str, Any]) -> Iterator[MutableMapping[str, Any]]:
    facts: dict[str, Any] = dict(bound)
    logger = structlog.get_logger("connector")
    started_s = clock.monotonic_s()
    try:
        yield facts
    except BaseException as error:
        outcome = "interrupted" if isinstance(error, (Interrupted, KeyboardInterrupt)) else "failed"
        # stored with the run as well, where no processor of the log sees it
        facts |= {"outcome": outcome, "error": redact_text(f"{type(error).__name__}: {error}")}
        raise
    finally:
        is_idle = facts.pop(IDLE, False)
        if not is_idle or "outcome" in facts:
            facts.setdefault("outcome", "done")
            # whole milliseconds: the facts are stored too, and stored content holds no binary fractions
            facts["duration_ms"] = round((clock.monotonic_s() - started_s) * 1000)
            emit = logger.error if facts["outcome"] == "failed" else logger.info
            emit(name, **facts)


def log_exchange(exchange: Exchange) -> None:
    """One line per request, for whoever debugs or looks for one by the system's own id of it."""
    structlog.get_logger("connector").debug(
        "request",
        api=exchange.side.value,
        code=exchange.code,
        duration_ms=round(exchange.took_s * 1000),
        request_id=exchange.request_id,
    )


def _timestamp(clock: Clock) -> Processor:
    def stamp(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["timestamp"] = clock.now().isoformat(timespec="milliseconds")
        return event

    return stamp
