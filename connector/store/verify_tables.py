"""The tables of the verifier's memory; in a file of their own only because the other is long enough.

All three are kept per org as well as per scope: a verification may look at an org before the
store belongs to one.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text

from connector.store.tables import AutoId, UtcDateTime, metadata, scope_id_column

verification = Table(
    "verification",
    metadata,
    Column("id", AutoId, primary_key=True),
    Column("scope_id", Integer, ForeignKey("scope.id"), nullable=False),
    Column("org_id", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("profile", Text, nullable=False),
    Column("verdicts_json", Text, nullable=False),
    # NULL where it is so old that only its verdicts are kept.
    Column("report_json", Text),
    Index("verification_of_org", "scope_id", "org_id", "profile", "id"),
)

#: append-only: triggers in the migration refuse UPDATE and DELETE; a withdrawal is a further row
attestation = Table(
    "attestation",
    metadata,
    Column("seq", AutoId, primary_key=True),
    Column("scope_id", Integer, ForeignKey("scope.id"), nullable=False),
    Column("org_id", Text, nullable=False),
    Column("check_id", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("expires", Text),
    Column("packages_json", Text, nullable=False),
    CheckConstraint("event IN ('attested', 'withdrawn')", name="event_known"),
    Index("attestation_of_check", "scope_id", "org_id", "check_id", "seq"),
)

package_pin = Table(
    "package_pin",
    metadata,
    scope_id_column(),
    Column("org_id", Text, primary_key=True),
    Column("namespace", Text, primary_key=True),
    # Empty where it could not be read; several packages may share a namespace.
    Column("package_id", Text, primary_key=True),
    Column("version_id", Text),
    Column("version", Text),
    Column("pinned_at", UtcDateTime, nullable=False),
)
