"""The root of the command line: finds the command, turns every error into words and an exit code.

Command modules load when they are named or listed, and load SDKs, database and log libraries only
inside the command: `connector --help` stays fast (performance.md 8).
"""

from __future__ import annotations

import importlib
import sys
import traceback
from typing import TYPE_CHECKING, Any, Final

import click

from connector import __version__
from connector.cli.exits import Exit, exit_of, remedy_of
from connector.cli.output import SCHEMA_VERSION, Output, printable, to_json
from connector.core.errors import Braked, ConnectorError, Interrupted, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: command -> (module of connector.cli.commands, the click command in it); in the order people meet them
COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "demo": ("demo", "demo"),
    "sandbox": ("sandbox", "sandbox"),
    "init": ("init", "init"),
    "setup": ("setup", "setup"),
    "config": ("config", "config"),
    "mapping": ("mapping", "mapping"),
    "verify": ("verify", "verify"),
    "plan": ("plan", "plan"),
    "apply": ("apply", "apply"),
    "adopt": ("adopt", "adopt"),
    "sync": ("sync", "sync"),
    "run": ("run", "run"),
    "sweep": ("sweep", "sweep"),
    "certificate": ("certificate", "certificate"),
    "status": ("status", "status"),
    "resume": ("resume", "resume"),
    "recover": ("recover", "recover"),
    "show": ("show", "show"),
    "audit": ("audit", "audit"),
    "parked": ("parked", "parked"),
    "schedule": ("schedule", "schedule"),
    "events": ("events", "events"),
    "runs": ("runs", "runs"),
    "db": ("db", "db"),
    "backup": ("backup", "backup"),
    "restore": ("restore", "restore"),
    "support-bundle": ("support_bundle", "support_bundle"),
}

#: a remote system's message may run over pages; the rest is in the log with --debug
_LONGEST_MESSAGE: Final = 400


class LazyGroup(click.Group):
    def list_commands(self, _context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute = COMMANDS[name]
        command = getattr(importlib.import_module(f"connector.cli.commands.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="connector")
def cli() -> None:
    """Keeps a Salesforce CPQ + Billing org and a Stripe account in step, both ways.

    Try `connector demo` first: it needs no account. Settings are environment variables named
    CONNECTOR_..., a .env file or config/connector.yaml; `connector config show` lists them.
    """


def run(arguments: Sequence[str]) -> int:
    """Runs one command line and returns its exit code; prints everything there is to say."""
    context: click.Context | None = None
    try:
        context = cli.make_context("connector", list(arguments))
        with context:
            code = cli.invoke(context)
    except click.exceptions.Exit as finished:
        return finished.exit_code
    except (click.Abort, KeyboardInterrupt):
        sys.stderr.write("stopped\n")
        return Exit.INTERRUPTED
    except click.ClickException as error:
        return _wrong_usage(error, _output(context, arguments))
    except ConnectorError as error:
        return _known(error, _output(context, arguments))
    except BrokenPipeError:
        # The reader of our output went away (`| head`); there is nobody left to tell.
        sys.stderr.close()
        return Exit.FAILED
    except Exception as error:  # noqa: BLE001  # the last line of defence: one line for people, exit 70
        return _unexpected(error, _output(context, arguments))
    return int(code) if isinstance(code, int) else Exit.OK


def _output(context: click.Context | None, arguments: Sequence[str]) -> Output:
    """What the command asked for, or what its arguments say when they could not be read."""
    if context is not None and isinstance(context.obj, Output):
        return context.obj
    command = " ".join(argument for argument in arguments[:1] if not argument.startswith("-"))
    return Output(command=command, as_json="--json" in arguments)


def _wrong_usage(error: click.ClickException, output: Output) -> Exit:
    if not output.as_json and isinstance(error, click.exceptions.NoArgsIsHelpError):
        error.show()
        return Exit.USAGE
    context = getattr(error, "ctx", None)
    hint = f"Try '{context.command_path} --help'." if context is not None else "Try 'connector --help'."
    _say(output, Exit.USAGE, kind="UsageError", message=error.format_message(), remedy=hint)
    return Exit.USAGE


def _known(error: ConnectorError, output: Output) -> Exit:
    code = exit_of(error)
    problems: list[dict[str, str]] = []
    if isinstance(error, UsageError):
        problems = [
            {"where": problem.where, "observed": problem.observed, "remedy": problem.remedy}
            for problem in error.problems
        ]
    if output.debug:
        _log_traceback(error, output)
    more: dict[str, Any] = {}
    if isinstance(error, Braked):
        from connector.cli.brakes import brake_answer, print_brakes

        more["brakes"] = [brake_answer(brake) for brake in error.brakes]
        print_brakes(output.error_console(), error.brakes)
    _say(
        output,
        code,
        kind=type(error).__name__,
        message=_words_of(error),
        remedy=remedy_of(error),
        problems=problems,
        more=more,
    )
    return code


def _words_of(error: ConnectorError) -> str:
    """All problems of a UsageError, the names of brakes; of anything else one line without anything secret."""
    if isinstance(error, UsageError):
        return str(error)
    if isinstance(error, Braked):
        return f"stopped by {' and '.join(sorted({brake.name for brake in error.brakes}))}; see above"
    from connector.runtime.redaction import redact_text

    words = redact_text(" ".join(str(error).split()))
    words = words if len(words) <= _LONGEST_MESSAGE else words[: _LONGEST_MESSAGE - 1] + "…"
    return f"stopped at {words}" if isinstance(error, Interrupted) else words


def _unexpected(error: Exception, output: Output) -> Exit:
    """A bug of ours, or a library of ours that is not there: another Python than the program was installed for."""
    message = f"this is a bug of connector: {type(error).__name__}"
    remedy = "what was done is kept; run again with --debug and report the traceback"
    if isinstance(error, ModuleNotFoundError):
        message = f"the Python package {error.name!r} is not installed for {sys.executable}"
        remedy = "use the environment connector was installed into (`make demo` makes .venv), or install it again"
    if output.debug:
        _log_traceback(error, output)
    _say(output, Exit.INTERNAL, kind=type(error).__name__, message=message, remedy=remedy)
    return Exit.INTERNAL


def _log_traceback(error: BaseException, output: Output) -> None:
    """Redacted like every log line: a traceback quotes messages, and messages may quote data."""
    from connector.runtime.redaction import redact_text

    output.note(redact_text("".join(traceback.format_exception(error))))


def _say(
    output: Output,
    code: Exit,
    *,
    kind: str,
    message: str,
    remedy: str | None,
    problems: Sequence[dict[str, Any]] = (),
    more: Mapping[str, Any] | None = None,
) -> None:
    if len(problems) > 1:
        # one below the other, so that none looks like a part of another
        message = f"{len(problems)} problems\n" + "\n".join("  " + line for line in message.splitlines())
    sys.stderr.write(printable(f"error: {message}\n" + (f"    fix: {remedy}\n" if remedy else "")))
    if output.as_json:
        error = {"kind": kind, "message": message, "remedy": remedy, "problems": list(problems), **(more or {})}
        answer = {"schema_version": SCHEMA_VERSION, "command": output.command, "error": error, "exit_code": int(code)}
        sys.stdout.write(to_json(answer) + "\n")
