"""`connector setup`: prepares a system for the connector; shows the change first."""

from __future__ import annotations

import click


@click.group()
def setup() -> None:
    """Prepare Salesforce or Stripe for the connector; the change is shown first."""
