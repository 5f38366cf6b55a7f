"""What a child had to import reaches the process that forks the next one whole, however little room there is."""

from __future__ import annotations

import fcntl
import os
import sys

import pytest

from tests.support.fork_server import tell

ROOM_BYTES = 4096


@pytest.mark.skipif(sys.platform != "linux", reason="the room in a pipe can be chosen on Linux only")
def test_no_half_of_a_name_is_told_where_a_pipe_has_no_room():
    names = [f"connector.module_{number}" for number in range(1000)]
    told, modules = os.pipe()
    os.set_blocking(modules, False)
    fcntl.fcntl(modules, fcntl.F_SETPIPE_SZ, ROOM_BYTES)
    tell(modules, names)
    os.close(modules)
    with os.fdopen(told, "rb") as pipe:
        found = pipe.read().decode().split()
    assert 0 < len(found) < len(names)
    assert found == names[: len(found)]
