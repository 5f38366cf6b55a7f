"""The simulated Salesforce org: an `App`, and the hands of the people who work in it.

A model with teeth for anybody's client; it knows nothing of ours. One lock serialises everything, as one transaction
at a time is what a single record's row lock amounts to.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from connector.sandbox.http import Request, Response
from connector.sandbox.salesforce import bootstrap, derived, metadata, scenarios, schema, state
from connector.sandbox.salesforce.access import Access
from connector.sandbox.salesforce.customizing import Customizing
from connector.sandbox.salesforce.database import Database
from connector.sandbox.salesforce.definitions import objects_of
from connector.sandbox.salesforce.engine import Actor, Engine, Predicate
from connector.sandbox.salesforce.gateway import Gateway
from connector.sandbox.salesforce.oauth import OAuth
from connector.sandbox.salesforce.platform import Platform
from connector.sandbox.salesforce.recycle_bin import RecycleBin
from connector.sandbox.salesforce.rest.wire import Reply
from connector.sandbox.salesforce.settings import DOCUMENTED_PAYMENT_STATUSES, METADATA_PAYMENT_STATUSES, OrgSettings
from connector.sandbox.salesforce.values import wire_datetime

if TYPE_CHECKING:
    from datetime import datetime

    from connector.sandbox.clock import Clock

__all__ = ["DOCUMENTED_PAYMENT_STATUSES", "METADATA_PAYMENT_STATUSES", "Org"]
#: plays a fault before the org sees a request; None lets it through
Fault = Callable[[Request], Response | None]


class Org:
    def __init__(self, *, clock: Clock, seed: int, scenario: str = "demo", **settings: Any) -> None:
        """`settings` are those of `OrgSettings`; a scenario (see `scenarios`) overrides them and plants its defects."""
        chosen = scenarios.find(scenario)
        given = chosen.settings_of(OrgSettings(**settings))
        self._clock = clock
        self._lock = threading.RLock()
        self._rng = random.Random(seed)  # noqa: S311 - a simulation must repeat itself
        self.scenario = chosen
        self.api_version = given.api_version
        self.multi_currency = given.multi_currency
        self.default_currency = given.default_currency
        self.database = Database(objects_of(given))
        pod = "".join(self._rng.choices("abcdefghkmnpqrstuvwxyz", k=2)) + "0"
        self.engine = Engine(
            self.database,
            stamp=lambda: wire_datetime(clock.now()),
            pod=pod,
            default_currency=given.default_currency,
            rollups_move_modstamp=given.rollups_move_modstamp,
        )
        #: the hands of the platform, vendors and administrators
        self.platform = Platform(self.engine, self.database, now=clock.now)
        self.recycle_bin = RecycleBin(self.engine, self.database)
        self.access = Access(self.database)
        self.customizing = Customizing(self.database, self.engine, self.platform, self.access)
        founders = bootstrap.found(self.platform, given)
        self.org_id, self.person_id, self.user_id = founders.org_id, founders.person_id, founders.integration_id
        if given.metadata_dir is not None:
            for permission_set in metadata.load_permission_sets(given.metadata_dir):
                self.platform.assign(self.customizing.put_fitting(permission_set), self.user_id)
        if not given.is_sandbox:
            bootstrap.open_your_account(self.platform)
        derived.define(self.database, self.access, self.user_id)
        self.oauth = OAuth(
            rng=self._rng,
            org_id=founders.org_id,
            user_id=founders.integration_id,
            username=bootstrap.USERNAME,
            is_sandbox=given.is_sandbox,
        )
        self.client_id = self.oauth.credentials.client_id
        self.client_secret = self.oauth.credentials.client_secret
        self.username = self.oauth.credentials.username
        #: a session of the integration user, open from the start
        self.access_token = self.oauth.mint()
        self._person = Actor(user_id=founders.person_id, objects=self.database.objects, counted=False)
        self._gateway = Gateway(
            clock=clock,
            engine=self.engine,
            database=self.database,
            oauth=self.oauth,
            access=self.access,
            customizing=self.customizing,
            user_id=self.user_id,
            org_id=self.org_id,
            api_versions=given.api_versions,
            daily_api_limit=given.daily_api_limit,
        )
        #: set to play faults; scenarios and tests only
        self.faults: Fault | None = None
        chosen.plant(self)

    # -- what an administrator or a test does -------------------------------------------------------------------

    def register_jwt_key(self, public_key_pem: str) -> None:
        self.oauth.register_jwt_key(public_key_pem)

    def expire_tokens(self) -> None:
        """Every session ends; the next call answers INVALID_SESSION_ID."""
        with self._lock:
            self.oauth.tokens.clear()

    def expire_cursors(self) -> None:
        """Every query locator dies."""
        with self._lock:
            self._gateway.cursors.close_all()

    @property
    def max_page_size(self) -> int:
        """The largest page of a query; the real system may page earlier than 2,000 whenever it likes."""
        return self._gateway.max_page_size

    @max_page_size.setter
    def max_page_size(self, records: int) -> None:
        self._gateway.max_page_size = records

    def hide_field(self, sobject: str, field_name: str) -> None:
        """Takes the integration user's read access to a field away: for them it no longer exists."""
        with self._lock:
            self.access.change_view(sobject, field_name, schema.without_field)

    def hide_record(self, sobject: str, record_id: str, *, hidden: bool = True) -> None:
        """Takes a record out of what is shared with the integration user: no answer of the API shows it."""
        with self._lock:
            self.access.share(sobject, record_id, hidden=hidden)

    def make_read_only(self, sobject: str, field_name: str) -> None:
        """Takes the integration user's edit access to a field away."""
        with self._lock:
            self.access.change_view(sobject, field_name, schema.with_read_only_field)

    def restore_field(self, sobject: str, field_name: str) -> None:
        """Gives the integration user back what `hide_field` and `make_read_only` took away."""
        with self._lock:
            self.access.restore_view(sobject, field_name)

    def define_picklist(self, sobject: str, field_name: str, values: Sequence[str]) -> None:
        """Gives a picklist other values. Whether others may still be written stays as it was."""
        with self._lock:
            obj = self.database.objects[sobject]
            restricted = obj.fields[field_name].restricted
            self.database.redefine(schema.with_picklist(obj, field_name, tuple(values), restricted=restricted))
            self.access.definitions_changed()

    def picklist(self, sobject: str, field_name: str) -> tuple[str, ...]:
        return self.database.objects[sobject].fields[field_name].picklist

    def commit_late(self, sobject: str, record_id: str, stamp: datetime) -> None:
        """Plays a long transaction: the record becomes visible only now, with the older stamp it was given then."""
        with self._lock:
            row = self.engine.live_row(sobject, record_id)
            self.database.tables[sobject].put({**row, "SystemModstamp": wire_datetime(stamp)})

    def add_validation_rule(self, sobject: str, predicate: Predicate, message: str) -> None:
        """Records for which the predicate is false are refused with the message."""
        self.engine.validation_rules.setdefault(sobject, []).append((predicate, message))

    # -- what a person does in the browser ----------------------------------------------------------------------

    def create(self, sobject: str, fields: Mapping[str, Any]) -> str:
        """The new record's id. Raises ApiError as the API would."""
        with self._lock:
            record_id = self.engine.create(sobject, fields, self._person)
            self.engine.commit()
            return record_id

    def create_many(self, records: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
        """Several records in one transaction: roll-ups are computed once at its end."""
        with self._lock:
            ids = [self.engine.create(sobject, fields, self._person) for sobject, fields in records]
            self.engine.commit()
            return ids

    def update(self, sobject: str, record_id: str, fields: Mapping[str, Any]) -> None:
        with self._lock:
            self.engine.update(sobject, record_id, fields, self._person)
            self.engine.commit()

    def delete(self, sobject: str, record_id: str) -> None:
        with self._lock:
            self.engine.delete(sobject, record_id, self._person)
            self.engine.commit()

    def merge(self, sobject: str, master_id: str, other_id: str) -> None:
        """Two records become one, as in the merge wizard; what the master says stays."""
        with self._lock:
            self.recycle_bin.merge(sobject, master_id, other_id, replace(self._person, platform=True))
            self.engine.commit()

    def undelete(self, sobject: str, record_id: str) -> None:
        with self._lock:
            self.recycle_bin.undelete(sobject, record_id, self._person)
            self.engine.commit()

    def get(self, sobject: str, record_id: str) -> dict[str, Any]:
        """Every field of a live record, formulas and roll-ups included. Raises ApiError when there is none."""
        with self._lock:
            row = self.engine.live_row(sobject, record_id)
            return {name: self.database.reader(sobject, name)(row) for name in self.database.objects[sobject].fields}

    def ids(self, sobject: str) -> list[str]:
        """Ids of all live records, in order of creation."""
        return list(self.database.tables[sobject].rows)

    def now(self) -> datetime:
        return self._clock.now()

    # -- state --------------------------------------------------------------------------------------------------

    @property
    def counters(self) -> dict[str, Any]:
        """Requests in all and per resource, and records written over the API."""
        return {
            "requests": sum(self._gateway.requests.values()),
            "writes": self.engine.numbers.writes,
            "by_resource": dict(self._gateway.requests),
        }

    def dump(self) -> dict[str, Any]:
        """Everything a restart needs, as JSON. Query cursors, faults and hidden fields are not kept."""
        with self._lock:
            numbers = self.engine.numbers
            return {
                "tables": state.dump_tables(self.database),
                "next_id": dict(numbers.next_id),
                "next_auto_number": dict(numbers.next_auto_number),
                "writes": numbers.writes,
                "requests": dict(self._gateway.requests),
                "oauth": self.oauth.dump(),
                "scenario": self.scenario.name,
                "deployed": dict(self.customizing.deployed),
            }

    def load(self, saved: Mapping[str, Any]) -> None:
        """Takes the place of an org made with the same seed and settings. Raises ValueError for another scenario's,
        and KeyError for what is no such state or an older version's.
        """
        if saved["scenario"] != self.scenario.name:
            raise ValueError(f"the saved state is that of the org {saved['scenario']!r}, not of {self.scenario.name!r}")
        with self._lock:
            for sobject, fields in saved.get("deployed", {}).items():
                for field in fields:
                    self.customizing.put_field(sobject, field)
            state.load_tables(self.database, saved["tables"])
            self.engine.numbers.next_id = dict(saved["next_id"])
            self.engine.numbers.next_auto_number = dict(saved["next_auto_number"])
            self.engine.numbers.writes = saved["writes"]
            self._gateway.requests = Counter(saved["requests"])
            self.oauth.load(saved["oauth"])

    # -- HTTP ---------------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        """Answers one request; see `App`."""
        with self._lock:
            if request.path == "/_sandbox/counters":
                return self._gateway.respond(Reply(body=self.counters), limited=False)
            fault = None if self.faults is None else self.faults(request)
            return self._gateway.handle(request) if fault is None else fault
