"""`connector init`: asks what a new user must answer, writes the settings, and looks whether they work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector.cli.options import common

if TYPE_CHECKING:
    from connector.cli.output import Output


@click.command(short_help="Answer a few questions; get settings that work.")
@click.option("--org", metavar="KIND", help="sandbox, production, my-domain, or bundled (the simulated systems).")
@click.option(
    "--sandbox", metavar="FILE", help="File with the line of `connector sandbox serve --json`; means bundled."
)
@click.option("--auth", metavar="KIND", help="How to sign in to Salesforce: jwt or client_credentials.")
@click.option("--login-url", metavar="URL", help="The org's My Domain address.")
@click.option("--client-id", metavar="KEY", help="Consumer key of the external client app.")
@click.option("--username", metavar="NAME", help="The integration user; for jwt.")
@click.option("--private-key-file", metavar="FILE", help="PEM file of the certificate's private key; for jwt.")
@click.option("--client-secret", metavar="REF", help="file:PATH or env:NAME of the consumer secret, never the secret.")
@click.option("--stripe-key", metavar="REF", help="file:PATH or env:NAME of the Stripe key, never the key.")
@click.option("--go-live", metavar="DAY", help="First invoice date that is mirrored, e.g. 2026-11-01.")
@click.option("--time-zone", metavar="NAME", help="Time zone of the org's dates, e.g. Europe/Berlin.")
@click.option("--currency", metavar="ISO", help="The org's only currency, e.g. USD; or multi.")
@click.option("--profile", metavar="P", help="What Stripe's package is in this org.")
@click.option(
    "--answers",
    "answers_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="YAML file with an answer per line, e.g. `go_live: 2026-11-01`; options win over it.",
)
@click.option("--yes", is_flag=True, help="Ask nothing; end with 64 when an answer is missing.")
@click.option("--force", is_flag=True, help="Replace settings and secrets that are there already.")
@click.option("--no-verify", is_flag=True, help="Do not run `connector verify` afterwards.")
@common
def init(
    output: Output, *, answers_file: Path | None, yes: bool, force: bool, no_verify: bool, **answers: str | None
) -> int:
    """Ask which org and account belong together and how to reach them; write config/connector.yaml; run verify.

    Secrets are typed hidden, or named as file:PATH or env:NAME; they are never printed and never stand in the
    settings. Nothing that is there already is replaced without showing the difference and asking.
    """
    from connector.cli.init.run import Choices, run_init

    given = {name: answer for name, answer in answers.items() if answer is not None}
    return run_init(output, given, Choices(answers_file=answers_file, yes=yes, force=force, verify=not no_verify))
