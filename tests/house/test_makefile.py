"""What `make` runs is there."""

from __future__ import annotations

import re

import pytest

from tests.house.tree import ROOT

RUN = sorted(set(re.findall(r"-m ((?:bench|tests|tools)\.[\w.]+)", (ROOT / "Makefile").read_text(encoding="utf-8"))))


def test_make_runs_modules_of_ours():
    assert "bench.store" in RUN


@pytest.mark.parametrize("module", RUN)
def test_a_module_that_make_runs_exists(module):
    assert (ROOT / (module.replace(".", "/") + ".py")).is_file()
