"""The demo's own home: settings as a person would write them, the secrets in files beside them."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from connector.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from connector.cli.demo.sandbox_process import Connection

#: proves that a folder is a demo's home and may be emptied
MARK: Final = ".connector-demo"

_SETTINGS: Final = """\
# Written by `connector demo`. A real installation has the same file with other addresses.
go_live: "{go_live}"
salesforce:
  auth: client_credentials
  login_url: {login_url}
  instance_url: {instance_url}
  client_id: {client_id}
  client_secret: file:secrets/salesforce_client_secret
  api_version: "{api_version}"
  # The sandbox commits a record before it answers, so that nothing older can appear later.
  margin_s: 0
stripe:
  api_key: file:secrets/stripe_api_key
  api_base: {api_base}
log:
  level: warning
"""
_SERVICE: Final = """\
web:
  webhook_listen: {webhooks}
  ops_listen: {ops}
run:
  schedule: {schedule}
"""
#: the same as config/schedule.yaml, only that nothing happens at night here
_SCHEDULE: Final = """\
jobs:
  - {{name: poll, work: poll, every_s: {poll_s}}}
"""


def first_day_of_last_month(today: date) -> date:
    return (today.replace(day=1) - timedelta(days=1)).replace(day=1)


def fresh_home(path: Path) -> None:
    """An empty folder at `path`. Raises ConfigError when something that is not a demo's lies there."""
    if path.exists() and not (path / MARK).exists() and (not path.is_dir() or any(path.iterdir())):
        raise ConfigError(
            [Problem(where=str(path), observed="exists and was not made by a demo", remedy="choose another --keep")]
        )
    try:
        if path.exists():
            shutil.rmtree(path)
        path.mkdir(parents=True)
        (path / MARK).touch()
    except OSError as error:
        remedy = "choose a folder of your own by --keep"
        raise ConfigError(
            [Problem(where=str(path), observed=f"cannot be made: {error.strerror}", remedy=remedy)]
        ) from error


def write_settings(home: Path, connection: Connection, *, go_live: date) -> None:
    (home / "config").mkdir()
    (home / "secrets").mkdir(mode=0o700)
    salesforce, stripe = connection.salesforce, connection.stripe
    text = _SETTINGS.format(go_live=go_live.isoformat(), api_base=stripe["api_base"], **salesforce)
    (home / "config" / "connector.yaml").write_text(text, encoding="utf-8")
    _write_secret(home / "secrets" / "salesforce_client_secret", salesforce["client_secret"])
    _write_secret(home / "secrets" / "stripe_api_key", stripe["api_key"])


def write_service_settings(home: Path, *, webhooks: str, ops: str, signing_secret: str, poll_s: int) -> None:
    """What `connector run` needs on top. `webhooks` and `ops` are host:port."""
    settings, schedule = home / "config" / "connector.yaml", home / "config" / "schedule.yaml"
    schedule.write_text(_SCHEDULE.format(poll_s=poll_s), encoding="utf-8")
    _write_secret(home / "secrets" / "stripe_webhook_secret", signing_secret)
    with_secret = settings.read_text(encoding="utf-8").replace(
        "stripe:\n", "stripe:\n  webhook_secrets: [file:secrets/stripe_webhook_secret]\n"
    )
    service = _SERVICE.format(webhooks=webhooks, ops=ops, schedule=schedule)
    settings.write_text(with_secret + service, encoding="utf-8")


def _write_secret(path: Path, secret: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(secret)
