"""What a lifecycle looks at, put together by hand: for decisions that two healthy systems rarely show."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from connector.core.model import Key, Link, Record, Side
from connector.core.view import Policy, View
from tests.support.salesforce import shipped_pack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.mapping import KindMapping

PACK = shipped_pack()
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
POLICY = Policy(go_live=date(2026, 10, 1), time_zone=ZoneInfo("UTC"), currency=None, org_id="00D1")


def mapping_of(kind: str, **options: Any) -> KindMapping:
    """The shipped mapping, with some options set otherwise."""
    mapping = PACK.kinds[kind]
    return replace(mapping, options={**mapping.options, **options})


def record_of(
    side: Side, kind: str, record_id: str, fields: Mapping[str, Any], lines: Sequence[Mapping[str, Any]] = ()
) -> Record:
    return Record(key=Key(side=side, kind=kind, id=record_id), version="1", fields=fields, lines=tuple(lines))


def view_of(
    mapping: KindMapping,
    *,
    salesforce: Record | None = None,
    stripe: Record | None = None,
    parents: Sequence[Link] = (),
    policy: Policy = POLICY,
    read: Sequence[Side] = tuple(Side),
    **link: Any,
) -> View:
    """Both sides count as read unless `read` says otherwise; `link` are the link's fields."""
    home = salesforce if mapping.born is Side.SALESFORCE else stripe
    born = home.key if home is not None else Key(side=mapping.born, kind=mapping.kind, id="born")

    def parent(kind: str, side: Side, record_id: str) -> Link | None:
        return next((each for each in parents if each.kind == kind and each.id_on(side) == record_id), None)

    return View(
        mapping=mapping,
        link=Link(born=born, **link),
        policy=policy,
        now=NOW,
        parents=parent,
        salesforce=salesforce,
        stripe=stripe,
        read=frozenset(read),
        kinds=PACK.kinds,
    )
