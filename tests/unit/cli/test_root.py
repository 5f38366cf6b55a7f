"""The root of the command line, in process: wrong arguments, errors of every sort, what is printed where."""

from __future__ import annotations

import json

import click
import pytest

from connector.cli import main
from connector.cli.main import run
from connector.cli.options import common
from connector.core.errors import ConfigError, Interrupted, Problem, StoreBusy, Unauthorised
from connector.core.model import Side


@pytest.fixture
def failing(monkeypatch):
    """A command named `status` that raises what it is told to."""

    def install(error):
        @click.command("status")
        @common
        def command(output):
            raise error

        monkeypatch.setattr(main.LazyGroup, "get_command", lambda *_: command)

    return install


def test_help_is_no_error(capsys):
    assert run(["--help"]) == 0
    assert "sync" in capsys.readouterr().out


def test_version(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("connector, version ")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["frobnicate"], "No such command"),
        (["sync", "--frob"], "No such option"),
        (["sync"], "--once"),
        (["show"], "Missing argument"),
        (["sandbox", "serve", "--scale", "-1"], "--scale"),
        (["sync", "--once", "--since", "yesterday"], "--since"),
        (["demo", "--scale", "0"], "--scale"),
    ],
)
def test_wrong_usage_is_64_and_says_where_to_look(arguments, says, capsys):
    assert run(arguments) == 64
    printed = capsys.readouterr()
    assert says in printed.err
    assert "--help" in printed.err
    assert printed.out == ""


def test_wrong_usage_with_json_still_ends_with_an_object(capsys):
    assert run(["sync", "--json"]) == 64
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (answer["schema_version"], answer["command"], answer["exit_code"]) == (1, "sync", 64)
    assert "--once" in answer["error"]["message"]


def test_no_arguments_show_the_help(capsys):
    assert run([]) == 64
    assert "Usage" in capsys.readouterr().err


PROBLEMS = [
    Problem(where="stripe.api_key", observed="is not set", remedy="set CONNECTOR_STRIPE__API_KEY"),
    Problem(where="mappings/invoice.yaml:14", observed="unknown codec", remedy="write `money`"),
]


def test_every_problem_is_printed_with_its_remedy(failing, capsys):
    failing(ConfigError(PROBLEMS))
    assert run(["status", "--json"]) == 64
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    for problem in PROBLEMS:
        assert problem.where in printed.err
        assert problem.remedy in printed.err
    answer = json.loads(printed.out)
    assert [problem["where"] for problem in answer["error"]["problems"]] == [problem.where for problem in PROBLEMS]
    assert answer["error"]["kind"] == "ConfigError"


def test_several_problems_stand_below_each_other(failing, capsys):
    failing(ConfigError(PROBLEMS))
    run(["status"])
    assert capsys.readouterr().err.splitlines() == [
        "error: 2 problems",
        "  stripe.api_key: is not set",
        "      fix: set CONNECTOR_STRIPE__API_KEY",
        "  mappings/invoice.yaml:14: unknown codec",
        "      fix: write `money`",
    ]


def test_another_python_than_the_installed_one_is_no_bug(failing, capsys):
    failing(ModuleNotFoundError("No module named 'rich'", name="rich"))
    assert run(["status"]) == 70
    error = capsys.readouterr().err
    assert "'rich' is not installed for" in error
    assert "bug" not in error


def test_a_remote_error_is_one_line_without_secrets(failing, capsys):
    key = "sk_test_" + "k" * 16
    failing(
        Unauthorised(f"Invalid API Key:\n\n{key} " + "x" * 900, side=Side.STRIPE, action="GET /v1/account", status=401)
    )
    assert run(["status"]) == 69
    error, remedy = capsys.readouterr().err.splitlines()
    assert error.startswith("error: stripe GET /v1/account: 401: Invalid API Key: sk_test_***")
    assert len(error) < 450
    assert "CONNECTOR_STRIPE__API_KEY" in remedy


def test_an_interrupted_run_says_where_it_stopped(failing, capsys):
    failing(Interrupted("invoice, 54 records looked at, 12 writes done"))
    assert run(["status"]) == 130
    assert "stopped at invoice, 54 records looked at, 12 writes done" in capsys.readouterr().err


def test_a_locked_database_asks_for_another_try(failing, capsys):
    failing(StoreBusy("state.sqlite is locked by another process"))
    assert run(["status"]) == 75
    assert "run again" in capsys.readouterr().err


def test_a_bug_is_one_line_without_its_words(failing, capsys):
    failing(ZeroDivisionError("secret details"))
    assert run(["status"]) == 70
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    assert "secret details" not in printed.err
    assert "--debug" in printed.err


def test_a_bug_with_debug_has_a_redacted_traceback(failing, capsys):
    failing(ZeroDivisionError("with sk_live_" + "k" * 16))
    assert run(["status", "--debug"]) == 70
    printed = capsys.readouterr()
    assert "Traceback" in printed.err
    assert "kkkk" not in printed.err


def test_ctrl_c_before_any_work(failing, capsys):
    failing(KeyboardInterrupt())
    assert run(["status"]) == 130
