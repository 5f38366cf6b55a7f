"""config/schedule.yaml: every problem at once, each with its line."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connector.config.schedule import load_schedule
from connector.core.errors import ConfigError
from connector.core.model import Side
from connector.core.schedule import ScheduledJob, Work

KINDS = ("customer", "invoice", "payment")
SHIPPED = Path(__file__).resolve().parents[3] / "config" / "schedule.yaml"


@pytest.fixture
def load(tmp_path):
    def loaded(text: str):
        path = tmp_path / "schedule.yaml"
        path.write_text(text)
        return load_schedule(path, kinds=KINDS)

    return loaded


def problems(load, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(text)
    return [f"{each.where.rpartition('/')[2]}: {each.observed}" for each in caught.value.problems]


def one(line: str) -> str:
    return f"jobs:\n  - name: poll\n    work: poll\n{line}\n"


def test_the_shipped_file_holds_one_job_of_each_sort():
    assert {job.work for job in load_schedule(SHIPPED, kinds=KINDS)} == set(Work)


def test_all_that_can_be_said_of_a_job(load):
    text = """
time_zone: UTC
jobs:
  - name: money
    work: poll
    every_s: 15
    jitter_s: 3
    grace_s: 30
    side: stripe
    kinds: [payment]
  - name: sweep
    work: sweep
    cron: "20 2 * * mon-fri"
    time_zone: Europe/Berlin
"""
    assert load(text) == (
        ScheduledJob(
            name="money",
            work=Work.POLL,
            every_s=15,
            cron=None,
            time_zone=ZoneInfo("UTC"),
            jitter_s=3,
            grace_s=30,
            side=Side.STRIPE,
            kinds=("payment",),
        ),
        ScheduledJob(
            name="sweep", work=Work.SWEEP, every_s=None, cron="20 2 * * mon-fri", time_zone=ZoneInfo("Europe/Berlin")
        ),
    )


def test_every_problem_in_one_run(load):
    text = """jobs:
  - name: Poll
    work: pol
    every_s: 1
  - name: sweep
    work: sweep
    cron: "61 * * * *"
    time_zone: Mars/Base
    kinds: [invoise]
    every_m: 3
"""
    assert problems(load, text) == [
        "schedule.yaml:2: name is 'Poll'",
        "schedule.yaml:3: schedule.jobs[0]: work is 'pol' (did you mean 'poll'?)",
        "schedule.yaml:4: every_s is 1",
        "schedule.yaml:8: time_zone is 'Mars/Base'",
        (
            "schedule.yaml:7: cron is '61 * * * *': Error validating expression '61': the last value (61) is higher than "
            "the maximum value (59)"
        ),
        "schedule.yaml:9: kinds names 'invoise' (did you mean 'invoice'?)",
        "schedule.yaml:6: sweep looks at both sides and all kinds",
        "schedule.yaml:10: schedule.jobs[1]: unknown key 'every_m' (did you mean 'every_s'?)",
    ]


@pytest.mark.parametrize(
    ("line", "observed"),
    [
        ("    cron: '0 2 * * 1'", "days of the week are written mon"),
        ("    cron: '0 2 31 2 *'", "no such day ever comes"),
        ("    cron: '0 2 * *'", "Wrong number of fields"),
        ("    cron: ''", "cron is ''"),
        ("    every_s: 15\n    cron: '0 2 * * *'", "either `every_s` or `cron`"),
        ("    jitter_s: 3", "either `every_s` or `cron`"),
        ("    every_s: 15\n    jitter_s: 16", "jitter_s is 16"),
        ("    every_s: 15\n    grace_s: -1", "grace_s is -1"),
        ("    every_s: 1.5", "every_s is Decimal('1.5')"),
        ("    every_s: 15\n    side: both", "side is 'both'"),
    ],
)
def test_moments_that_cannot_be_meant(load, line, observed):
    assert any(observed in problem for problem in problems(load, one(line)))


def test_names_are_not_given_twice_and_do_not_shadow_what_can_be_paused(load):
    text = "jobs:\n" + "".join(
        f"  - {{name: {name}, work: poll, every_s: 15}}\n" for name in ("a", "a", "all", "invoice")
    )
    assert problems(load, text) == [
        "schedule.yaml:2: job 'a' is written twice",
        "schedule.yaml:3: job 'a' is written twice",
        "schedule.yaml:4: a job cannot be called 'all'",
        "schedule.yaml:5: a job cannot be called 'invoice'",
    ]


@pytest.mark.parametrize("text", ["", "jobs: []", "jobs:"])
def test_a_service_that_would_do_nothing_is_refused(load, text):
    assert problems(load, text) == ["schedule.yaml: no jobs"]


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_schedule(tmp_path / "missing.yaml", kinds=KINDS)
