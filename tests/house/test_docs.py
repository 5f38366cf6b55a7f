"""Documents that fail the build: commands, answers, findings, settings, dependencies, links."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache

import pytest

from connector.cli.main import cli
from connector.config.settings_names import leaves
from tests.house.tree import ROOT, modules, tracked
from tools.generate_docs import FILLED, PAGE, commands, filled, page

DOCS = ROOT / "docs"


def _read(name):
    return (DOCS / name).read_text(encoding="utf-8")


def test_the_page_of_commands_is_fresh():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


@pytest.mark.parametrize("path", FILLED, ids=lambda path: path.name)
def test_what_the_rules_of_the_verifier_say_is_fresh(path):
    assert path.read_text(encoding="utf-8") == filled(path), "run `make docs`"


@pytest.mark.parametrize("path", [path for path, command in commands(cli, "connector")])
def test_a_command_has_help(path):
    command = dict(commands(cli, "connector"))[path]
    assert command.help
    assert all(getattr(option, "help", "said") for option in command.params if option.param_type_name == "option")


@pytest.mark.parametrize(
    "path", [path for path, command in commands(cli, "connector") if not hasattr(command, "commands")]
)
def test_a_commands_json_answer_is_documented(path):
    if path == "connector sandbox serve":
        assert "sandbox serve" in _read("json.md")
    else:
        assert f"## {path.removeprefix('connector ')}\n" in _read("json.md")


@pytest.mark.parametrize("leaf", leaves(), ids=lambda leaf: leaf.name)
def test_a_setting_is_documented(leaf):
    assert leaf.variable in _read("settings.md")


_CODE = re.compile(
    r"(?:\*|salesforce|stripe|adopt|customer|product|quote|invoice|payment|offline_payment|unclaimed|drift|waiting)(?:\.(?:\*|[a-z_]{3,}))+"
)
#: an operation's name in the audit and a package's version, made like codes
_NO_CODES = {"*.*", "*.*.*"}


@cache
def _codes():
    """Codes of findings and of parked links, wherever decisions are made; what is filled in reads `*`."""
    found = set()
    places = ("connector/core/", "connector/flows/", "connector/salesforce/inspection.py", "connector/stripe/system.py")
    for _, tree in modules(*places):
        for node in ast.walk(tree):
            text = _text(node)
            if text is not None and _CODE.fullmatch(text):
                found.add(text)
    return sorted(found - _NO_CODES)


def _text(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "*" for part in node.values)
    return None


def test_codes_are_found():
    assert len(_codes()) > 30
    assert {"invoice.too_many_lines", "salesforce.field_missing"} <= set(_codes())


@pytest.mark.parametrize("code", _codes())
def test_a_finding_is_documented(code):
    assert f"`{code}`" in _read("findings.md")


def test_no_finding_is_documented_that_does_not_exist():
    documented = set(re.findall(r"^\| `([a-z_.*]+)`", _read("findings.md"), re.MULTILINE))
    assert documented <= set(_codes())


def test_every_dependency_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    text = _read("dependencies.md")
    for line in wanted:
        name = re.match(r"[A-Za-z0-9._-]+", line).group(0)
        assert f"| {name} |" in text, name


@pytest.mark.parametrize("name", [path.relative_to(ROOT).as_posix() for path in tracked() if path.suffix == ".md"])
def test_links_between_documents_hold(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", text):
        assert ((ROOT / name).parent / target).exists(), target
