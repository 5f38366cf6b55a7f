"""config/connector.yaml from the answers: what is in it, how it differs from the one that is there, and its writing.

The file holds references to secrets, never a secret; .env would do as well, but has no place for a comment or a list.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from connector.cli.init.checks import MULTI, SECRET_FILES, login_url_of, read_sandbox
from connector.cli.init.questions import BUNDLED
from connector.config.settings_names import leaves
from connector.config.yaml_reader import read_yaml_file
from connector.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from connector.cli.init.checks import Given

SETTINGS_FILE: Final = Path("config") / "connector.yaml"
_HEAD: Final = """\
# Written by `connector init`. The environment and .env win over this file.
# All settings: docs/settings.md, or `connector config show`. Secrets stand elsewhere and are named here.
"""
#: what init decides: gone from the old file where the new answers do not set it again
_OURS: Final = (
    "go_live",
    "time_zone",
    "salesforce.auth",
    "salesforce.login_url",
    "salesforce.instance_url",
    "salesforce.client_id",
    "salesforce.client_secret",
    "salesforce.username",
    "salesforce.private_key_file",
    "salesforce.access_token",
    "salesforce.currency",
    "salesforce.margin_s",
    "stripe.api_key",
    "stripe.api_base",
    "verify.profile",
)


def settings_of(given: Given, *, first_day: date) -> dict[str, Any]:
    """Dotted name -> value. `first_day` is the go-live of the bundled sandbox, whose data begin then, where nobody
    says another.
    """
    answers = given.answers
    if answers["org"] == BUNDLED:
        return _bundled(given, first_day)
    found: dict[str, Any] = {
        "go_live": answers["go_live"],
        "time_zone": answers["time_zone"],
        "salesforce.auth": answers["auth"],
        "salesforce.login_url": login_url_of(answers),
        "salesforce.client_id": answers["client_id"],
    }
    for name in ("client_secret", "username", "private_key_file"):
        if name in answers:
            found[f"salesforce.{name}"] = answers[name]
    if answers["currency"] != MULTI:
        found["salesforce.currency"] = answers["currency"]
    return {**found, "stripe.api_key": answers["stripe_key"], "verify.profile": answers["profile"]}


def _bundled(given: Given, first_day: date) -> dict[str, Any]:
    said = read_sandbox(given.base / Path(given.answers["sandbox"]).expanduser())
    salesforce, stripe = said["salesforce"], said["stripe"]
    given.typed.update(client_secret=salesforce["client_secret"], stripe_key=stripe["api_key"])
    return {
        "go_live": given.answers.get("go_live", first_day.isoformat()),
        "time_zone": given.answers.get("time_zone", "UTC"),
        "salesforce.auth": "client_credentials",
        "salesforce.login_url": salesforce["login_url"],
        "salesforce.instance_url": salesforce["instance_url"],
        "salesforce.client_id": salesforce["client_id"],
        "salesforce.client_secret": f"file:{SECRET_FILES['client_secret']}",
        # the sandbox commits a record before it answers: nothing older can appear later
        "salesforce.margin_s": 0,
        "stripe.api_key": f"file:{SECRET_FILES['stripe_key']}",
        "stripe.api_base": stripe["api_base"],
        "verify.profile": given.answers["profile"],
    }


# -- the text ---------------------------------------------------------------------------------------------------


def read_old(path: Path) -> dict[str, Any] | None:
    """The settings of the file that is there, by dotted name; None when there is none. Raises ConfigError."""
    if not path.exists():
        return None
    problems: list[Problem] = []
    root = read_yaml_file(path, problems, remedy="move it away")
    plain = root.plain() if root is not None else {}
    if problems or not isinstance(plain, dict):
        remedy = "correct the file, or move it away: it cannot be compared"
        raise ConfigError(problems or [Problem(where=str(path), observed="holds no settings", remedy=remedy)])
    return dict(_flat(plain, ""))


def _flat(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif value is not None:
            yield f"{prefix}{name}", value if isinstance(value, str | int | bool | list) else str(value)


def merged(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> dict[str, Any]:
    """The new settings, and of the old ones those that init does not ask about."""
    kept = {name: value for name, value in (old or {}).items() if name not in _OURS}
    return {**new, **kept}


def text_of(settings: Mapping[str, Any]) -> str:
    tree: dict[str, Any] = {}
    for name, value in settings.items():
        *groups, last = name.split(".")
        inner = tree
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[last] = value
    return _HEAD + yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=1000)


def shown(settings: Mapping[str, Any]) -> dict[str, Any]:
    """With a secret that stands in an old file itself instead of being named there masked."""
    secret = {leaf.name for leaf in leaves() if leaf.is_secret}
    return {
        name: value if name not in secret or str(value).startswith(("file:", "env:")) else "***"
        for name, value in settings.items()
    }


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Lines of a unified diff, secrets masked; comments are not compared. Empty when nothing changes."""
    before, after = (text_of(shown(settings)).splitlines() for settings in (_sorted(old), _sorted(new)))
    name = str(SETTINGS_FILE)
    lines = list(difflib.unified_diff(before, after, f"{name} (now)", f"{name} (new)", lineterm="", n=1))
    if not lines and dict(old) != dict(new):
        lines = ["a secret that stands in the file itself becomes another one"]
    return lines


def _sorted(settings: Mapping[str, Any]) -> dict[str, Any]:
    return dict(sorted(settings.items()))


# -- writing ----------------------------------------------------------------------------------------------------


def changed_secrets(given: Given) -> list[str]:
    """Names of files that hold another secret now than the typed one."""
    return [
        SECRET_FILES[name]
        for name, secret in given.typed.items()
        if (given.base / SECRET_FILES[name]).exists() and not _holds(given.base / SECRET_FILES[name], secret + "\n")
    ]


def write_all(given: Given, settings: Mapping[str, Any]) -> list[str]:
    """Writes the secrets, then the file that names them; the names of what is new. Raises ConfigError."""
    texts = {SECRET_FILES[name]: secret + "\n" for name, secret in given.typed.items()}
    modes = dict.fromkeys(texts, 0o600)
    texts[str(SETTINGS_FILE)], modes[str(SETTINGS_FILE)] = text_of(settings), 0o644
    written = []
    try:
        for name, text in texts.items():
            path = given.base / name
            if _holds(path, text):
                continue
            path.parent.mkdir(mode=0o755 if name == str(SETTINGS_FILE) else 0o700, parents=True, exist_ok=True)
            _replace(path, text, mode=modes[name])
            written.append(name)
    except OSError as error:
        problem = Problem(
            where=str(error.filename or given.base),
            observed=f"cannot be written: {error.strerror}",
            remedy="correct its permissions, then run again",
        )
        raise ConfigError([problem]) from None
    return written


def readable_by_others(given: Given) -> list[str]:
    """Files of secrets, as they were named, that more than their owner may read."""
    named = [given.answers.get("private_key_file")]
    named += [given.answers.get(name, "").removeprefix("file:") for name in SECRET_FILES if name not in given.typed]
    paths = {name: given.base / Path(name).expanduser() for name in named if name and not name.startswith("env:")}
    return [name for name, path in paths.items() if path.stat().st_mode & 0o077]


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_text(encoding="utf-8") == text
    except (OSError, UnicodeDecodeError):
        return False


def _replace(path: Path, text: str, *, mode: int) -> None:
    """Whole or not at all; the mode holds from the first byte."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
    beside.replace(path)
