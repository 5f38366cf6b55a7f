"""`connector config`: the settings, and where each comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from connector.cli.options import common

if TYPE_CHECKING:
    from rich.console import Console

    from connector.cli.output import Output


@click.group()
def config() -> None:
    """The settings of this installation."""


@config.command()
@common
def show(output: Output) -> None:
    """Print every setting, its value (secrets hidden) and where it comes from."""
    from dataclasses import asdict

    from connector.cli.session import process_settings
    from connector.config.settings_report import describe

    rows = describe(process_settings())

    def human(console: Console) -> None:
        width = max(len(row.name) for row in rows)
        texts = [row.value if row.value is not None else "-" for row in rows]
        values = min(60, max(len(text) for text in texts))
        for row, text in zip(rows, texts, strict=True):
            style = "dim" if row.source == "default" else None
            console.print(f"{row.name:<{width}}  {text:<{values}}  {row.source}", style=style)

    output.result({"settings": [asdict(row) for row in rows]}, human=human)
