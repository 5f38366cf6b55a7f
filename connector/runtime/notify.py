"""Tells systemd that the service is ready, alive and stopping (sd_notify(3)); silent where nobody listens."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"
WATCHDOG: Final = "WATCHDOG=1"


class Notifier:
    """Bound to the socket systemd named in the environment, if it did."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._watchdog_us = environment.get("WATCHDOG_USEC", "")
        pid = environment.get("WATCHDOG_PID", "")
        self._watches_us = not pid or pid == str(os.getpid())

    @property
    def watchdog_s(self) -> float | None:
        """How often a sign of life is due, half of what systemd allows; None when it does not watch us."""
        if not self._watches_us or not self._watchdog_us.isdigit() or self._watchdog_us == "0":
            return None
        return int(self._watchdog_us) / 2_000_000

    def tell(self, *states: str) -> bool:
        """Whether somebody was told. A socket that is gone is no reason to stop serving."""
        if not self._address:
            return False
        # a name that begins with @ is in the abstract namespace, which begins with a zero byte
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as told:
                told.connect(address)
                told.sendall("\n".join(states).encode())
        except OSError:
            return False
        return True
