"""`connector config show`: every setting, its value with secrets masked, and where it came from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from connector.config.settings_names import leaves

if TYPE_CHECKING:
    from connector.config.settings import Settings

#: what a secret's kind and mode are known by; the rest of it is never shown
_KEY_KIND: Final = re.compile(r"(?:sk|rk)_(?:test|live)_|whsec_")
_URL_PASSWORD: Final = re.compile(r"(?<=://)([^:/@]*):([^@]*)@")
#: whoever knows the path of such an address may post there
_WEB_ADDRESS: Final = re.compile(r"(https?://[^/?#]+)[/?#](.+)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    #: dotted, e.g. `stripe.api_key`
    name: str
    #: the environment variable that sets it
    variable: str
    #: as text, secrets masked; None when it is not set
    value: str | None
    #: `default`, `environment`, `.env`, or `file:line`
    source: str
    description: str


def describe(settings: Settings) -> tuple[SettingRow, ...]:
    """All settings in their order."""
    rows = []
    for leaf in leaves():
        value: Any = settings
        for step in leaf.path:
            value = getattr(value, step)
        rows.append(
            SettingRow(
                name=leaf.name,
                variable=leaf.variable,
                value=_shown(value),
                source=settings._sources.get(leaf.name, "default"),  # noqa: SLF001 - kept for exactly this report
                description=leaf.description,
            )
        )
    return tuple(rows)


def secrets_of(settings: Settings) -> list[str]:
    """Every secret they hold, as it is; a database's password apart from its address."""
    found: list[str] = []
    for leaf in leaves():
        value: Any = settings
        for step in leaf.path:
            value = getattr(value, step)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, SecretStr):
                secret = part.get_secret_value()
                web, password = _WEB_ADDRESS.fullmatch(secret), _URL_PASSWORD.search(secret)
                found += [secret] if "://" not in secret else []
                found += [match.group(2) for match in (web, password) if match is not None]
    return found


def _shown(value: Any) -> str | None:
    if value is None or value == ():
        return None
    if isinstance(value, tuple):
        return ", ".join(str(_shown(part)) for part in value)
    if isinstance(value, SecretStr):
        return _masked(value.get_secret_value())
    return value.key if isinstance(value, ZoneInfo) else str(value)


def _masked(secret: str) -> str:
    if "://" in secret:
        return _WEB_ADDRESS.sub(r"\1/***", _URL_PASSWORD.sub(r"\1:***@", secret))
    kind = _KEY_KIND.match(secret)
    return f"{kind.group()}***" if kind else "***"
