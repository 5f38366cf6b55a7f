"""Who is at the keyboard: decisions of people are kept with a name."""

from __future__ import annotations

import getpass


def person(given: str | None) -> str:
    """The name given, else the one this machine knows the user by. Raises click's usage error when there is none."""
    if given is not None and given.strip():
        return given.strip()
    found = user()
    if found is None:
        import click

        raise click.UsageError("this machine does not say who you are: give your name with --by")
    return found


def user() -> str | None:
    """The name this machine knows the user by; None where it knows none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None
