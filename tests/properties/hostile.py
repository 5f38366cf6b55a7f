"""Text nobody would write by accident: what a loader is fed, and how long it may take.

One profile for every property of this folder: derandomised, so that a failing build fails again.
"""

from __future__ import annotations

import contextlib
import time
import tracemalloc
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator

#: `deadline` is replaced by `bounded`: a busy machine is no failure, a minute is
hostile = settings(
    derandomize=True,
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
many = settings(hostile, max_examples=200)
#: where one example reads a whole mapping pack
few = settings(hostile, max_examples=15)

#: pieces that parsers and people stumble over
PIECES = [
    "",
    "\x00",
    "\ufeff",
    "\r\n",
    "\r",
    "\t",
    "\x1b[31m",
    "\u2028",
    "\u202e",
    "\ufffe",
    "&a",
    "*a",
    "!!python/object/apply:os.system ['true']",
    "<<: *a",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "? ",
    ": ",
    "- ",
    "[" * 30,
    "{" * 30,
    "[" * 2000,
    "{a: " * 2000,
    "'",
    '"',
    "|\n",
    ">\n",
    "#",
    "@",
    "`",
    "%",
    "null",
    "~",
    "true",
    "NO",
    "010",
    "0x1F",
    "1e999999",
    "-0",
    "9" * 400,
    "9" * 18 + "." + "9" * 400,
    ".inf",
    ".nan",
    "2026-02-30",
    "12:30:45",
    "💣",
    "x" * 3000,
    "${jndi:ldap://x}",
    "../../../../etc/passwd",
    "'; DROP TABLE link; --",
]
piece = st.one_of(st.sampled_from(PIECES), st.text(max_size=12))


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:
    """A file that was right, with a few places cut, doubled or replaced."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 1, 2, 5, 20, 200])))
        inserted = draw(piece)
        if draw(st.integers(0, 5)) == 0:
            inserted = text[start:end] * 2
        text = text[:start] + inserted + text[end:]
    return text


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9).map(str),
    st.text(max_size=20),
    piece,
)
#: what may stand where something else was expected
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(min_size=1, max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@contextlib.contextmanager
def bounded(*, seconds: float = 30.0, megabytes: float | None = None) -> Iterator[None]:
    """Fails when the block takes far longer, or far more memory, than anything that is wrong deserves."""
    if megabytes is not None:
        tracemalloc.start()
    started = time.process_time()
    try:
        yield
        took = time.process_time() - started
        assert took < seconds, f"took {took:.1f} s of processor time"
        if megabytes is not None:
            peak = tracemalloc.get_traced_memory()[1] / 1e6
            assert peak < megabytes, f"took {peak:.0f} MB"
    finally:
        if megabytes is not None:
            tracemalloc.stop()
