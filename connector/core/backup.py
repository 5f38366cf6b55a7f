"""What a backup says of itself, and whether it may take a database's place. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from connector.core.brake import BrakeName, TrippedBrake
from connector.core.chain import ChainHead
from connector.core.model import Identity

if TYPE_CHECKING:
    from collections.abc import Mapping

#: of the file as a whole; a higher one is of a newer program
FORMAT: Final = 1


class NotAManifest(ValueError):
    """What stands in the file is not what a backup says of itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDigest:
    """What one table's part of the file must be."""

    rows: int
    #: over the part's bytes, before they are compressed
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    made_at: datetime
    #: the revision of the tables the rows are from
    schema: str
    #: the pair the database belongs to; None before first contact
    identity: Identity | None
    #: the program that wrote it
    program: str
    #: `sqlite` or `postgresql`: where the rows are from; they may be put into either
    database: str
    #: the newest row of the audit trail
    trail: ChainHead
    tables: Mapping[str, TableDigest]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())

    def as_dict(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "made_at": self.made_at.isoformat(),
            "schema": self.schema,
            "identity": None if self.identity is None else asdict(self.identity),
            "program": self.program,
            "database": self.database,
            "trail": asdict(self.trail),
            "tables": {name: asdict(digest) for name, digest in self.tables.items()},
        }

    @classmethod
    def from_dict(cls, told: Any) -> Manifest:
        """Raises NotAManifest."""
        if not isinstance(told, dict) or not isinstance(told.get("format"), int):
            raise NotAManifest("it does not say which form it has")
        if told["format"] > FORMAT:
            raise NotAManifest(f"it has form {told['format']}, this program knows up to {FORMAT}")
        try:
            made_at = datetime.fromisoformat(told["made_at"])
            identity = None if told["identity"] is None else Identity(**told["identity"])
            tables = {str(name): TableDigest(**digest) for name, digest in told["tables"].items()}
            texts = {name: str(told[name]) for name in ("schema", "program", "database")}
            trail = ChainHead(**told["trail"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise NotAManifest(f"a part of it is missing or wrong ({error})") from error
        if made_at.tzinfo is None:
            raise NotAManifest("its moment has no time zone")
        return cls(made_at=made_at, identity=identity, trail=trail, tables=tables, **texts)


def other_pair(manifest: Manifest, present: Identity | None) -> str | None:
    """Why this backup is not of the pair that the present database belongs to; None when it may be."""
    if present is None or manifest.identity == present:
        return None
    if manifest.identity is None:
        return f"it was made before first contact, the present database belongs to {present.words}"
    return f"it is of {manifest.identity.words}, the present database belongs to {present.words}"


def restored_brake(manifest: Manifest, *, at: datetime) -> TrippedBrake:
    """On from the first moment of a restored database: what was done since the backup is not known to it, even if
    no mark of it is seen yet (invariants.md I29).
    """
    return TrippedBrake(
        name=BrakeName.STORE_RESTORED,
        subject="",
        tripped_at=at,
        observed=f"this database was restored from a backup of {manifest.made_at:%Y-%m-%d %H:%M:%S} UTC",
        allowed="nothing is made before `connector recover` has linked what was made since",
        plan={},
    )
