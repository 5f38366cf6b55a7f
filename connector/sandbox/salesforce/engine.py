"""Every write to the org's records: the checks, the stamps, the cascades, and the undo of a transaction.

People's edits and API writes take the same path; only who did it and which fields they may touch differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from connector.sandbox.salesforce import ids
from connector.sandbox.salesforce.errors import ApiError, unknown_column
from connector.sandbox.salesforce.rollups import RollUps
from connector.sandbox.salesforce.values import to_stored

if TYPE_CHECKING:
    from connector.sandbox.salesforce.database import Database
    from connector.sandbox.salesforce.schema import Field, SObject
    from connector.sandbox.salesforce.table import Row

#: receives the record as it would be stored; False refuses it
Predicate = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """On whose behalf a write happens, and what they see of each object."""

    user_id: str
    objects: Mapping[str, SObject]
    #: people in the org and the platform itself are not counted as API writes
    counted: bool
    #: the platform may write its own read-only fields
    platform: bool = False
    #: objects they may not write
    locked: frozenset[str] = frozenset()


class _Undo(NamedTuple):
    obj: str
    before: Row | None
    record_id: str
    counted: bool


@dataclass(slots=True, kw_only=True)
class Numbers:
    """The org's running counters, part of its state."""

    next_id: dict[str, int] = field(default_factory=dict)
    next_auto_number: dict[str, int] = field(default_factory=dict)
    writes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Habits:
    """What every new record of an object gets or needs, looked up once."""

    defaults: Row
    required: tuple[str, ...]
    #: (field, display format)
    auto_numbers: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, obj: SObject) -> _Habits:
        fields = obj.fields.values()
        return cls(
            defaults={
                f.name: to_stored(f, f.default) for f in fields if f.default not in (None, False) and not f.calculated
            },
            required=tuple(f.name for f in fields if f.required),
            auto_numbers=tuple((f.name, f.auto_number) for f in fields if f.auto_number is not None),
        )


class Engine:
    def __init__(
        self,
        database: Database,
        *,
        stamp: Callable[[], str],
        pod: str,
        default_currency: str,
        rollups_move_modstamp: bool,
    ) -> None:
        """`stamp` gives the commit time as the API writes it; `pod` is the three characters all ids share."""
        self._database = database
        self._stamp = stamp
        self._pod = pod
        self._default_currency = default_currency
        self._rollups_move_modstamp = rollups_move_modstamp
        self._habits = {name: _Habits.of(obj) for name, obj in database.objects.items()}
        self._rollups = RollUps(database, self._store_rollup)
        self._journal: list[_Undo] = []
        self.numbers = Numbers()
        self.validation_rules: dict[str, list[tuple[Predicate, str]]] = {}

    # -- transactions -------------------------------------------------------------------------------------------

    def savepoint(self) -> int:
        return len(self._journal)

    def roll_back(self, savepoint: int) -> None:
        """Undoes everything since the savepoint. Numbers already given out stay used, as in the real system."""
        self._rollups.flush()
        while len(self._journal) > savepoint:
            undo = self._journal.pop()
            table = self._database.tables[undo.obj]
            if undo.before is None:
                table.remove(undo.record_id)
            else:
                table.put(undo.before)
            self.numbers.writes -= undo.counted

    def commit(self) -> None:
        """Ends the transaction: roll-ups are brought up to date and nothing can be undone any more."""
        self._rollups.flush()
        self._journal.clear()

    def settle_rollups(self) -> None:
        """Brings roll-ups up to date inside a transaction, so that its next step reads true totals."""
        self._rollups.flush()

    def learn(self, sobject: str) -> None:
        """Takes note of a changed definition."""
        self._habits[sobject] = _Habits.of(self._database.objects[sobject])

    # -- the four writes ----------------------------------------------------------------------------------------

    def create(self, sobject: str, body: Mapping[str, Any], actor: Actor) -> str:
        """Stores a new record and returns its id. Raises ApiError and changes nothing."""
        _check_lock(sobject, actor)
        obj = self._database.objects[sobject]
        given = self._read_body(actor.objects[sobject], body, actor, creating=True)
        row = self._defaults(obj, given, actor)
        row.update({name: value for name, value in given.items() if value is not None})
        self._check_required(obj, row, self._habits[sobject].required)
        self._check_unique(obj, row)
        record_id = row.get("Id") or self._next_id(obj)
        self._number_automatically(obj, row)
        name_field = obj.fields.get("Name")
        if obj.custom and name_field is not None and "Name" not in row:
            # A custom object's text name left out over the API becomes the record's id.
            row["Name"] = record_id
        row["Id"] = record_id
        self._sign(obj, row, actor, creating=True)
        self._check_rules(obj, row)
        self._write(sobject, None, row, counted=actor.counted)
        return record_id

    def update(self, sobject: str, record_id: str, body: Mapping[str, Any], actor: Actor) -> None:
        """Changes a live record. A write of equal values still stamps the record, as in the real system."""
        _check_lock(sobject, actor)
        obj = self._database.objects[sobject]
        old = self.live_row(sobject, record_id)
        given = self._read_body(actor.objects[sobject], body, actor, creating=False)
        row = {name: value for name, value in {**old, **given}.items() if value is not None}
        self._check_required(obj, row, given)
        self._check_unique(obj, row, given)
        self._sign(obj, row, actor, creating=False)
        self._check_rules(obj, row)
        self._write(sobject, old, row, counted=actor.counted)

    def delete(self, sobject: str, record_id: str, actor: Actor) -> None:
        """Moves a record and its details to the recycle bin; plain lookups to it are cleared."""
        _check_lock(sobject, actor)
        row = self.live_row(sobject, record_id)
        now = self._stamp()
        references = [
            (child, reference, list(self._database.tables[child.name].children(reference.name, record_id)))
            for child, reference in self._database.child_references[sobject]
            if self._database.tables[child.name].is_indexed(reference.name)
        ]
        for child, reference, child_ids in references:
            if child_ids and reference.on_delete == "Restrict":
                message = (
                    f"Your attempt to delete {row.get('Name', record_id)} could not be completed because it is "
                    f"associated with the following {child.plural_label.lower()}: {', '.join(child_ids[:5])}"
                )
                raise ApiError(400, "DELETE_FAILED", message, [])
        for child, reference, child_ids in references:
            for child_id in child_ids:
                child_row = self._database.tables[child.name].rows.get(child_id)
                if child_row is None:
                    continue
                if reference.on_delete == "Cascade":
                    self.delete(
                        child.name, child_id, Actor(user_id=actor.user_id, objects=actor.objects, counted=False)
                    )
                else:
                    cleared = {name: value for name, value in child_row.items() if name != reference.name}
                    self._write(child.name, child_row, {**cleared, "SystemModstamp": now}, counted=False)
        obj = self._database.objects[sobject]
        last = {**row, "IsDeleted": True} if "IsDeleted" in obj.fields else dict(row)
        self._sign(obj, last, actor, creating=False)
        self._journal.append(_Undo(sobject, row, record_id, actor.counted))
        self.numbers.writes += actor.counted
        self._database.tables[sobject].bury(last)
        self._rollups.touch(sobject, row, None)

    def restore(self, sobject: str, record_id: str, actor: Actor) -> None:
        """Takes a record out of the recycle bin. Lookups that its deletion cleared stay cleared."""
        obj, row = self._database.objects[sobject], self._database.tables[sobject].deleted.get(record_id)
        if row is None:
            raise ApiError(400, "UNDELETE_FAILED", "Entity is not in the recycle bin", [])
        live = {name: value for name, value in row.items() if name != "MasterRecordId"}
        if "IsDeleted" in obj.fields:
            live["IsDeleted"] = False
        self._check_unique(obj, live)
        self._sign(obj, live, actor, creating=False)
        self._write(sobject, None, live, counted=actor.counted)

    def live_row(self, sobject: str, record_id: str) -> Row:
        """The record; raises ENTITY_IS_DELETED or INVALID_CROSS_REFERENCE_KEY."""
        table = self._database.tables[sobject]
        row = table.rows.get(record_id)
        if row is None:
            if record_id in table.deleted:
                raise ApiError(404, "ENTITY_IS_DELETED", "entity is deleted", [])
            raise ApiError(404, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
        return row

    # -- reading a body -----------------------------------------------------------------------------------------

    def _read_body(self, seen: SObject, body: Mapping[str, Any], actor: Actor, *, creating: bool) -> Row:
        """Stored values per field named in the body; None where the body clears a field."""
        given: Row = {}
        forbidden: list[str] = []
        for key, value in body.items():
            if key == "attributes":
                continue
            known = seen.find(key)
            if known is None:
                reference = seen.parents.get(key.lower())
                if reference is None or not isinstance(value, Mapping):
                    raise unknown_column(key, seen.name)
                known, value = reference, self._by_external_id(reference, value, actor)  # noqa: PLW2901 - the id it means
            if known.name == "Id" and not actor.platform:
                if creating:
                    raise ApiError(400, "INVALID_FIELD", "cannot specify Id in an insert call", ["Id"])
                continue
            if not actor.platform and not (known.createable if creating else known.updateable):
                forbidden.append(known.name)
                continue
            stored = to_stored(known, value)
            if stored is not None and known.type == "reference":
                self._check_reference(known, stored)
            given[known.name] = stored
        if forbidden:
            message = (
                f"Unable to create/update fields: {', '.join(forbidden)}. Please check the security settings of this "
                "field and verify that it is read/write for your profile or permission set."
            )
            raise ApiError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, forbidden)
        return given

    def _by_external_id(self, reference: Field, nested: Mapping[str, Any], actor: Actor) -> str:
        """The id of the parent named as `{"Ext__c": value}` under a relationship name."""
        wanted = {key: value for key, value in nested.items() if key != "attributes"}
        target = self._database.parent_object(reference)
        if len(wanted) != 1:
            raise ApiError(
                400, "INVALID_FIELD", f"exactly one external id is needed for {reference.relationship_name}", []
            )
        ((key, value),) = wanted.items()
        known = actor.objects[target].find(key)
        if known is None or not (known.external_id or known.unique or known.name == "Id"):
            message = f"{key} is not an External ID or indexed field for {target}"
            raise ApiError(400, "INVALID_FIELD", message, [])
        found = list(self._database.tables[target].ids_where(known.name, [str(value)]))
        if len(found) == 1:
            return found[0]
        what = "not found" if not found else "matches more than one record"
        # Wording from billing-facts.md "Real-world integration evidence".
        raise ApiError(
            400,
            "INVALID_FIELD",
            f"Foreign key external ID: {value} {what} for field {known.name} in entity {target}",
            [],
        )

    def _check_reference(self, reference: Field, record_id: str) -> None:
        target = self._database.by_prefix.get(record_id[:3])
        if target is None or target.name not in reference.reference_to:
            message = f"{reference.label}: id value of incorrect type: {record_id}"
            raise ApiError(400, "MALFORMED_ID", message, [reference.name])
        try:
            self.live_row(target.name, record_id)
        except ApiError as error:
            raise ApiError(400, error.code, error.message, error.fields) from None

    # -- checks on the whole record -----------------------------------------------------------------------------

    def _defaults(self, obj: SObject, given: Row, actor: Actor) -> Row:
        row = {name: value for name, value in self._habits[obj.name].defaults.items() if name not in given}
        if "CurrencyIsoCode" in obj.fields:
            # Left out over the API, a record takes the currency of the user who writes it, a detail record as well.
            row["CurrencyIsoCode"] = self._default_currency
        if "OwnerId" in obj.fields:
            row["OwnerId"] = actor.user_id
        return row

    def _next_id(self, obj: SObject) -> str:
        number = self.numbers.next_id.get(obj.name, 1)
        self.numbers.next_id[obj.name] = number + 1
        return ids.new_id(obj.key_prefix, self._pod, number)

    def _check_required(self, obj: SObject, row: Row, names: Iterable[str]) -> None:
        missing = [name for name in names if name not in row and obj.fields[name].required]
        if missing:
            message = f"Required fields are missing: [{', '.join(missing)}]"
            raise ApiError(400, "REQUIRED_FIELD_MISSING", message, missing)

    def _check_unique(self, obj: SObject, row: Row, names: Iterable[str] | None = None) -> None:
        table = self._database.tables[obj.name]
        if obj.name == "PermissionSetAssignment" and names is None:
            self._check_assignment(row)
        for name in row if names is None else names:
            known = obj.fields.get(name)
            if known is None or not known.unique or name not in row:
                continue
            for other in table.ids_where(name, [row[name]]):
                if other != row.get("Id"):
                    message = f"duplicate value found: {name} duplicates value on record with id: {other}"
                    raise ApiError(400, "DUPLICATE_VALUE", message, [])

    def _check_assignment(self, row: Row) -> None:
        """A user has a permission set once."""
        table = self._database.tables["PermissionSetAssignment"]
        for other in table.children("AssigneeId", row["AssigneeId"]):
            if table.rows[other].get("PermissionSetId") == row.get("PermissionSetId") is not None:
                message = (
                    f"Duplicate PermissionSetAssignment. Assignee: {row['AssigneeId']}; "
                    f"Permission Set: {row['PermissionSetId']}"
                )
                raise ApiError(400, "DUPLICATE_VALUE", message, [])

    def _check_rules(self, obj: SObject, row: Row) -> None:
        for predicate, message in self.validation_rules.get(obj.name, ()):
            if not predicate(row):
                raise ApiError(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", message, [])

    def _number_automatically(self, obj: SObject, row: Row) -> None:
        for name, display_format in self._habits[obj.name].auto_numbers:
            if name not in row:
                key = f"{obj.name}.{name}"
                number = self.numbers.next_auto_number.get(key, 1)
                self.numbers.next_auto_number[key] = number + 1
                head, _, rest = display_format.partition("{")
                zeros, _, tail = rest.partition("}")
                row[name] = f"{head}{number:0{len(zeros)}d}{tail}"

    def _sign(self, obj: SObject, row: Row, actor: Actor, *, creating: bool) -> None:
        """Who and when; some objects keep only part of it."""
        now = self._stamp()
        signature = {"LastModifiedDate": now, "LastModifiedById": actor.user_id, "SystemModstamp": now}
        if creating:
            signature.update(CreatedDate=now, CreatedById=actor.user_id)
        if actor.platform and creating:
            # What was there before the simulation began brings its own dates.
            signature = {name: value for name, value in signature.items() if name not in row}
        # Every row is ordered by its stamp, also where the object does not show one.
        row.update({name: value for name, value in signature.items() if name in obj.fields or name == "SystemModstamp"})

    # -- storing ------------------------------------------------------------------------------------------------

    def _write(self, sobject: str, old: Row | None, new: Row, *, counted: bool) -> None:
        self._journal.append(_Undo(sobject, old, new["Id"], counted))
        self.numbers.writes += counted
        self._database.tables[sobject].put(new)
        self._rollups.touch(sobject, old, new)

    def _store_rollup(self, sobject: str, row: Row) -> None:
        if self._rollups_move_modstamp:
            row["SystemModstamp"] = self._stamp()
        table = self._database.tables[sobject]
        self._journal.append(_Undo(sobject, table.rows[row["Id"]], row["Id"], counted=False))
        table.put(row)


def _check_lock(sobject: str, actor: Actor) -> None:
    if sobject in actor.locked:
        raise ApiError(403, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", [])
