"""What must be set before the two systems can be reached: asked for only by commands that reach them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.config.settings_names import leaves, variable_of
from connector.core.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from connector.config.settings import Settings

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
    auth = settings.salesforce.auth
    needed = [(name, f"salesforce.auth is {auth}") for name in _NEEDED[auth]]
    needed.append(("stripe.api_key", "nothing can be done at Stripe without it"))
    if "invoice" in kinds:
        needed.append(("go_live", "older invoices must not be billed again"))
    descriptions = {leaf.name: leaf.description for leaf in leaves()}
    problems = [
        Problem(where=name, observed=f"is not set ({why})", remedy=f"set {variable_of(name)}: {descriptions[name]}")
        for name, why in needed
        if _value(settings, name) is None
    ]
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
    if problems:
        raise ConfigError(problems)


def read_private_key(settings: Settings) -> str:
    """The PEM text of the key that signs in by JWT. Raises ConfigError when there is none to read."""
    problems = _key_problems(settings)
    if problems:
        raise ConfigError(problems)
    path = settings.salesforce.private_key_file
    assert path is not None
    return path.read_text(encoding="ascii")


def _key_problems(settings: Settings) -> list[Problem]:
    path = settings.salesforce.private_key_file
    where = "salesforce.private_key_file"
    remedy = f"set {variable_of(where)} to the PEM file of the certificate's private key"
    if path is None:
        return [Problem(where=where, observed="is not set", remedy=remedy)]
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no PEM text"
        return [Problem(where=where, observed=f"{path} cannot be read: {reason}", remedy=remedy)]
    if "PRIVATE KEY-----" not in text:
        return [Problem(where=where, observed=f"{path} holds no private key", remedy=remedy)]
    return []


def _value(settings: Settings, name: str) -> object:
    value: object = settings
    for step in name.split("."):
        value = getattr(value, step)
    return value
