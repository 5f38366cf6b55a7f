"""What the service keeps beside the records: events as received, who holds what, ticks, and pauses.

Same rules as `tables.py`, whose metadata they join.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table, Text

from connector.store.tables import UtcDateTime, metadata, scope_id_column

#: Stripe's events as they came in, each once, kept longer than Stripe keeps them (invariants.md I6)
stripe_event = Table(
    "stripe_event",
    metadata,
    scope_id_column(),
    Column("event_id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    # When it happened, by Stripe's clock, in epoch seconds.
    Column("created", BigInteger, nullable=False),
    Column("livemode", Boolean, nullable=False),
    # A connected account's; empty for the account itself.
    Column("account", Text, nullable=False),
    Column("api_version", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    # How often it was delivered; every time after the first changed nothing.
    Column("deliveries", Integer, nullable=False),
    # Keys it signalled; none for types this program does not follow.
    Column("signalled", Integer, nullable=False),
    # The unit of work that took it in first; the log names it too.
    Column("trace_id", Text),
    Index("stripe_event_newest", "scope_id", "received_at"),
)

#: one row per thing only one process may do; taking it over raises the epoch, and older epochs write no more
lease = Table(
    "lease",
    metadata,
    scope_id_column(),
    Column("name", Text, primary_key=True),
    # Who holds it, in words a person finds the process by: host, process id, since when.
    Column("holder", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("taken_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

#: a moment of a job that some clock has claimed: however many clocks run, one of them enqueues it
tick = Table(
    "tick",
    metadata,
    scope_id_column(),
    Column("job", Text, primary_key=True),
    Column("due_at", UtcDateTime, primary_key=True),
    Column("claimed_by", Text, nullable=False),
    Column("finished_at", UtcDateTime),
    # `done`, `failed`, `skipped`; the reason stands beside it.
    Column("outcome", Text),
    Column("reason", Text),
)

#: what people stopped for a while: a job, a kind, or everything
pause = Table(
    "pause",
    metadata,
    scope_id_column(),
    Column("subject", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime),
)

#: how many signals were worked off, by how long they had waited: counts only, added up by every process
pace = Table(
    "pace",
    metadata,
    scope_id_column(),
    Column("kind", Text, primary_key=True),
    # When the few minutes began that are counted together (core/pace.py).
    Column("began_at", UtcDateTime, primary_key=True),
    # They had waited at most so many seconds.
    Column("waited_s", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
)
