"""A file is read in one sitting, a function on one screen."""

from __future__ import annotations

import ast

from tests.house.tree import ROOT, modules

FILE_LINES_MAX = 400
#: a table of scenarios may be longer than code, not without end
TEST_FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70

#: one literal each, which would only be harder to read in parts
LITERALS = {"connector/sandbox/salesforce/rest/describe.py _field"}

FOLDERS = ("connector/", "bench/", "tools/", "tests/")


def test_the_tree_is_looked_at():
    assert len(modules(*FOLDERS)) > 100


def test_files_are_not_too_long():
    lines = {name: len((ROOT / name).read_text(encoding="utf-8").splitlines()) for name, _ in modules(*FOLDERS)}
    limits = {name: TEST_FILE_LINES_MAX if name.startswith("tests/") else FILE_LINES_MAX for name in lines}
    assert {name: count for name, count in lines.items() if count > limits[name]} == {}


def test_a_function_is_not_too_long():
    too_long = [
        f"{name}:{node.lineno} {node.name}"
        for name, tree in modules(*FOLDERS)
        # a migration is a list of statements, written once
        if "/migrations/versions/" not in name
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and f"{name} {node.name}" not in LITERALS
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES_MAX
    ]
    assert too_long == []
