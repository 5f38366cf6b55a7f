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
from connector.runtime.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from structlog.typing import EventDict, Processor, WrappedLogger

    from connector.ports import Clock

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
)
#: keys that structlog itself makes, never personal data
_OWN_KEYS: Final = frozenset({"timestamp", "level", "logger"})


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
def unit_of_work(name: str, *, clock: Clock, **bound: Any) -> Iterator[MutableMapping[str, Any]]:
    """Logs one line when the block ends, however it ends: duration, outcome, and what the block put
    into the yielded mapping.
    """
    facts: dict[str, Any] = dict(bound)
    logger = structlog.get_logger("connector")
    started_s = clock.monotonic_s()
    try:
        yield facts
    except BaseException as error:
        outcome = "interrupted" if isinstance(error, (Interrupted, KeyboardInterrupt)) else "failed"
        facts |= {"outcome": outcome, "error": f"{type(error).__name__}: {error}"}
        raise
    finally:
        facts.setdefault("outcome", "done")
        # whole milliseconds: the facts are stored too, and stored content holds no binary fractions
        facts["duration_ms"] = round((clock.monotonic_s() - started_s) * 1000)
        emit = logger.error if facts["outcome"] == "failed" else logger.info
        emit(name, **facts)


def _timestamp(clock: Clock) -> Processor:
    def stamp(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["timestamp"] = clock.now().isoformat(timespec="milliseconds")
        return event

    return stamp
