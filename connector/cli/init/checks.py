"""Whether an answer can be right, before anything is written. A message never quotes a secret."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from connector.config.settings import Settings
from connector.config.text_file import UnreadableFile, read_text_file
from connector.config.yaml_reader import BYTES_MAX
from connector.core.errors import ConfigError
from connector.stripe.auth import read_key

if TYPE_CHECKING:
    from collections.abc import Mapping

MULTI: Final = "multi"
#: file of each secret that is typed, below the folder of the settings
SECRET_FILES: Final = {
    "client_secret": "secrets/salesforce_client_secret",
    "stripe_key": "secrets/stripe_api_key",
}
_REFERENCES: Final = ("file", "env")
_SHARED: Final = {"sandbox": "https://test.salesforce.com", "production": "https://login.salesforce.com"}
#: orgs whose My Domain does not say whether they are production orgs: IsSandbox decides, and verify looks
_OTHER_ORGS: Final = (".develop.my.", ".scratch.my.", ".trailblaze.my.", ".demo.my.", ".patch.my.")
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_SANDBOX_SALESFORCE: Final = ("instance_url", "login_url", "client_id", "client_secret", "api_version")
_SANDBOX_STRIPE: Final = ("api_base", "api_key")


@dataclass(slots=True, kw_only=True)
class Given:
    """Everything known so far. `answers` holds references only, `typed` the secrets themselves."""

    #: the folder the settings are looked for in, from which their relative paths count
    base: Path
    #: the folder the program was started in, from which a person's relative paths count
    folder: Path
    environment: Mapping[str, str] = field(repr=False)
    answers: dict[str, str] = field(default_factory=dict)
    typed: dict[str, str] = field(default_factory=dict, repr=False)
    #: where each answer came from, for messages: `--org`, `answers.yaml:3`
    places: dict[str, str] = field(default_factory=dict)

    def place(self, text: str) -> str:
        """A path as it was answered, such that it leads to the same file from the settings."""
        path = Path(text).expanduser()
        return text if path.is_absolute() or self.folder == self.base else str((self.folder / path).absolute())

    def shown(self, name: str) -> str:
        """A file of the settings as a person finds it."""
        return name if self.folder == self.base else str(self.base / name)

    def keep_secret(self, name: str, text: str) -> str:
        """The reference under which a typed secret will be found."""
        if text.partition(":")[0] in _REFERENCES:
            self.typed.pop(name, None)
            return text
        self.typed[name] = text
        return f"file:{SECRET_FILES[name]}"

    def secret(self, name: str, reference: str) -> str:
        """The secret itself. Raises ValueError where a reference leads nowhere."""
        if name in self.typed:
            return self.typed[name]
        kind, _, target = reference.partition(":")
        if kind == "env":
            if not self.environment.get(target):
                raise ValueError(f"the variable {target} is not set: set it before this command, or correct its name")
            return self.environment[target]
        if kind == "file":
            return _text_of(self.base / target)
        raise ValueError("a secret does not belong here: write file:PATH or env:NAME, or type it when it is asked for")


def login_url_of(answers: Mapping[str, str]) -> str | None:
    return answers.get("login_url") or _SHARED.get(answers.get("org", ""))


def is_production(answers: Mapping[str, str]) -> bool | None:
    """None where the answers do not tell."""
    if answers.get("org") in _SHARED:
        return answers["org"] == "production"
    host = urlsplit(answers.get("login_url", "")).hostname or ""
    if not host or host in _LOOPBACK or any(part in host for part in _OTHER_ORGS):
        return None
    return ".sandbox.my." not in host


# -- one check per question: the answer as it is kept, or ValueError -------------------------------------------


def setting(name: str, text: str) -> None:
    """As the settings themselves judge it."""
    tree: Any = text
    for step in reversed(name.split(".")):
        tree = {step: tree}
    try:
        Settings.model_validate(tree)
    except ValidationError as error:
        message = str(error.errors(include_url=False)[0]["msg"])
        raise ValueError(message.removeprefix("Value error, ")) from None


def login_url(text: str, given: Given) -> str:
    host = urlsplit(text).hostname or ""
    if host.endswith(".lightning.force.com"):
        raise ValueError("this is the address of the pages; the org's My Domain ends with .my.salesforce.com")
    if text.rstrip("/") in _SHARED.values() and given.answers.get("auth") == "client_credentials":
        raise ValueError("this host gives no token to client credentials: write the org's My Domain")
    setting("salesforce.login_url", text)
    production = is_production({"login_url": text})
    org = given.answers.get("org")
    if org in _SHARED and production is not None and production is not (org == "production"):
        raise ValueError(f"this address is not that of a {org} org: sandboxes have .sandbox.my. in theirs")
    return text.rstrip("/")


def client_id(text: str, given: Given) -> str:
    del given
    if re.search(r"\s", text) or len(text) < 2:
        raise ValueError("write the consumer key of the external client app, one word")
    return text


def username(text: str, given: Given) -> str:
    del given
    if not re.fullmatch(r"[^\s@]+@[^\s@]+\.[^\s@]+", text):
        raise ValueError("a Salesforce username looks like an e-mail address, such as connector@example.com.uat")
    return text


def private_key_file(text: str, given: Given) -> str:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    text = given.place(text)
    path = given.base / Path(text).expanduser()
    content = _text_of(path)
    try:
        key = load_pem_private_key(content.encode(), password=None)
    except (ValueError, TypeError):
        # The cause may quote the key.
        raise ValueError(f"{path} holds no private key without a passphrase, in PEM form") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError(f"{path} holds a key that is not RSA, which Salesforce asks for")  # noqa: TRY004 - an answer
    return text


def _reference(name: str, text: str, given: Given) -> str:
    kind, _, target = text.partition(":")
    return f"file:{given.place(target)}" if kind == "file" and name not in given.typed else text


def client_secret(text: str, given: Given) -> str:
    text = _reference("client_secret", text, given)
    if not given.secret("client_secret", text):
        raise ValueError("the secret is empty")
    return text


def stripe_key(text: str, given: Given) -> str:
    text = _reference("stripe_key", text, given)
    try:
        key = read_key(given.secret("stripe_key", text))
    except ConfigError as error:
        problem = error.problems[0]
        raise ValueError(f"{problem.observed}: {problem.remedy}") from None
    production = is_production(given.answers)
    if production is not None and production is not key.livemode:
        mode, org, right = ("live", "sandbox", "test") if key.livemode else ("test", "production", "live")
        raise ValueError(f"a {mode} key does not go with a {org} org: use a {right} key of the Stripe account")
    return text


def go_live(text: str, given: Given) -> str:
    del given
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError("write a day such as 2026-11-01") from None


def time_zone(text: str, given: Given) -> str:
    del given
    setting("time_zone", text)
    return text


def currency(text: str, given: Given) -> str:
    del given
    if text.lower() == MULTI:
        return MULTI
    setting("salesforce.currency", text)
    return text.upper()


def sandbox_file(text: str, given: Given) -> str:
    text = given.place(text)
    read_sandbox(given.base / Path(text).expanduser())
    return text


def read_sandbox(path: Path) -> dict[str, dict[str, str]]:
    """The line of `connector sandbox serve --json`. Raises ValueError."""
    wrong = f"{path} does not hold the line that `connector sandbox serve --json` prints"
    try:
        (line, *_) = _text_of(path).splitlines()
        said = json.loads(line)
        salesforce = {name: str(said["salesforce"][name]) for name in _SANDBOX_SALESFORCE}
        stripe = {name: str(said["stripe"][name]) for name in _SANDBOX_STRIPE}
    except (json.JSONDecodeError, KeyError, TypeError):
        raise ValueError(wrong) from None
    return {"salesforce": salesforce, "stripe": stripe}


def _text_of(path: Path) -> str:
    try:
        text = read_text_file(path, bytes_max=BYTES_MAX).strip()
    except UnreadableFile as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    if not text:
        raise ValueError(f"{path} is empty")
    return text
