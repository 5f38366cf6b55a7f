from __future__ import annotations

from decimal import Decimal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from connector.config.yaml_reader import BYTES_MAX, PROBLEMS_MAX, read_yaml


def read(text):
    problems = []
    node = read_yaml(text, name="a.yaml", problems=problems)
    return (node.plain() if node is not None else None), problems


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("10.50", Decimal("10.50")),
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("True", "True"),
        ("2026-01-31", "2026-01-31"),
        ("2026-01-31 10:00:00", "2026-01-31 10:00:00"),
        ("010", "010"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("1e3", "1e3"),
        (".inf", ".inf"),
        ("=", "="),
        ("'12'", "12"),
        ('"true"', "true"),
        ('""', ""),
    ],
)
def test_a_scalar_is_what_it_looks_like(written, value):
    plain, problems = read(f"key: {written}")
    assert problems == []
    assert plain == {"key": value}
    assert type(plain["key"]) is type(value)


def test_decimals_keep_their_digits():
    plain, _ = read("[10.50, 67.0]")
    assert [str(value) for value in plain] == ["10.50", "67.0"]


def test_structure_and_lines_are_kept():
    problems = []
    node = read_yaml("a:\n  - b: 1\n    c: [x, y]\n", name="a.yaml", problems=problems)
    assert node.plain() == {"a": [{"b": 1, "c": ["x", "y"]}]}
    item = node.value["a"].value[0]
    assert item.key_where == {"b": "a.yaml:2", "c": "a.yaml:3"}


def test_an_empty_file_is_nothing_and_no_problem():
    assert read("") == (None, [])
    assert read("# only a comment\n") == (None, [])


def test_every_duplicate_key_is_reported_with_both_lines():
    plain, problems = read("a: 1\nb: 2\na: 3\nc: {d: 1, d: 2}\n")
    assert plain == {"a": 1, "b": 2, "c": {"d": 1}}
    assert [(problem.where, problem.observed) for problem in problems] == [
        ("a.yaml:3", "'a' is written twice"),
        ("a.yaml:4", "'d' is written twice"),
    ]
    assert "a.yaml:1" in problems[0].remedy


BILLION_LAUGHS = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


@pytest.mark.parametrize("more", [0, 1, 500])
def test_a_hundred_problems_of_a_file_are_told_and_that_there_may_be_more(more):
    node, problems = read("a: 1\n" * (1 + PROBLEMS_MAX + more))
    assert node is None
    assert [each.where for each in problems[:-1]] == [f"a.yaml:{line}" for line in range(2, PROBLEMS_MAX + 2)]
    assert problems[-1].where == f"a.yaml:{PROBLEMS_MAX + 1}"
    assert problems[-1].observed == "100 problems so far; the rest of the file was not read"


def test_fewer_problems_stop_nothing():
    node, problems = read("a: 1\n" * PROBLEMS_MAX + "b: 2\n")
    assert node == {"a": 1, "b": 2}
    assert len(problems) == PROBLEMS_MAX - 1


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        (BILLION_LAUGHS, "a.yaml:1", "anchors and aliases"),
        ("a: 1\nb: !!python/object/apply:os.system [true]\n", "a.yaml:2", "tag"),
        ("a: !!int '3'\n", "a.yaml:1", "tag"),
        ("a: 1\n---\nb: 2\n", "a.yaml:2", "second document"),
        ("a: 1\n[b, c]: 2\n", "a.yaml:2", "key"),
        ("[" * 50 + "]" * 50, "a.yaml:1", "deeper than 20"),
        ("a: 1\n b: 2\n", "a.yaml:2", "not YAML"),
        ("a: 'open\n", "a.yaml:2", "not YAML"),
        ("a: \x01\n", "a.yaml", "not YAML"),
        ("x" * (BYTES_MAX + 1), "a.yaml", "more than 1000000"),
    ],
)
def test_what_is_unsafe_or_no_yaml_is_refused_with_its_line(text, where, says):
    _, problems = read(text)
    assert len(problems) == 1
    assert problems[0].where == where
    assert says in problems[0].observed
    assert problems[0].remedy


@given(st.text(alphabet="ab: -[]{},&*!|>'\"#%@`?\n\t\x00é0.1~", max_size=60))
def test_any_text_is_either_read_or_reported_with_a_line(text):
    problems = []
    node = read_yaml(text, name="a.yaml", problems=problems)
    assert node is not None or problems or yaml.compose(text, Loader=yaml.SafeLoader) is None
    for problem in problems:
        assert problem.where == "a.yaml" or problem.where.removeprefix("a.yaml:").isdigit()
