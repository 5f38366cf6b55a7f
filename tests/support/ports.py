"""Ports that somebody else is going to listen on: nobody is given them meanwhile."""

from __future__ import annotations

import socket
import sys


def kept_port(number: int = 0) -> int:
    """This port of 127.0.0.1, or any that is free, kept for as long as this process lives. Who is told its number can
    listen on it; until then nobody does, and a connection to it is refused. Raises OSError when somebody has it.
    """
    kept = socket.socket()
    # Who listens sets this as well, and may then bind what is bound already; whoever asks for any port is given another.
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        kept.bind(("127.0.0.1", number))
        port = int(kept.getsockname()[1])
    except (OSError, OverflowError):
        kept.close()
        raise
    if sys.platform == "linux":
        # never closed: the number is nobody else's until this process has ended
        kept.detach()
    else:
        # elsewhere two may not have one port, not even so
        kept.close()
    return port
