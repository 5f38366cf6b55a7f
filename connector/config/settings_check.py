"""What must be set before the two systems can be reached: asked for only by commands that reach them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.config.settings_names import leaves, variable_of
from connector.config.text_file import UnreadableFile, read_text_file
from connector.core.errors import ConfigError, Problem
from connector.core.model import Side

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from connector.config.settings import Settings

#: far more than the longest key; a path may name anything
_KEY_BYTES_MAX: Final = 64_000
#: what each way of signing in needs
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "jwt": ("salesforce.client_id", "salesforce.username", "salesforce.private_key_file"),
    "client_credentials": ("salesforce.client_id", "salesforce.client_secret"),
    "token": ("salesforce.access_token", "salesforce.instance_url"),
}

#: hosts that answer no client credentials: the org's My Domain does (platform.md B, OAuth for a daemon)
_SHARED_HOSTS: Final = ("https://login.salesforce.com", "https://test.salesforce.com")


def check_complete(settings: Settings, *, kinds: Collection[str]) -> None:
    """Raises ConfigError naming every setting that is still missing to mirror `kinds`."""
    problems = [*side_problems(settings, Side.SALESFORCE), *side_problems(settings, Side.STRIPE)]
    if "invoice" in kinds:
        problems += _missing(settings, {"go_live": "older invoices must not be billed again"})
    if problems:
        raise ConfigError(problems)


def side_problems(settings: Settings, side: Side) -> list[Problem]:
    """What is missing or wrong before this side can be reached; empty when nothing is."""
    if side is Side.STRIPE:
        return _missing(settings, {"stripe.api_key": "nothing can be done at Stripe without it"})
    auth = settings.salesforce.auth
    problems = _missing(settings, dict.fromkeys(_NEEDED[auth], f"salesforce.auth is {auth}"))
    if auth == "client_credentials" and settings.salesforce.login_url in _SHARED_HOSTS:
        problems.append(
            Problem(
                where="salesforce.login_url",
                observed=f"{settings.salesforce.login_url} gives no token to client credentials",
                remedy=f"set {variable_of('salesforce.login_url')} to the org's My Domain",
            )
        )
    if auth == "jwt" and settings.salesforce.private_key_file is not None:
        problems += _key_problems(settings)
    return problems


def _missing(settings: Settings, needed: Mapping[str, str]) -> list[Problem]:
    """A problem for each of these settings that has no value; `needed` says why it is needed."""
    descriptions = {leaf.name: leaf.description for leaf in leaves()}
    return [
        Problem(where=name, observed=f"is not set ({why})", remedy=f"set {variable_of(name)}: {descriptions[name]}")
        for name, why in needed.items()
        if _value(settings, name) is None
    ]


def read_private_key(settings: Settings) -> str:
    """The PEM text of the key that signs in by JWT. Raises ConfigError when there is none to read."""
    problems = _key_problems(settings)
    if problems:
        raise ConfigError(problems)
    path = settings.salesforce.private_key_file
    assert path is not None
    return read_text_file(path, bytes_max=_KEY_BYTES_MAX)


def _key_problems(settings: Settings) -> list[Problem]:
    path = settings.salesforce.private_key_file
    where = "salesforce.private_key_file"
    remedy = f"set {variable_of(where)} to the PEM file of the certificate's private key"
    if path is None:
        return [Problem(where=where, observed="is not set", remedy=remedy)]
    try:
        text = read_text_file(path, bytes_max=_KEY_BYTES_MAX)
    except UnreadableFile as error:
        return [Problem(where=where, observed=f"{path} cannot be read: {error}", remedy=remedy)]
    if not text.isascii() or "PRIVATE KEY-----" not in text:
        return [Problem(where=where, observed=f"{path} holds no private key", remedy=remedy)]
    return []


def _value(settings: Settings, name: str) -> object:
    value: object = settings
    for step in name.split("."):
        value = getattr(value, step)
    return value
