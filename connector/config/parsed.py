"""What the loader knows about a kind between reading its file and judging it: the mapping and its lines."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.config.codec_registry import NamedCodec
    from connector.config.sections import Section
    from connector.core.mapping import FieldRule, KindMapping


class Use(Enum):
    """What the program does with a Salesforce field, and so what the field must allow."""

    READ = auto()
    CREATE = auto()
    UPDATE = auto()
    WRITE = auto()
    #: written on create and update, and unique: the marker
    MARK = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaUse:
    """One Salesforce path a kind's file names."""

    object: str
    path: str
    use: Use
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedField:
    rule: FieldRule
    salesforce_codec: NamedCodec
    stripe_codec: NamedCodec
    #: rows of the table the field goes through: values that may be written to Salesforce
    table_values: tuple[str, ...] = ()

    @property
    def is_money(self) -> bool:
        return self.salesforce_codec.is_money or self.stripe_codec.is_money


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedKind:
    mapping: KindMapping
    fields: tuple[ParsedField, ...]
    uses: tuple[SchemaUse, ...]
    #: the whole file, and the parts whose lines messages name
    section: Section
    salesforce: Section
    stripe: Section
    states_where: Mapping[str, str]
    options: Section | None
    #: object names and the line each is named at
    objects: tuple[tuple[str, str], ...]
