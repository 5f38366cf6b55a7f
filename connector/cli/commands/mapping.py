"""`connector mapping`: checks a mapping pack without touching either system."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from connector.cli.exits import Exit
from connector.cli.options import common
from connector.core.errors import MappingError

if TYPE_CHECKING:
    from rich.console import Console

    from connector.cli.output import Output


@click.group()
def mapping() -> None:
    """The mapping pack: which field goes where."""


@mapping.command()
@common
def check(output: Output) -> int:
    """Check every file of the pack and print every problem with its line and remedy."""
    from connector.cli.session import process_settings
    from connector.config.mapping_loader import load_pack

    settings = process_settings()
    try:
        pack = load_pack(settings.mappings, overrides=settings.pack_overrides())
    except MappingError as error:
        problems = error.problems

        def human_problems(console: Console) -> None:
            for problem in problems:
                console.print(str(problem))
            console.print(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}", style="red")

        output.result(
            {
                "mappings": str(settings.mappings),
                "kinds": {},
                "problems": [{"where": p.where, "observed": p.observed, "remedy": p.remedy} for p in problems],
            },
            human=human_problems,
        )
        return Exit.FAILED
    kinds = {kind: len(found.fields) for kind, found in pack.kinds.items()}

    def human(console: Console) -> None:
        for kind, fields in kinds.items():
            console.print(f"ok  {kind}: {fields} fields")

    output.result({"mappings": str(settings.mappings), "kinds": kinds, "problems": []}, human=human)
    return Exit.OK


@mapping.command("test")
@common
def run_tests(output: Output) -> int:
    """Run the examples written beside the mappings."""
    from connector.cli.session import process_settings
    from connector.config.examples import run_examples
    from connector.config.mapping_loader import load_pack

    settings = process_settings()
    pack = load_pack(settings.mappings, overrides=settings.pack_overrides())
    results = run_examples(settings.mappings, pack)
    failed = [result for result in results if not result.passed]

    def human(console: Console) -> None:
        for result in results:
            console.print(
                f"{'ok    ' if result.passed else 'FAILED'}  {result.example.kind}: {result.example.name}",
                style=None if result.passed else "red",
            )
            for fault in result.faults:
                console.print(f"        {fault}")
        console.print(f"{len(results) - len(failed)} of {len(results)} examples hold")

    output.result(
        {
            "examples": [
                {"kind": result.example.kind, "name": result.example.name, "faults": list(result.faults)}
                for result in results
            ],
            "failed": len(failed),
        },
        human=human,
    )
    return Exit.FAILED if failed else Exit.OK
