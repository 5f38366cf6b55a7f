"""config/brakes.yaml: what it says, and that no mistake in it switches a brake off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.config.brake_limits import BOUNDS, load_brake_limits, load_brake_settings
from connector.config.places import share
from connector.core.brake import BrakeLimits, Limit
from connector.core.errors import ConfigError


def load(tmp_path, text):
    file = tmp_path / "brakes.yaml"
    file.write_text(text)
    return load_brake_limits(file)


def test_the_file_that_comes_with_the_program_says_what_the_code_says_without_one():
    assert load_brake_limits(share("config") / "brakes.yaml") == BrakeLimits()
    assert load_brake_limits() == BrakeLimits()


def test_a_file_of_ones_own_goes_on_top_number_by_number(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("voids: {percent: 5}\n")
    limits = load_brake_limits(share("config") / "brakes.yaml", own)
    assert limits == replace(BrakeLimits(), voids=Limit(at_least=10, percent=5))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot be read"):
        load_brake_limits(tmp_path / "none.yaml")


def test_what_is_left_out_keeps_its_default(tmp_path):
    limits = load(tmp_path, "voids: {at_least: 3}\nwrites_per_hour: 5\n")
    assert limits.voids == Limit(at_least=3, percent=2)
    assert (limits.writes_per_hour, limits.changes) == (5, BrakeLimits().changes)


@pytest.mark.parametrize(
    ("text", "observed"),
    [
        ("voids: {percent: 101}\n", "percent is 101"),
        ("voids: {at_least: 0}\n", "at_least is 0"),
        ("voids: {at_least: -1}\n", "at_least is -1"),
        ("changes: {at_least: 2.5}\n", "at_least is"),
        ("changes: off\n", "not a mapping"),
        ("creates: {firstsync: 10}\n", "unknown key 'firstsync' (did you mean 'first_sync'?)"),
        ("listing: {percent: -1}\n", "percent is -1"),
        ("writes_per_hour: 1\n", "writes_per_hour is 1"),
        ("release_hours: for ever\n", "release_hours is 'for ever'"),
        ("void: {at_least: 3}\n", "unknown key 'void' (did you mean 'voids'?)"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path, text, observed):
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, text)
    [problem] = raised.value.problems
    assert observed in problem.observed
    assert "brakes.yaml:1" in problem.where


@pytest.mark.parametrize(
    "text",
    [
        "voids: {percent: 100}",
        "voids: {at_least: 1000000}",
        "changes: {percent: 100}",
        "changes: {at_least: 1000000}",
        "creates: {at_least: 100000000}",
        "listing: {percent: 0}",
        "listing: {from: 1000000}",
        "writes_per_hour: 100000",
        "release_hours: 87600",
    ],
)
def test_no_number_switches_a_brake_off(tmp_path, text):
    """Nothing would ever reach it, and nobody would be told."""
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, f"# ours\n{text}\n")
    [problem] = raised.value.problems
    assert problem.where.endswith("brakes.yaml:2")
    assert problem.remedy.startswith("write a whole number from ")


@pytest.mark.parametrize("end", [0, 1], ids=["least", "most"])
def test_both_ends_of_what_is_told_are_taken(tmp_path, end):
    lines: dict[str, list[str]] = {}
    for name, bounds in BOUNDS.items():
        head, _, key = name.rpartition(".")
        lines.setdefault(head, []).append(f"{key}: {bounds[end]}")
    text = "\n".join(lines.pop("")) + "\n" + "".join(f"{head}: {{{', '.join(of)}}}\n" for head, of in lines.items())
    (tmp_path / "brakes.yaml").write_text(text)
    numbers = load_brake_settings(tmp_path / "brakes.yaml").numbers()
    assert numbers == {name: bounds[end] for name, bounds in BOUNDS.items()}


def test_each_number_is_told_with_where_it_was_said(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("# ours\nvoids: {percent: 5}\n")
    shipped = share("config") / "brakes.yaml"
    settings = load_brake_settings(shipped, own)
    assert settings.sources["voids.percent"] == f"{own}:2"
    assert settings.sources["voids.at_least"].startswith(f"{shipped}:")
    assert load_brake_settings().sources == {}
    assert list(settings.numbers()) == list(BOUNDS)


def test_every_mistake_is_told_at_once(tmp_path):
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, "voids: {at_least: 0}\nchanges: {percent: 500}\nrelease: 1\n")
    assert len(raised.value.problems) == 3
