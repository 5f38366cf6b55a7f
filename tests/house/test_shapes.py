"""How data looks in core, and what every module must say."""

from __future__ import annotations

import ast

from tests.house.tree import dotted, modules

#: answers that are filled in while a pass runs; everything else that travels is frozen
MUTABLE_ALLOWED: set[str] = set()


def _dataclasses(*folders):
    for name, tree in modules(*folders):
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                for decorator in node.decorator_list:
                    call = decorator if isinstance(decorator, ast.Call) else None
                    target = decorator.func if call else decorator
                    if dotted(target) in {"dataclass", "dataclasses.dataclass"}:
                        yield f"{name} {node.name}", _options(call)


def _options(call):
    if call is None:
        return {}
    return {word.arg: word.value.value for word in call.keywords if isinstance(word.value, ast.Constant)}


def test_dataclasses_of_core_are_frozen_slotted_and_keyword_only():
    found = list(_dataclasses("connector/core/", "connector/ports/"))
    assert len(found) > 20
    wrong = [
        name
        for name, options in found
        if name not in MUTABLE_ALLOWED
        and not (options.get("frozen") and options.get("slots") and options.get("kw_only"))
    ]
    assert wrong == []


def test_every_module_says_what_it_is_for():
    silent = [
        name
        for name, tree in modules("connector/")
        if tree.body and ast.get_docstring(tree) is None and "/migrations/versions/" not in name
    ]
    assert silent == []


def test_annotations_are_never_evaluated():
    """`from __future__ import annotations` stands in every module that has code."""
    missing = [
        name
        for name, tree in modules("connector/")
        if any(isinstance(node, (ast.FunctionDef, ast.ClassDef)) for node in tree.body)
        and not any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
    ]
    assert missing == []
