"""Who this process is, in words by which a person finds it."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def holder_of(now: datetime) -> str:
    """Host, process and start: another process never has the same, not even one with the same number later."""
    return f"{socket.gethostname()} pid {os.getpid()} since {now:%Y-%m-%d %H:%M:%S} UTC"
