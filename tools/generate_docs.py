"""Writes docs/cli.md from the commands themselves; `make docs`. A test fails when the page is not fresh."""

from __future__ import annotations

import sys
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "cli.md"

_INTRODUCTION = """\
# Commands
Generated from the program's own help by `make docs`; do not edit.

Results go to stdout, progress, logs and errors to stderr. With `--json` the last line of stdout is one JSON object:
[json.md](json.md). `NO_COLOR` and `--no-color` switch colours off, as does a pipe. Ctrl-C lets the operation in flight end
and says where the work stopped; a second Ctrl-C ends the process at once, which loses nothing either.
"""


def page() -> str:
    """The whole page."""
    from connector.cli.exits import MEANINGS  # noqa: PLC0415  # found by the path that main() adds
    from connector.cli.main import cli  # noqa: PLC0415  # as above

    parts = [_INTRODUCTION, "## Exit codes\n| code | meaning |\n|---|---|"]
    parts[-1] += "".join(f"\n| {int(code)} | {meaning} |" for code, meaning in MEANINGS.items()) + "\n"
    parts += [_section(cli, command, path) for path, command in commands(cli, "connector")]
    return "\n".join(parts)


def commands(command: click.Command, path: str) -> list[tuple[str, click.Command]]:
    """The command and all below it, with how they are called."""
    found = [(path, command)]
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            found += commands(inner, f"{path} {name}")
    return found


def _section(root: click.Command, command: click.Command, path: str) -> str:
    # Commands inherit `-h` from the root, as when they are called; click keeps the first help option it made.
    settings = {**root.context_settings, "max_content_width": 100, "terminal_width": 100}
    context = click.Context(command, info_name=path, **settings)
    return f"## {path}\n```\n{command.get_help(context)}\n```\n"


def main() -> None:
    sys.path.insert(0, str(ROOT))
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
