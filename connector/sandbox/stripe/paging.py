"""List answers: newest first, a cursor, a limit of 1 to 100, filters by index (platform.md C4)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from connector.sandbox.stripe.errors import StripeError, exclusive_parameters, missing_resource
from connector.sandbox.stripe.store import Collection, Object, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from connector.sandbox.stripe.engine import Engine, Fields

#: index -> values wanted
Filters = dict[str, list[Any]]

DEFAULT_LIMIT = 10
MAX_LIMIT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    data: list[Object]
    has_more: bool
    url: str

    def body(self) -> Fields:
        return {"object": "list", "data": self.data, "has_more": self.has_more, "url": self.url}


def page(
    engine: Engine,
    kind: str,
    params: Fields,
    *,
    url: str,
    where: Mapping[str, Iterable[Any]] | None = None,
    created_from: int | None = None,
    keep: Callable[[Object], bool] | None = None,
) -> Page:
    """One page of a collection. `where` maps an index to the values wanted; `keep` judges what has no index.

    Raises StripeError for a bad limit, both cursors at once, or a cursor that is no such object.
    """
    limit = page_limit(params)
    collection = engine.collections[kind]
    low, high = created_range(params.get("created"))
    if created_from is not None:
        low = created_from if low is None else max(low, created_from)
    after, before, backwards = _cursors(collection, kind, params)
    window = Window(created_from=low, created_to=high, after=after, before=before, oldest_first=backwards)
    found = list(islice(filter(keep, collection.select(where or {}, window)), limit + 1))
    has_more = len(found) > limit
    found = found[:limit]
    if backwards:
        found.reverse()
    return Page(data=found, has_more=has_more, url=url)


def filters(params: Fields, *names: str) -> Filters:
    """The filters among the parameters that are named as their index."""
    return {name: [params[name]] for name in names if name in params}


def page_limit(params: Fields) -> int:
    limit: int = params.get("limit", DEFAULT_LIMIT)
    if limit < 1:
        raise StripeError(
            "This value must be greater than or equal to 1.", code="parameter_invalid_integer", param="limit"
        )
    if limit > MAX_LIMIT:
        raise StripeError(
            "This value must be less than or equal to 100.", code="parameter_invalid_integer", param="limit"
        )
    return limit


def page_of(items: list[Object], params: Fields, *, kind: str, url: str) -> Page:
    """A page of a short list that is already in its order."""
    limit = page_limit(params)
    if "starting_after" in params and "ending_before" in params:
        raise exclusive_parameters("starting_after", "ending_before")
    ids = [item["id"] for item in items]
    if "ending_before" in params:
        end = _index(ids, params["ending_before"], kind, "ending_before")
        return Page(data=items[max(0, end - limit) : end], has_more=end > limit, url=url)
    start = _index(ids, params["starting_after"], kind, "starting_after") + 1 if "starting_after" in params else 0
    return Page(data=items[start : start + limit], has_more=len(items) > start + limit, url=url)


def _index(ids: list[str], wanted: str, kind: str, param: str) -> int:
    if wanted not in ids:
        raise missing_resource(kind, wanted, param=param)
    return ids.index(wanted)


def created_range(raw: Any) -> tuple[int | None, int | None]:
    """First and last second (inclusive) of a `created` filter, None where open."""
    if raw is None:
        return None, None
    if isinstance(raw, int):
        return raw, raw
    lows = [raw[name] + shift for name, shift in (("gte", 0), ("gt", 1)) if name in raw]
    highs = [raw[name] - shift for name, shift in (("lte", 0), ("lt", 1)) if name in raw]
    return (max(lows) if lows else None, min(highs) if highs else None)


def _cursors(collection: Collection, kind: str, params: Fields) -> tuple[int | None, int | None, bool]:
    if "starting_after" in params and "ending_before" in params:
        raise exclusive_parameters("starting_after", "ending_before")
    for param in ("starting_after", "ending_before"):
        if param not in params:
            continue
        position = collection.position(params[param])
        if position is None:
            raise missing_resource(kind, params[param], param=param)
        return (None, position, False) if param == "starting_after" else (position, None, True)
    return None, None, False
