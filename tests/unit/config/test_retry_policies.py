"""config/retry.yaml: the most specific rule wins, every problem is told at once, no rule is about a refusal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from connector.config.retry_policies import load_retry_settings
from connector.core.errors import ConfigError, Refused, Unauthorised
from connector.core.model import FailureClass, Side
from connector.core.quota import QuotaShares
from connector.core.retry import LaterPolicy, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.config.retry_policies import RetrySettings

SHIPPED = Path(__file__).resolve().parents[3] / "config" / "retry.yaml"
KINDS = ("customer", "invoice", "payment")


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., RetrySettings]:
    def write_and_load(*texts: str) -> RetrySettings:
        paths = []
        for number, text in enumerate(texts):
            paths.append(tmp_path / f"retry{number}.yaml")
            paths[-1].write_text(text, encoding="utf-8")
        return load_retry_settings(*paths, kinds=KINDS)

    return write_and_load


def _problems(load: Callable[..., RetrySettings], *texts: str) -> dict[int, str]:
    """By line: what was found and what to do."""
    with pytest.raises(ConfigError) as raised:
        load(*texts)
    return {
        int(problem.where.rpartition(":")[2]): f"{problem.observed}; {problem.remedy}"
        for problem in raised.value.problems
    }


def test_an_empty_file_leaves_the_defaults(load: Callable[..., RetrySettings]) -> None:
    loaded = load("rules: []\n")
    assert loaded.policies.policy(FailureClass.TRANSIENT, to=Side.STRIPE) == RetryPolicy()
    assert loaded.shares == QuotaShares()


def test_the_shipped_file_says_what_the_program_does_without_one() -> None:
    shipped = load_retry_settings(SHIPPED, kinds=KINDS)
    assert shipped.policies.policy(FailureClass.TRANSIENT, to=Side.SALESFORCE) == RetryPolicy()
    assert shipped.policies.policy(FailureClass.TRANSIENT, to=Side.STRIPE) == RetryPolicy(attempts=6)
    assert shipped.shares == QuotaShares()


@pytest.mark.parametrize(
    ("error", "kind", "to", "attempts"),
    [
        (FailureClass.TRANSIENT, None, Side.SALESFORCE, 2),
        (FailureClass.TRANSIENT, "customer", Side.STRIPE, 3),
        (FailureClass.ROW_LOCK, "customer", Side.STRIPE, 4),
        (FailureClass.ROW_LOCK, "customer", Side.SALESFORCE, 4),
        (FailureClass.TRANSIENT, "invoice", Side.STRIPE, 5),
        (FailureClass.ROW_LOCK, "invoice", Side.STRIPE, 6),
    ],
)
def test_the_most_specific_rule_wins_number_by_number(
    load: Callable[..., RetrySettings], error: FailureClass, kind: str | None, to: Side, attempts: int
) -> None:
    # written from the most specific to the least: the order in the file says nothing
    text = """
rules:
  - {error: row_lock, kind: invoice, now: {attempts: 6}}
  - {kind: invoice, now: {attempts: 5}}
  - {error: row_lock, now: {attempts: 4}}
  - {to: stripe, now: {attempts: 3}}
  - {now: {attempts: 2, base_s: 0.25}, later: {give_up_h: 7}}
"""
    policy = load(text).policies.policy(error, to=to, kind=kind)
    assert (policy.attempts, policy.base_s, policy.later) == (attempts, 0.25, LaterPolicy(give_up_h=7.0))


def test_a_persons_own_file_goes_on_top_number_by_number(load: Callable[..., RetrySettings]) -> None:
    loaded = load(
        "rules: [{now: {attempts: 2, cap_s: 9}}]\nquota: {catalogue: 0.5, money: 0.6}\n",
        "rules: [{now: {attempts: 7}}]\nquota: {catalogue: 0.3}\n",
    )
    policy = loaded.policies.policy(FailureClass.THROTTLED, to=Side.STRIPE)
    assert (policy.attempts, policy.cap_s) == (7, 9.0)
    assert loaded.shares == QuotaShares(catalogue=0.3, money=0.6)


@pytest.mark.parametrize("name", ["refused", "unauthorised", "validation", "declined"])
def test_a_rule_for_a_refusal_is_refused(load: Callable[..., RetrySettings], name: str) -> None:
    [text] = _problems(load, f"rules:\n  - {{error: {name}, now: {{attempts: 9}}}}\n").values()
    assert "a refusal stays one" in text


def test_no_class_of_errors_is_a_refusal() -> None:
    """A policy is asked for by class, and a refusal has none: a rule about one cannot even be written in Python."""
    assert (Refused.failure, Unauthorised.failure) == (None, None)


def test_every_problem_is_told_at_once_with_its_line_and_the_nearest_name(load: Callable[..., RetrySettings]) -> None:
    problems = _problems(
        load,
        """
rules:
  - {error: row_locks, now: {attempts: 2}}
  - {kind: invioce, now: {attempts: 2}}
  - {to: strype, now: {attempts: 2}}
  - {kind: payment, now: {atempts: 2}}
  - {kind: customer, now: {attempts: 0.5}}
  - {error: throttled, now: {jitter: lots}}
  - {error: quota}
  - {error: ambiguous, later: {give_up_h: 0}}
  - {error: transient, now: {attempts: true}}
qouta: {catalogue: 0.5}
""",
    )
    wanted = {
        3: "did you mean 'row_lock'?",
        4: "did you mean 'invoice'?",
        5: "did you mean 'stripe'?",
        6: "did you mean 'attempts'?",
        7: "attempts is 0.5; write a whole number from 1 to 20",
        8: "jitter is 'lots'; write a number from 0 to 1",
        9: "the rule says nothing",
        10: "give_up_h is 0; write a number from 1 to 720",
        11: "attempts is True",
        12: "did you mean 'quota'?",
    }
    for line, words in wanted.items():
        assert words in problems.get(line, "nothing"), line
    assert problems.keys() == wanted.keys()


def test_two_rules_for_the_same_are_one_too_many(load: Callable[..., RetrySettings]) -> None:
    problems = _problems(load, "rules:\n  - {to: stripe, now: {attempts: 2}}\n  - {to: stripe, later: {attempts: 2}}\n")
    assert list(problems) == [3]
    assert "put both into one rule" in problems[3]


def test_numbers_that_only_meet_in_one_case_must_fit_there_too(load: Callable[..., RetrySettings]) -> None:
    problems = _problems(
        load, "rules:\n  - {error: row_lock, now: {base_s: 50, cap_s: 60}}\n  - {kind: invoice, now: {cap_s: 40}}\n"
    )
    assert list(problems) == [3]
    assert "cap_s 40 is below base_s 50 (invoice row_lock to salesforce)" in problems[3]


def test_the_catalogue_may_not_use_more_of_the_day_than_money(load: Callable[..., RetrySettings]) -> None:
    with pytest.raises(ConfigError, match="more of the day's calls than money"):
        load("quota: {catalogue: 0.9, money: 0.8}\n")


@pytest.mark.parametrize(
    "text", ["rules: {to: stripe}\n", "rules: [5]\n", "rules: [{now: 5}]\n", "- 1\n", "quota: 3\n"]
)
def test_what_is_no_mapping_is_told(load: Callable[..., RetrySettings], text: str) -> None:
    with pytest.raises(ConfigError):
        load(text)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="CONNECTOR_RETRY_FILE"):
        load_retry_settings(SHIPPED, tmp_path / "none.yaml")
