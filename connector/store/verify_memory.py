"""`ports.VerifyMemory` on the same database: runs, attestations and package pins of one org."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import delete, func, insert, select, update

from connector.core.chain import AuditEntry
from connector.core.verify.checks import Attestation
from connector.core.verify.memory import AttestationEvent, PackagePin, PastRun
from connector.ports.verifying import VerifyMemory
from connector.store import audit
from connector.store.batches import insert_many
from connector.store.verify_tables import attestation, package_pin, verification

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row, Table

    from connector.store.database import Database, Tx

#: whole reports that are kept; of older runs only the verdicts are
_REPORTS_KEPT: Final = 100


class SqlVerifyMemory(VerifyMemory):
    """See `ports.VerifyMemory` for what each method promises. Safe to share between threads."""

    def __init__(self, database: Database, *, scope_id: int, org_id: str) -> None:
        self._database = database
        self._scope_id = scope_id
        self._org_id = org_id

    def load_attestations(self) -> Sequence[Attestation]:
        newest = select(func.max(attestation.c.seq)).where(*self._mine(attestation)).group_by(attestation.c.check_id)
        wanted = select(attestation).where(attestation.c.seq.in_(newest), attestation.c.event == "attested")
        with self._database.read(self._scope_id) as tx:
            return [_attestation(row) for row in tx.connection.execute(wanted.order_by(attestation.c.check_id))]

    def load_attestation_history(self, limit: int = 50) -> Sequence[AttestationEvent]:
        wanted = select(attestation).where(*self._mine(attestation)).order_by(attestation.c.seq.desc()).limit(limit)
        with self._database.read(self._scope_id) as tx:
            return [_event(row) for row in tx.connection.execute(wanted)]

    def save_attestation(self, given: Attestation) -> None:
        with self._database.write(self._scope_id) as tx:
            self._add_event(
                tx,
                check_id=given.check_id,
                event="attested",
                person=given.by,
                note=given.note,
                at=given.at,
                expires=given.expires.isoformat(),
                packages_json=_json(given.packages),
            )
            told = {"check": given.check_id, "note": given.note, "expires": given.expires.isoformat()}
            audit.append(tx, [AuditEntry(event="check attested", cause=f"person {given.by}", detail=told)])

    def withdraw_attestation(self, check_id: str, by: str, at: datetime) -> bool:
        of_check = select(attestation.c.event).where(*self._mine(attestation), attestation.c.check_id == check_id)
        with self._database.write(self._scope_id) as tx:
            event = tx.connection.execute(of_check.order_by(attestation.c.seq.desc()).limit(1)).scalar_one_or_none()
            if event != "attested":
                return False
            self._add_event(tx, check_id=check_id, event="withdrawn", person=by, note="", at=at, packages_json="{}")
            told = {"check": check_id}
            audit.append(tx, [AuditEntry(event="attestation withdrawn", cause=f"person {by}", detail=told)])
            return True

    def load_pins(self) -> Sequence[PackagePin]:
        wanted = select(package_pin).where(*self._mine(package_pin))
        with self._database.read(self._scope_id) as tx:
            pins = [_pin(row) for row in tx.connection.execute(wanted)]
        # here, because PostgreSQL sorts text as its operator's language does
        return sorted(pins, key=lambda pin: (pin.namespace, pin.package_id))

    def save_pins(self, pins: Sequence[PackagePin]) -> None:
        rows = {(pin.namespace, pin.package_id): self._pin_row(pin) for pin in pins}
        with self._database.write(self._scope_id) as tx:
            tx.connection.execute(delete(package_pin).where(*self._mine(package_pin)))
            insert_many(tx, package_pin, list(rows.values()))

    def save_verification(self, run: PastRun) -> None:
        row = {
            **self._place(),
            "run_id": run.run_id,
            "at": run.at,
            "profile": run.profile,
            "verdicts_json": _json(run.verdicts),
            "report_json": _json(run.report),
        }
        kept = select(verification.c.id).where(*self._mine(verification)).order_by(verification.c.id.desc())
        with self._database.write(self._scope_id) as tx:
            tx.connection.execute(insert(verification).values(row))
            oldest = tx.connection.execute(kept.offset(_REPORTS_KEPT - 1).limit(1)).scalar_one_or_none()
            if oldest is not None:
                old = (verification.c.id < oldest, verification.c.report_json.is_not(None))
                tx.connection.execute(
                    update(verification).where(*self._mine(verification), *old).values(report_json=None)
                )

    def load_verifications(self, limit: int = 20, *, profile: str | None = None) -> Sequence[PastRun]:
        wanted = select(verification).where(*self._mine(verification))
        if profile is not None:
            wanted = wanted.where(verification.c.profile == profile)
        with self._database.read(self._scope_id) as tx:
            rows = tx.connection.execute(wanted.order_by(verification.c.id.desc()).limit(limit))
            return [_run(row) for row in rows]

    def unchanged_since(self, verdicts: Mapping[str, str], *, profile: str) -> Mapping[str, datetime]:
        wanted = select(verification.c.at, verification.c.verdicts_json).where(
            *self._mine(verification), verification.c.profile == profile
        )
        open_rows, since = dict(verdicts), {}
        with self._database.read(self._scope_id) as tx:
            for row in tx.connection.execute(wanted.order_by(verification.c.id.desc())):
                before = orjson.loads(row.verdicts_json)
                for check_id in [each for each in open_rows if each in before]:
                    if before[check_id] == open_rows[check_id]:
                        since[check_id] = row.at
                    else:
                        del open_rows[check_id]
                if not open_rows:
                    break
        return since

    def _add_event(self, tx: Tx, **columns: Any) -> None:
        tx.connection.execute(insert(attestation).values({**self._place(), **columns}))

    def _pin_row(self, pin: PackagePin) -> dict[str, Any]:
        return {
            **self._place(),
            "namespace": pin.namespace,
            "package_id": pin.package_id or "",
            "version_id": pin.version_id,
            "version": None if pin.version is None else ".".join(str(part) for part in pin.version),
            "pinned_at": pin.pinned_at,
        }

    def _place(self) -> dict[str, Any]:
        return {"scope_id": self._scope_id, "org_id": self._org_id}

    def _mine(self, table: Table) -> tuple[ColumnElement[bool], ...]:
        return (table.c.scope_id == self._scope_id, table.c.org_id == self._org_id)


def newest_org(tx: Tx) -> str | None:
    """The org that was verified last; None when none ever was."""
    wanted = select(verification.c.org_id).where(verification.c.scope_id == tx.scope_id)
    found: str | None = tx.connection.execute(wanted.order_by(verification.c.id.desc()).limit(1)).scalar_one_or_none()
    return found


def _attestation(row: Row[Any]) -> Attestation:
    return Attestation(
        check_id=row.check_id,
        by=row.person,
        note=row.note,
        at=row.at,
        expires=date.fromisoformat(row.expires),
        packages=orjson.loads(row.packages_json),
    )


def _event(row: Row[Any]) -> AttestationEvent:
    return AttestationEvent(
        check_id=row.check_id,
        event=row.event,
        by=row.person,
        note=row.note,
        at=row.at,
        expires=None if row.expires is None else date.fromisoformat(row.expires),
    )


def _pin(row: Row[Any]) -> PackagePin:
    version = None
    if row.version is not None:
        major, minor, patch, build = (int(part) for part in row.version.split("."))
        version = (major, minor, patch, build)
    return PackagePin(
        namespace=row.namespace,
        package_id=row.package_id or None,
        version_id=row.version_id,
        version=version,
        pinned_at=row.pinned_at,
    )


def _run(row: Row[Any]) -> PastRun:
    return PastRun(
        run_id=row.run_id,
        at=row.at,
        profile=row.profile,
        verdicts=orjson.loads(row.verdicts_json),
        report={} if row.report_json is None else orjson.loads(row.report_json),
    )


def _json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(value)).decode()
