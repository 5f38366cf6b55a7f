"""Every decision that the audit trail is told of says why it was made."""

from __future__ import annotations

import ast

from tests.house.tree import dotted, modules


def _told():
    for name, tree in modules("connector/"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and dotted(node.func) == "Settlement":
                given = {word.arg for word in node.keywords}
                if given & {"event", "operation"}:
                    yield f"{name}:{node.lineno}", "cause" in given


def test_what_is_settled_with_an_event_names_its_cause():
    assert len(list(_told())) > 8
    assert [place for place, says_why in _told() if not says_why] == []


def test_every_operation_that_is_begun_names_its_cause():
    begun = [
        (name, {word.arg for word in node.keywords})
        for name, tree in modules("connector/flows/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and dotted(node.func) == "Operation"
    ]
    assert begun
    assert [name for name, given in begun if "cause" not in given] == []
