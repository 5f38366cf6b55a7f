"""Two workers on one database, at the very moment when one could make again what the other is making."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from connector.core.errors import LeaseLost
from connector.flows.sync import run_pass
from connector.sandbox.salesforce.seed import seed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

#: far above what anything here takes on a busy machine; a hang must end some time
TIMEOUT_S = 180


class Watched:
    """A store that tells before a drain loads links of this kind, and before it begins. What was left in doubt is
    looked for before any drain: what is begun by then would be taken for left, and sent again.
    """

    def __init__(self, store: Any, *, kind: str, loading: Callable[[], None], beginning: Callable[[], None]) -> None:
        self._store = store
        self._kind = kind
        self._loading = loading
        self._beginning = beginning
        self._drains = False

    def load_unresolved(self, *given: Any) -> Any:
        self._drains = True
        return self._store.load_unresolved(*given)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def load_links(self, keys: Any) -> Any:
        if self._drains and any(key.kind == self._kind for key in keys):
            self._loading()
        return self._store.load_links(keys)

    def begin(self, links: Any, operations: Any) -> Any:
        if any(link.kind == self._kind for link in links):
            self._beginning()
        return self._store.begin(links, operations)


def test_a_link_loaded_while_its_record_is_being_made_does_not_make_another_one(world: World) -> None:
    """The other worker's creates are under way when this one loads the links, and over when it would begin."""
    seed(world.org)
    first, second = world.open(), world.open()
    under_way, go_on = threading.Event(), threading.Event()
    errors: list[BaseException] = []

    def hold(request: Any) -> None:
        if (request.method, request.path) == ("POST", "/v1/products"):
            under_way.set()
            assert go_on.wait(TIMEOUT_S)

    def whole_pass() -> None:
        try:
            run_pass(first)
        except BaseException as error:  # noqa: BLE001 - told by the thread that asserts
            errors.append(error)

    other = threading.Thread(target=whole_pass)

    def loading() -> None:
        if not under_way.is_set():
            world.account.faults = hold
            other.start()
            assert under_way.wait(TIMEOUT_S)

    def beginning() -> None:
        go_on.set()
        other.join(TIMEOUT_S)

    watched = Watched(second.store, kind="product", loading=loading, beginning=beginning)
    # LeaseLost: the other worker has this database; exit code 75, to be run again
    with contextlib.suppress(LeaseLost):
        run_pass(replace(second, store=watched))
    go_on.set()
    other.join(TIMEOUT_S)
    assert under_way.is_set()
    assert not [error for error in errors if not isinstance(error, LeaseLost)]
    world.sync()
    for path in ("/v1/products", "/v1/customers", "/v1/invoices"):
        marks = [row["metadata"]["salesforce_id"] for row in world.stripe_list(path)]
        assert len(marks) == len(set(marks)) > 0, path
