"""`connector events`: Stripe's events as they were received."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from connector.cli.options import common

if TYPE_CHECKING:
    from rich.console import Console

    from connector.cli.output import Output
    from connector.core.service import ReceivedEvent


@click.group()
def events() -> None:
    """Stripe's events as they were received by webhook."""


@events.command("list")
@click.option("--type", "type_prefix", default="", metavar="PREFIX", help="Only types that begin so: `invoice.`.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="So many at most.")
@click.option("--before", metavar="EVENT", help="Only what was received before this event.")
@common
def list_events(output: Output, *, type_prefix: str, limit: int, before: str | None) -> None:
    """List events, the newest first."""
    from connector.cli.local import opened_store

    with opened_store(output) as local:
        found = local.store.events.load_recent(limit, type_prefix=type_prefix, before=before)
    answer = {"events": [_row(event) for event in found]}
    output.result(answer, human=lambda console: _print(console, answer))


@events.command()
@click.argument("event_id")
@common
def show(output: Output, *, event_id: str) -> None:
    """Show one event, with personal data taken out."""
    import orjson

    from connector.cli.local import opened_store
    from connector.runtime.redaction import redact

    with opened_store(output) as local:
        event = local.store.events.load(event_id)
    if event is None:
        raise _unknown(event_id)
    answer = {"event": {**_row(event), "content": redact(orjson.loads(event.body))}}
    output.result(answer, human=lambda console: _print_one(console, answer["event"]))


@events.command()
@click.argument("event_ids", nargs=-1, required=True)
@common
def replay(output: Output, *, event_ids: tuple[str, ...]) -> None:
    """Look again at the records these events name. Nothing of the events themselves is taken over."""
    from connector.cli.local import opened_store
    from connector.core.model import Signal
    from connector.flows.subject import shard_of
    from connector.stripe.received import event_of, webhook_signals

    with opened_store(output) as local:
        found = {event_id: local.store.events.load(event_id) for event_id in event_ids}
        missing = [event_id for event_id, event in found.items() if event is None]
        if missing:
            raise _unknown(missing[0])
        signals = [
            Signal(key=signal.key, cause="person")
            for event in found.values()
            if event is not None
            for signal in webhook_signals(local.pack, event_of(event.body)[1])
        ]
        shards = local.settings.shards
        raised = local.store.record_signals(signals, [], shard_of=lambda signal: shard_of(signal.key.id, shards))
    answer = {"events": list(found), "signalled": raised}
    words = f"{raised} records will be looked at by the service, or by the next `connector sync --once`"
    output.result(answer, human=lambda console: console.print(words))


def _unknown(event_id: str) -> click.UsageError:
    return click.UsageError(
        f"no event {event_id!r} was received by webhook; `connector events list` shows those that were"
    )


def _row(event: ReceivedEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "type": event.type,
        "created": event.created,
        "received_at": event.received_at,
        "deliveries": event.deliveries,
        "signalled": event.signalled,
        "api_version": event.api_version,
        "trace_id": event.trace_id,
    }


def _print(console: Console, answer: dict[str, Any]) -> None:
    from rich.table import Table

    if not answer["events"]:
        console.print("no event was received by webhook")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("received (UTC)", "event", "type", "deliveries", "records"):
        table.add_column(title)
    for row in answer["events"]:
        received = f"{row['received_at']:%Y-%m-%d %H:%M:%S}"
        table.add_row(received, row["id"], row["type"], str(row["deliveries"]), str(row["signalled"]))
    console.print(table)


def _print_one(console: Console, event: dict[str, Any]) -> None:
    from connector.cli.output import to_json

    for name in ("id", "type", "received_at", "deliveries", "signalled", "api_version", "trace_id"):
        console.print(f"{name:<12} {event[name]}")
    console.print(to_json(event["content"]))
