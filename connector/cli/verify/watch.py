"""`verify --watch`: look again and again while somebody clicks in Setup; the bell rings when something changed."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any, Final

from connector.cli import watching
from connector.cli.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from connector.cli.output import Output
    from connector.ports import Clock

#: an org's calls are counted: nobody needs it quicker
_SHORTEST_S: Final = 5


def period_s(text: str) -> int:
    """As `watching.period_s`."""
    return watching.period_s(text, shortest_s=_SHORTEST_S)


def watch(
    output: Output,
    every_s: int,
    *,
    look: Callable[[], dict[str, Any]],
    show: Callable[[Mapping[str, Any]], int],
    clock: Clock,
    stop: Callable[[], bool],
) -> int:
    """Looks and shows every so many seconds until it is stopped; the exit code is that of what was shown last."""
    code: int = Exit.OK
    before: dict[str, str] | None = None

    def once() -> None:
        nonlocal code, before
        report = look()
        outcomes = {check["id"]: check["outcome"] for check in report["checks"]}
        if sys.stdout.isatty() and not output.as_json:
            output.console().clear()
        code = show(report)
        output.note(f"looked at {clock.now():%H:%M:%S} UTC; again every {every_s} s until Ctrl-C")
        if before is not None:
            _tell_changes(output, before, outcomes)
        before = outcomes

    watching.repeat(once, every_s, clock=clock, stop=stop)
    return code


def _tell_changes(output: Output, before: Mapping[str, str], now: Mapping[str, str]) -> None:
    changed = [f"{name} {before.get(name, 'new')} → {now[name]}" for name in now if before.get(name) != now[name]]
    if changed:
        output.note(f"\a{', '.join(changed)}")


@contextlib.contextmanager
def asking(output: Output) -> Iterator[None]:
    """Says on stderr that the systems are being asked, for as long as they are."""
    console = output.error_console()
    if console.is_terminal:
        with console.status("asking Salesforce and Stripe …"):
            yield
    else:
        output.note("asking Salesforce and Stripe")
        yield
