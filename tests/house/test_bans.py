"""What may not be called, and where: time, chance and ids are injected, money is never a float."""

from __future__ import annotations

import ast

import pytest

from tests.house.tree import dotted, modules

#: the one real clock and chance, and the sandbox's own
CLOCKS = {"connector/runtime/clock.py", "connector/sandbox/clock.py"}
#: carries sockets and files, measures how long saving took (its docstring)
SANDBOX_FRAME = {"connector/sandbox/server.py"}

NON_DETERMINISTIC = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "time.sleep",
    "uuid.uuid1",
    "uuid.uuid4",
    "uuid4",
    "secrets.token_hex",
    "secrets.token_urlsafe",
    "os.urandom",
    "random.random",
    "random.randint",
    "random.randrange",
    "random.choice",
    "random.shuffle",
    "random.sample",
    "random.uniform",
    "random.seed",
}
PURE = ("connector/core/",)
IO_MODULES = {
    "socket",
    "requests",
    "urllib",
    "http",
    "sqlite3",
    "sqlalchemy",
    "logging",
    "structlog",
    "os",
    "random",
    "time",
}


def _calls(*folders):
    for name, tree in modules(*folders):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield name, node.lineno, dotted(node.func)


def _imports(*folders):
    for name, tree in modules(*folders):
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from ((name, node.lineno, alias.name.split(".")[0]) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                yield name, node.lineno, node.module.split(".")[0]


def test_clock_chance_and_ids_are_injected():
    found = [
        f"{name}:{line} {called}"
        for name, line, called in _calls("connector/")
        if called is not None
        and any(called == banned or called.endswith(f".{banned}") for banned in NON_DETERMINISTIC)
        and name not in CLOCKS | SANDBOX_FRAME
    ]
    assert found == []


def test_the_ban_would_find_a_call():
    """The rule above sees calls in the files it excuses, so it is not blind."""
    excused = {name for name, _, called in _calls("connector/") if called in NON_DETERMINISTIC}
    assert excused >= CLOCKS


@pytest.mark.parametrize(
    "folder", ["connector/core/", "connector/flows/", "connector/salesforce/", "connector/stripe/"]
)
def test_no_float_is_made_where_money_travels(folder):
    found = [f"{name}:{line}" for name, line, called in _calls(folder) if called == "float"]
    assert found == []


def test_core_is_pure():
    found = [f"{name}:{line} {module}" for name, line, module in _imports(*PURE) if module in IO_MODULES]
    assert found == []
    opened = [f"{name}:{line}" for name, line, called in _calls(*PURE) if called in {"open", "print", "input"}]
    assert opened == []


def test_only_the_command_line_prints():
    found = [
        f"{name}:{line}"
        for name, line, called in _calls("connector/")
        if called in {"print", "input"} and not name.startswith("connector/cli/")
    ]
    assert found == []


def test_nothing_evaluates_text_as_code():
    banned = {
        "eval",
        "exec",
        "pickle.load",
        "pickle.loads",
        "yaml.load",
        "yaml.unsafe_load",
        "os.system",
        "marshal.loads",
    }
    found = [f"{name}:{line} {called}" for name, line, called in _calls("connector/") if called in banned]
    assert found == []


def test_assertions_hold_no_effects():
    """`python -O` removes them."""
    found = [
        f"{name}:{node.lineno}"
        for name, tree in modules("connector/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert)
        for inner in ast.walk(node.test)
        if isinstance(inner, (ast.NamedExpr, ast.Await, ast.Yield))
    ]
    assert found == []
