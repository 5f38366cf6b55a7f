"""An answer is one packet, and a connection ends behind what was said."""

from __future__ import annotations

import asyncio

from connector.web.gathered import Gathered


class Wire:
    """A transport that keeps what happens to it."""

    def __init__(self):
        self.happened = []

    def write(self, data):
        self.happened.append(data)

    def close(self):
        self.happened.append("closed")

    def is_closing(self):
        return "closed" in self.happened


def test_what_is_written_in_one_turn_of_the_loop_leaves_at_once_at_its_end():
    async def answer():
        wire = Wire()
        gathered = Gathered(wire, asyncio.get_running_loop())
        for part in (b"head ", b"body ", b"end"):
            gathered.write(part)
        assert wire.happened == []
        await asyncio.sleep(0)
        gathered.write(b"the next one")
        await asyncio.sleep(0)
        return wire.happened

    assert asyncio.run(answer()) == [b"head body end", b"the next one"]


def test_it_is_closed_behind_what_was_written_and_says_so():
    async def answer():
        wire = Wire()
        gathered = Gathered(wire, asyncio.get_running_loop())
        gathered.write(b"goodbye")
        gathered.close()
        assert gathered.is_closing()
        await asyncio.sleep(0)
        return wire.happened

    assert asyncio.run(answer()) == [b"goodbye", "closed"]
