"""Tells people about incidents: decided in core/alerts.py, remembered in the store, posted here.

What could not be posted is told the next time: an incident counts as told only once its message left.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson
import requests

from connector.core.alerts import (
    Rules,
    as_generic,
    as_slack,
    as_teams,
    follow,
    incidents_as_json,
    incidents_of_json,
    untold,
)
from connector.core.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from connector.core.alerts import Alert, Incident
    from connector.core.health import Reason
    from connector.ports import Store

NOTE: Final = "alerts.incidents"
TIMEOUT_S: Final = (5, 10)
FORMATS: Final = {"generic": as_generic, "slack": as_slack, "teams": as_teams}


class NotTold(Exception):
    """The message did not leave; carries why, without the address, which holds a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerter:
    store: Store
    #: posts one message, or raises NotTold
    post: Callable[[Alert], None]
    rules: Rules = field(default_factory=Rules)
    #: of several processes one tells; what it was handed may be older than that it was replaced
    may_tell: Callable[[], bool] = lambda: True

    def look(self, reasons: Sequence[Reason], *, now: datetime) -> int:
        """Tells what is new, worse or over; the number of messages. Raises NotTold when one did not leave, after the
        others were tried: those that left are not told again.
        """
        if not self.may_tell():
            return 0
        text = self.store.load_note(NOTE)
        known = remembered = incidents_of_json(orjson.loads(text)) if text else ()
        after, alerts = follow(known, reasons, now=now, rules=self.rules)
        unsent: dict[Alert, NotTold] = {}
        for number, alert in enumerate(alerts, start=1):
            try:
                self.post(alert)
            except NotTold as error:
                unsent[alert] = error
            else:
                # at once: whoever tells when this process dies in between must not tell it again
                remembered = self._remember(remembered, untold(known, after, (*unsent, *alerts[number:])))
        self._remember(remembered, untold(known, after, tuple(unsent)))
        if unsent:
            raise NotTold(f"{len(unsent)} of {len(alerts)} messages did not leave: {next(iter(unsent.values()))}")
        return len(alerts)

    def _remember(self, before: tuple[Incident, ...], incidents: tuple[Incident, ...]) -> tuple[Incident, ...]:
        if incidents != before:
            self.store.save_note(NOTE, orjson.dumps(incidents_as_json(incidents)).decode())
        return incidents


class AlertThread:
    """Tells on a thread of its own, because a receiver that does not answer must hold up nothing else: of what is
    handed over meanwhile the newest counts.
    """

    def __init__(self, alerter: Alerter, *, failed: Callable[[Exception], None]) -> None:
        self._alerter = alerter
        self._failed = failed
        self._newest: tuple[Sequence[Reason], datetime] | None = None
        self._turn = threading.Condition()
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def hand_over(self, reasons: Sequence[Reason], *, now: datetime) -> None:
        """Returns at once."""
        with self._turn:
            self._newest = (reasons, now)
            self._turn.notify()

    def stop(self, *, patience_s: float = 0.0) -> None:
        """Ends after the message under way, which is waited for so long; what was not told is told by the next start."""
        with self._turn:
            self._is_over = True
            self._turn.notify()
        self._thread.join(patience_s)

    def _run(self) -> None:
        while (taken := self._take()) is not None:
            reasons, now = taken
            try:
                self._alerter.look(reasons, now=now)
            except (StoreError, NotTold) as error:
                # told in the log; the next look comes in a quarter of a minute
                self._failed(error)

    def _take(self) -> tuple[Sequence[Reason], datetime] | None:
        """Waits for something to look at; None when it is over."""
        with self._turn:
            self._turn.wait_for(lambda: self._is_over or self._newest is not None)
            taken, self._newest = self._newest, None
            return None if self._is_over else taken


def poster(url: str, *, form: str, name: str) -> Callable[[Alert], None]:
    """Posts messages of this form; redirects are not followed, so that the address stays the one that was given."""
    render: Callable[..., dict[str, Any]] = FORMATS[form]

    def post(alert: Alert) -> None:
        try:
            reply = requests.post(url, json=render(alert, name=name), timeout=TIMEOUT_S, allow_redirects=False)
        except requests.RequestException as error:
            raise NotTold(f"no answer: {type(error).__name__}") from None
        if not 200 <= reply.status_code < 300:
            raise NotTold(f"answered {reply.status_code}")

    return post
