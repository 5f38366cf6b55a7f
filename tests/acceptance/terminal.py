"""The program in a real terminal: what a person types, and everything that appears on the screen."""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import time

from tests.acceptance.program import CONNECTOR, TIMEOUT_S


class Terminal:
    def __init__(self, master, process):
        self._master = master
        self._process = process
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.screen = ""
        self._seen = 0

    def expect(self, text):
        """Waits until the text appears behind what was expected before."""
        deadline = time.monotonic() + TIMEOUT_S
        while text not in self.screen[self._seen :]:
            assert time.monotonic() < deadline, f"{text!r} did not appear:\n{self.screen[self._seen :]}"
            assert self._read(1.0), f"the program ended without {text!r}:\n{self.screen}"
        self._seen = self.screen.index(text, self._seen) + len(text)

    def answer(self, question, line):
        self.expect(question)
        self.expect(" > ")
        self.type(line)

    def type(self, line):
        os.write(self._master, line.encode() + b"\n")

    def end(self):
        """The exit code, once everything is on the screen."""
        deadline = time.monotonic() + TIMEOUT_S
        while self._read(1.0):
            assert time.monotonic() < deadline, f"it does not end:\n{self.screen}"
        return self._process.wait(timeout=TIMEOUT_S)

    def _read(self, wait_s):
        """False when the program has let go of the terminal."""
        ready, _, _ = select.select([self._master], [], [], wait_s)
        if not ready:
            return True
        try:
            part = os.read(self._master, 4096)
        except OSError:
            # Linux says "input/output error" when the last one has closed the other end
            return False
        self.screen += self._decoder.decode(part).replace("\r\n", "\n")
        return bool(part)


def _sit_down():
    """Between fork and exec. Without a controlling terminal hidden input would not be hidden; and a suite that a
    shell started in the background ignores Ctrl-C, as would its children.
    """
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextlib.contextmanager
def terminal(program, *arguments, folder):
    """A run whose three streams are one terminal, which is its controlling one: hidden input works."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*CONNECTOR, *arguments],
        cwd=folder,
        env={**program.environment({}), "COLUMNS": "140", "TERM": "dumb"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=_sit_down,  # noqa: PLW1509 - two system calls, no lock is taken
    )
    os.close(slave)
    try:
        yield Terminal(master, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=TIMEOUT_S)
        os.close(master)
