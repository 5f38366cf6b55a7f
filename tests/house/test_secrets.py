"""Nothing of a machine, an index or an account stands in the repository."""

from __future__ import annotations

import re

import pytest

from tests.house.tree import ROOT, tracked

TEXT_MAX_BYTES = 4_000_000

#: written so that this file does not match itself
PATTERNS = {
    "a path of somebody's machine": re.compile(r"(?<![\w.])/(?:work|home|Users|root)/[\w.-]+/"),
    "a package index": re.compile(r"(?i)(?:extra-)?index-url|find-links\s*[=:]|//pypi[.]|/simple/?\s*$", re.MULTILINE),
    "a live key": re.compile(r"\b[sr]k_live_[A-Za-z0-9]{20,}"),
    "a private key": re.compile("-----BEGIN " + r"(?:RSA |EC )?PRIVATE KEY-----\s*\n[A-Za-z0-9+/=\n]{200,}"),
}
#: how the lock is made says which options keep addresses out
EXCUSED = {("Makefile", "a package index"), ("tests/house/test_secrets.py", "a package index")}


def _texts():
    for path in tracked():
        if path.stat().st_size > TEXT_MAX_BYTES or path.suffix in {".gz", ".png", ".ico"}:
            continue
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


@pytest.mark.parametrize("what", PATTERNS)
def test_no_file_holds(what):
    found = [
        f"{name}: {match.group(0)[:80]!r}"
        for name, text in _texts()
        if (name, what) not in EXCUSED and (match := PATTERNS[what].search(text))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a path of somebody's machine", "see /home" + "/somebody/x"),
        ("a package index", "--index" + "-url https://example.org"),
        ("a live key", "sk_live" + "_" + "a" * 24),
        ("a private key", "-----BEGIN " + "PRIVATE KEY-----\n" + "A" * 220),
    ],
)
def test_the_search_would_find(what, text):
    assert PATTERNS[what].search(text)


def test_the_locks_name_a_hash_for_every_file():
    for name in ("program.txt", "development.txt"):
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        pins = [line for line in text.splitlines() if re.match(r"[a-z0-9]", line)]
        assert len(pins) > 30
        assert all(re.fullmatch(r"[a-z0-9._-]+==\S+( ;.*)? \\", pin) for pin in pins), pins
        assert text.count("--hash=sha256:") > 3 * len(pins)
        # a build for one machine only would leave the others without
        assert "orjson" in text
        orjson = text.split("orjson==")[1].split("\n    #")[0]
        assert orjson.count("--hash") > 10


def test_what_tests_need_is_what_the_program_runs_on():
    """The development lock pins the program's packages to the program's versions."""
    pin = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.MULTILINE)
    program = dict(pin.findall((ROOT / "requirements" / "program.txt").read_text(encoding="utf-8")))
    development = dict(pin.findall((ROOT / "requirements" / "development.txt").read_text(encoding="utf-8")))
    assert {name: development.get(name) for name in program} == program
