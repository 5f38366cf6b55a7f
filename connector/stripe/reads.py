"""Current records by id, and records that carry our mark. Reads only; one call per record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from connector.core.errors import Refused
from connector.core.long_id import long_id
from connector.core.model import Key, Record, Side
from connector.stripe.client import Call
from connector.stripe.payments import PaymentReader, assemble, invoice_payment_lines
from connector.stripe.resources import RESOURCES, first_lines, has_more_lines, record_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from concurrent.futures import Executor, Future

    from connector.core.mapping import Pack
    from connector.ports import Workers
    from connector.stripe.client import Client

Found = TypeVar("Found", bound="Record | None")


class Reader:
    def __init__(self, client: Client, *, pack: Pack, executor: Executor, workers: Workers) -> None:
        self._client = client
        self._pack = pack
        self._executor = executor
        self._workers = workers
        self._payments = PaymentReader(client)

    def fetch_many(self, wanted: Mapping[str, Sequence[str]]) -> dict[Key, Record]:
        """Records of all kinds, concurrently; what does not exist is absent, what was deleted says so.

        Never call it from a worker of the pool: it waits for workers.
        """
        pairs = [(kind, each) for kind, ids in wanted.items() for each in dict.fromkeys(ids)]
        futures = [self._executor.submit(self._fetch_one, kind, each) for kind, each in pairs]
        records = (record for record in _results(futures, self._workers) if record is not None)
        return {record.key: record for record in records}

    def find(self, kind: str, born_ids: Iterable[str], *, org_id: str) -> dict[str, Record]:
        """By the Salesforce id they carry; the newest where several do. Lists, because search lags by up
        to an hour (platform.md C4), and stops when all are found.
        """
        resource = RESOURCES[self._pack.kinds[kind].stripe.object]
        missing = set(born_ids)
        found: dict[str, Record] = {}
        params = {"expand": list(resource.list_expand)} if resource.list_expand else {}
        pages = self._client.pages(resource.collection, params) if missing else ()
        for page in pages:
            for item in page:
                born_id = marked_id(item, org_id=org_id)
                if born_id in missing:
                    found[born_id] = complete_record(self._client, kind, item)
                    missing.discard(born_id)
            if not missing:
                break
        return found

    def complete_many(self, kind: str, items: Sequence[Mapping[str, Any]]) -> list[Record]:
        """Records with all their lines, those that show only the first page of them concurrently. Not to be called
        from a worker of the pool.
        """
        more = [item for item in items if has_more_lines(item)]
        futures = [self._executor.submit(complete_record, self._client, kind, item) for item in more]
        longer = {record.id: record for record in _results(futures, self._workers)}
        return [longer.get(item["id"]) or complete_record(self._client, kind, item) for item in items]

    def _fetch_one(self, kind: str, record_id: str) -> Record | None:
        stripe_object = self._pack.kinds[kind].stripe.object
        if stripe_object in {"payment", "payment_record"}:
            return self._fetch_payment(kind, stripe_object, record_id)
        resource = RESOURCES[stripe_object]
        params = {"expand": list(resource.expand)} if resource.expand else {}
        try:
            item = self._client.send(Call(method="get", template=resource.item, id=record_id, params=params)).body
        except Refused as error:
            if error.status == 404:
                return None
            raise
        return complete_record(self._client, kind, item)

    def _fetch_payment(self, kind: str, stripe_object: str, payment_id: str) -> Record | None:
        paid = self._payments.fetch(payment_id)
        if paid is None:
            return None
        if stripe_object == "payment_record":
            return record_of(kind, paid.item, lines=invoice_payment_lines(paid))
        fields, lines = assemble(paid)
        return record_of(kind, fields, lines=lines)


def complete_record(client: Client, kind: str, item: Mapping[str, Any]) -> Record:
    """The record with all lines: an object holds the first page of them only."""
    lines = first_lines(item)
    if has_more_lines(item):
        template = RESOURCES[item["object"]].lines_template
        assert template is not None
        # From the start, because the first page's size is Stripe's choice and the pages' size is ours.
        lines = [line for page in client.pages(template, {}, parent_id=item["id"]) for line in page]
    return record_of(kind, item, lines=lines)


def marked_id(item: Mapping[str, Any], *, org_id: str) -> str | None:
    """The Salesforce id an object carries, in its long form, if it is a mark of this org (architecture.md 2, marker)."""
    metadata = item.get("metadata") or {}
    if metadata.get("salesforce_org") != org_id:
        return None
    born_id: str | None = metadata.get("salesforce_id")
    return None if born_id is None else long_id(born_id)


def key_of(kind: str, record_id: str) -> Key:
    return Key(side=Side.STRIPE, kind=kind, id=record_id)


def _results(futures: Sequence[Future[Found]], workers: Workers) -> list[Found]:
    """All results, or the first error once nothing is in flight any more."""
    try:
        workers.wait(futures, first_exception=True)
    finally:
        for future in futures:
            future.cancel()
        workers.wait(futures)
    return [future.result() for future in futures if not future.cancelled()]
