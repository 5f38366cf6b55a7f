"""`connector config`: the settings, and where each comes from; the retry policies and the brakes that hold."""

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
    """Print every setting, its value (secrets hidden) and where it comes from; the retry policies and brakes that hold."""
    from dataclasses import asdict

    from connector.cli.limits_view import brakes_answer, print_brakes
    from connector.cli.retry_view import print_retry, retry_answer
    from connector.cli.session import process_settings
    from connector.config.brake_limits import load_brake_settings
    from connector.config.retry_policies import load_retry_settings
    from connector.config.settings_report import describe

    settings = process_settings()
    rows = describe(settings)
    retry = retry_answer(load_retry_settings(*settings.retry_files), files=settings.retry_files)
    brakes = brakes_answer(load_brake_settings(*settings.brake_files), files=settings.brake_files)

    def human(console: Console) -> None:
        width = max(len(row.name) for row in rows)
        texts = [row.value if row.value is not None else "-" for row in rows]
        values = min(60, max(len(text) for text in texts))
        for row, text in zip(rows, texts, strict=True):
            style = "dim" if row.source == "default" else None
            console.print(f"{row.name:<{width}}  {text:<{values}}  {row.source}", style=style)
        print_retry(console, retry)
        print_brakes(console, brakes)

    output.result({"settings": [asdict(row) for row in rows], "retry": retry, "brakes": brakes}, human=human)
