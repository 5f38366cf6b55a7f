"""Reads the settings from where they may stand, and reports every problem at once.

Precedence: environment > `.env` > `config/connector.yaml` > defaults. Both files are looked for under
CONNECTOR_HOME and, when it is not set, in the working folder. A secret may be given as `file:/path`
(the file's text) or `env:NAME` (another variable). No message ever shows a secret.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dotenv import dotenv_values
from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource

from connector.config.sections import did_you_mean
from connector.config.settings import PREFIX, Settings
from connector.config.settings_names import Leaf, leaves, variable_of
from connector.config.text_file import UnreadableFile, exists, read_text_file
from connector.config.yaml_reader import BYTES_MAX, read_yaml_file
from connector.core.errors import ConfigError, Problem
from connector.core.words import shortened, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.config.yaml_reader import Node

#: Variables with our prefix that are no settings: the test suite's own, and those Kubernetes sets in
#: every container beside a service named `connector`.
_NOT_OURS: Final = re.compile(r"CONNECTOR_(TEST_.*|SHARED|SERVICE_(HOST|PORT)(_.*)?|PORT(_.*)?)")

#: where accepted risks are looked for when no setting names a file
_USUAL_RISKS: Final = Path("config/accepted-risks.yaml")
_USUAL_RETRIES: Final = Path("config/retry.yaml")
_USUAL_BRAKES: Final = Path("config/brakes.yaml")

#: a private key has a few thousand; a path may name anything
_SECRET_BYTES_MAX: Final = 64_000

#: a secret that strayed into a setting that holds none; its value is not shown either
_LOOKS_SECRET: Final = re.compile(r"(sk|rk)_(test|live)_|whsec_|PRIVATE KEY|://[^/]*@|^00D[0-9A-Za-z]{12,15}!")


def load_settings(environment: Mapping[str, str], *, folder: Path) -> Settings:
    """The settings of a process with this environment, started in `folder`.

    Raises ConfigError holding every problem: unknown names, values of the wrong form, secrets whose
    file or variable is not there.
    """
    problems: list[Problem] = []
    base = base_folder(environment, folder)
    given = _Given(problems)
    given.read_yaml_file(base / "config" / "connector.yaml")
    given.read_dotenv(base / ".env")
    given.read_variables(environment, where="environment")
    given.resolve_references({**given.variables, **environment}, base)
    try:
        settings = Settings.model_validate(given.nested())
    except ValidationError as error:
        problems += [_explain(dict(item), given.sources) for item in error.errors(include_url=False)]
    if problems:
        raise ConfigError(problems)
    settings._sources.update(given.sources)  # noqa: SLF001 - the loader fills what only describe reads
    return _place(settings, folder=folder, base=base, sources=given.sources)


def base_folder(environment: Mapping[str, str], folder: Path) -> Path:
    """The folder both files are looked for in, and relative references count from."""
    home = next((value for name, value in environment.items() if name.upper() == f"{PREFIX}HOME" and value), None)
    return folder / home if home is not None else folder


class _Given:
    """Values by dotted name, the later source winning, and where each came from."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems
        self._values: dict[str, Any] = {}
        self._leaves = {leaf.name: leaf for leaf in leaves()}
        self.sources: dict[str, str] = {}
        #: the variables of `.env`, which `env:NAME` may name too
        self.variables: dict[str, str] = {}

    def read_yaml_file(self, path: Path) -> None:
        if not exists(path):
            return
        root = read_yaml_file(path, self._problems)
        if root is not None:
            self._take_node(root, prefix="")

    def read_dotenv(self, path: Path) -> None:
        if not exists(path):
            return
        try:
            text = read_text_file(path, bytes_max=BYTES_MAX)
        except UnreadableFile as error:
            self._report(str(path), f"cannot be read: {error}", "make it a readable UTF-8 file")
            return
        # no interpolation: a `$` in a secret is a dollar sign
        found = dotenv_values(stream=io.StringIO(text), interpolate=False)
        self.variables = {name: value for name, value in found.items() if value is not None}
        self.read_variables(self.variables, where=".env")

    def read_variables(self, variables: Mapping[str, str], *, where: str) -> None:
        known = {leaf.variable: leaf for leaf in self._leaves.values()}
        for name in variables:
            upper = name.upper()
            if upper.startswith(PREFIX) and upper not in known and not _NOT_OURS.fullmatch(upper):
                observed = f"unknown setting {name}{did_you_mean(upper, known)}"
                self._report(where, observed, "see `connector config show` for all settings, or remove it")
        ours = {name: value for name, value in variables.items() if name.upper() in known}
        self._take(_Variables(ours)(), prefix="", where=where)

    def resolve_references(self, variables: Mapping[str, str], base: Path) -> None:
        for leaf in self._leaves.values():
            value = self._values.get(leaf.name)
            if not leaf.is_secret or not isinstance(value, str):
                continue
            parts = [part.strip() for part in value.split(",")] if leaf.is_list else [value]
            resolved = [self._resolve(leaf, part, variables, base) for part in parts if part]
            self._values[leaf.name] = tuple(resolved) if leaf.is_list else "".join(resolved)

    def nested(self) -> dict[str, Any]:
        root: dict[str, Any] = {}
        for name, value in self._values.items():
            *groups, last = name.split(".")
            inner = root
            for group in groups:
                inner = inner.setdefault(group, {})
            inner[last] = value
        return root

    def _take_node(self, node: Node, *, prefix: str) -> None:
        groups = {name[: name.rindex(".")] for name in self._leaves if "." in name}
        for key, inner in node.value.items() if isinstance(node.value, dict) else ():
            name, where = f"{prefix}{key}", node.key_where[key]
            if name in self._leaves:
                if inner.value is not None:
                    self._values[name] = self._plain(self._leaves[name], inner)
                    self.sources[name] = where
            elif name in groups and (inner.value is None or isinstance(inner.value, dict)):
                self._take_node(inner, prefix=f"{name}.")
            elif name in groups:
                self._report(where, f"{name} is not a mapping", "write `name: value` lines, indented below it")
            else:
                near = did_you_mean(name, [*self._leaves, *groups])
                self._report(where, f"unknown setting {name}{near}", "see docs/settings.md, or remove it")
        if not isinstance(node.value, dict):
            self._report(node.where, "settings are not a mapping", "write `name: value` lines")

    @staticmethod
    def _plain(leaf: Leaf, node: Node) -> Any:
        plain = node.plain()
        if leaf.is_list and isinstance(plain, list):
            return ",".join(str(item) for item in plain)
        # a Decimal keeps its digits as text: 67.0 is a version; pydantic reads numbers from text
        return plain if isinstance(plain, str | bool | int | list | dict) else str(plain)

    def _take(self, values: Mapping[str, Any], *, prefix: str, where: str) -> None:
        for key, value in values.items():
            name = f"{prefix}{key}"
            if name in self._leaves:
                self._values[name] = value
                self.sources[name] = where
            else:
                self._take(value, prefix=f"{name}.", where=where)

    def _resolve(self, leaf: Leaf, value: str, variables: Mapping[str, str], base: Path) -> str:
        kind, _, target = value.partition(":")
        where = f"{leaf.name} ({self.sources[leaf.name]})"
        if kind == "env":
            if variables.get(target):
                return variables[target]
            self._report(where, f"the variable {target} is not set", "set it, or correct its name")
        elif kind == "file":
            try:
                text = read_text_file(base / target, bytes_max=_SECRET_BYTES_MAX).strip()
            except UnreadableFile as error:
                self._report(where, f"{target} cannot be read: {error}", "correct the path or its permissions")
                return value
            if text:
                return text
            self._report(where, f"{target} is empty", "write the secret into it")
        return value

    def _report(self, where: str, observed: str, remedy: str) -> None:
        self._problems.append(Problem(where=where, observed=shortened(observed), remedy=remedy))


class _Variables(EnvSettingsSource):
    """pydantic-settings' reading of variables, from a mapping that is handed in instead of the process's."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._given = variables
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._given.items() if value}


def _explain(item: Mapping[str, Any], sources: Mapping[str, str]) -> Problem:
    by_name = {leaf.name: leaf for leaf in leaves()}
    parts = [part for part in item["loc"] if isinstance(part, str)]
    name = ".".join(parts)
    while name not in by_name and parts:
        # pydantic appends the branch of a union or validator it tried
        parts.pop()
        name = ".".join(parts)
    leaf = by_name[name]
    message = str(item["msg"]).removeprefix("Value error, ")
    hides = leaf.is_secret or _LOOKS_SECRET.search(str(item["input"]))
    observed = "is not valid" if hides else f"is {shown(item['input'])}"
    return Problem(
        where=f"{name} ({sources.get(name, 'default')})",
        observed=observed if leaf.is_secret else f"{observed}: {shortened(message)}",
        remedy=f"set {variable_of(name)}: {leaf.description}",
    )


def _place(settings: Settings, *, folder: Path, base: Path, sources: Mapping[str, str]) -> Settings:
    """Makes paths absolute: those of files count from the folder the file's settings were found under."""
    updates: dict[str, Any] = {"home": _absolute(settings.home, folder)}
    if "mappings" in sources:
        updates["mappings"] = _absolute(settings.mappings, folder if sources["mappings"] == "environment" else base)
    key_file = settings.salesforce.private_key_file
    if key_file is not None:
        place = folder if sources["salesforce.private_key_file"] == "environment" else base
        salesforce = settings.salesforce.model_copy(update={"private_key_file": _absolute(key_file, place)})
        updates["salesforce"] = salesforce
    risks = settings.verify.accepted_risks
    place = folder if sources.get("verify.accepted_risks") == "environment" else base
    risks = _file_or_usual(risks, place, usual=_absolute(_USUAL_RISKS, base))
    updates["verify"] = settings.verify.model_copy(update={"accepted_risks": risks})
    place = folder if sources.get("retry_file") == "environment" else base
    updates["retry_file"] = _file_or_usual(settings.retry_file, place, usual=_absolute(_USUAL_RETRIES, base))
    place = folder if sources.get("brake_file") == "environment" else base
    updates["brake_file"] = _file_or_usual(settings.brake_file, place, usual=_absolute(_USUAL_BRAKES, base))
    return settings.model_copy(update=updates)


def _file_or_usual(given: Path | None, place: Path, *, usual: Path) -> Path | None:
    if given is not None:
        return _absolute(given, place)
    return usual if usual.is_file() else None


def _absolute(path: Path, base: Path) -> Path:
    try:
        return Path(base / path.expanduser()).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        # a NUL, a home folder of nobody, a circle of links
        problem = Problem(
            where="settings",
            observed=f"{shown(str(path))} cannot be a path: {error}",
            remedy="correct it; `connector config show` says which setting holds it",
        )
        raise ConfigError([problem]) from error
