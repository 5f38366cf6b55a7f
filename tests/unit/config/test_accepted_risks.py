"""The accepted-risk file: every problem with its line."""

from __future__ import annotations

from datetime import date

import pytest

from connector.config.accepted_risks import load_accepted_risks
from connector.core.errors import ConfigError
from connector.core.verify.checks import AcceptedRisk

GOOD = """\
- check: SF-ORD-01
  owner: Anna Admin
  reason: we never split an order
  expires: 2027-02-01
"""


def _load(tmp_path, text):
    path = tmp_path / "risks.yaml"
    path.write_text(text, encoding="utf-8")
    return load_accepted_risks(path, checks=["SF-ORD-01", "SF-ORD-02"])


def _problems(tmp_path, text):
    with pytest.raises(ConfigError) as error:
        _load(tmp_path, text)
    return [(problem.where.removeprefix(f"{tmp_path}/"), problem.observed) for problem in error.value.problems]


def test_an_entry_is_read_with_its_place(tmp_path):
    assert _load(tmp_path, GOOD) == {
        "SF-ORD-01": AcceptedRisk(
            check_id="SF-ORD-01",
            owner="Anna Admin",
            reason="we never split an order",
            expires=date(2027, 2, 1),
            where=f"{tmp_path}/risks.yaml:1",
        )
    }


def test_an_entry_whose_day_has_passed_is_read_too(tmp_path):
    assert _load(tmp_path, GOOD.replace("2027", "2020"))["SF-ORD-01"].expires.year == 2020


def test_an_empty_file_accepts_nothing(tmp_path):
    assert _load(tmp_path, "") == {}


def test_every_problem_is_found_in_one_run(tmp_path):
    text = (
        GOOD
        + "- check: SF-ORD-3\n  owner: Bert\n  reason: so\n  expires: soon\n- check: SF-ORD-02\n  until: 2027-01-01\n"
    )
    problems = _problems(tmp_path, text)
    assert ("risks.yaml:5", "there is no check 'SF-ORD-3' (did you mean 'SF-ORD-02'?)") in problems
    assert ("risks.yaml:8", "expires is 'soon'") in problems
    assert [where for where, observed in problems if "no 'owner'" in observed] == ["risks.yaml:9"]
    assert any("unknown key 'until'" in observed for _, observed in problems)


def test_a_check_is_accepted_once(tmp_path):
    assert _problems(tmp_path, GOOD + GOOD) == [("risks.yaml:5", "SF-ORD-01 is accepted twice")]


def test_a_file_that_is_no_list_or_not_there_is_said(tmp_path):
    assert _problems(tmp_path, "check: SF-ORD-01\n") == [("risks.yaml", "is not a list of accepted risks")]
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load_accepted_risks(tmp_path / "nowhere.yaml", checks=[])
