"""The settings as a flat list of names, read from the models: for messages, `config show` and the docs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, SecretStr

from connector.config.settings import NESTING, PREFIX, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One setting."""

    #: dotted, as in config/connector.yaml: `stripe.api_key`
    name: str
    description: str
    is_secret: bool
    #: takes several values, separated by commas
    is_list: bool

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(self.name.split("."))

    @property
    def variable(self) -> str:
        return variable_of(self.name)


def variable_of(name: str) -> str:
    """`stripe.api_key` -> `CONNECTOR_STRIPE__API_KEY`."""
    return PREFIX + name.replace(".", NESTING).upper()


@cache
def leaves() -> tuple[Leaf, ...]:
    return tuple(_walk(Settings, ""))


def _walk(model: type[BaseModel], prefix: str) -> Iterator[Leaf]:
    for name, info in model.model_fields.items():
        annotation = info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _walk(annotation, f"{prefix}{name}.")
        else:
            yield _leaf(f"{prefix}{name}", info)


def _leaf(name: str, info: FieldInfo) -> Leaf:
    parts = set(_parts(info.annotation))
    assert info.description is not None, f"{name} has no description"
    return Leaf(name=name, description=info.description, is_secret=SecretStr in parts, is_list=tuple in parts)


def _parts(annotation: Any) -> Iterator[Any]:
    yield getattr(annotation, "__origin__", annotation)
    for part in get_args(annotation):
        yield from _parts(part)
