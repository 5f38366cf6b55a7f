"""Shows how far long work is: a bar on a terminal, a line per step elsewhere. Always on stderr."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from connector.cli.output import Output

#: without a terminal: one line per so many records of the same step
_LINE_EVERY: Final = 500


class Progress:
    """Called as `progress(what, done, of)`, from any thread: both systems are read at the same time. `of` is 0
    while the end is not known.
    """

    def __init__(self, output: Output) -> None:
        self._console = output.error_console()
        # Two threads that both found no bar would each start one, and only the later would ever be stopped.
        self._lock = threading.Lock()
        self._live: Any = None
        self._task: Any = None
        self._what = ""
        self._told = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the bar; the next call starts a new one."""
        with self._lock:
            if self._live is not None:
                self._live.stop()
                self._live = self._task = None
            self._what = ""

    def say(self, text: str) -> None:
        """A line of its own, above the bar."""
        with self._lock:
            self._console.print(f"  {text}", style="yellow")

    def __call__(self, what: str, done: int, of: int) -> None:
        with self._lock:
            self._show(what, done, of)

    def _show(self, what: str, done: int, of: int) -> None:
        if self._console.is_terminal:
            self._draw(what, done, of)
        elif what != self._what or done - self._told >= _LINE_EVERY:
            self._told = done
            self._console.print(f"  {what}: {done} of {of}" if of else f"  {what}: {done} records so far")
        self._what = what

    def _draw(self, what: str, done: int, of: int) -> None:
        if self._live is None:
            from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar

            self._live = Bar(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TextColumn("{task.completed} records so far"),
                TimeElapsedColumn(),
                console=self._console,
                transient=True,
            )
            self._live.start()
            self._task = self._live.add_task(what, total=None)
        self._live.update(self._task, description=what, completed=done, total=of or None)
