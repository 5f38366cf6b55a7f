"""The simulated Salesforce org: an `App`, and the hands of the people who work in it.

A model with teeth for anybody's client; it knows nothing of ours. One lock serialises everything, as one transaction
at a time is what a single record's row lock amounts to.
"""

from __future__ import annotations

import random
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from connector.sandbox.http import Request, Response
from connector.sandbox.salesforce import bootstrap, metadata, schema, state
from connector.sandbox.salesforce.database import Database
from connector.sandbox.salesforce.engine import Actor, Engine, Predicate
from connector.sandbox.salesforce.errors import ApiError, not_found
from connector.sandbox.salesforce.formulas import FORMULAS
from connector.sandbox.salesforce.oauth import OAuth
from connector.sandbox.salesforce.rest.context import Call, Context
from connector.sandbox.salesforce.rest.cursors import Cursors
from connector.sandbox.salesforce.rest.router import dispatch, resource_name
from connector.sandbox.salesforce.rest.wire import Reply, dump
from connector.sandbox.salesforce.values import wire_datetime

if TYPE_CHECKING:
    from pathlib import Path

    from connector.sandbox.clock import Clock

_SUPPORTED_VERSIONS = tuple(f"{number}.0" for number in range(31, 68))
_RETIRED_VERSIONS = frozenset(f"v{number}.0" for number in range(7, 31))
_SHIPPED_METADATA = metadata.shipped_metadata_dir()
_MAX_URI_BYTES = 16_384
_USERNAME = "stripe.connector@northwind.example"
# billing-facts.md "Payment blng__Status__c: CONFLICT": orgs' metadata says these, the documentation others.
METADATA_PAYMENT_STATUSES = ("Draft", "Posted", "Cancelled")
DOCUMENTED_PAYMENT_STATUSES = ("Draft", "Processed", "Cancelled", "Failed")
#: plays a fault before the org sees a request; None lets it through
Fault = Callable[[Request], Response | None]


class Org:
    def __init__(  # noqa: PLR0913 - these are an org's settings, each with its default
        self,
        *,
        clock: Clock,
        seed: int,
        multi_currency: bool = True,
        default_currency: str = "USD",
        is_sandbox: bool = True,
        metadata_dir: Path | None = _SHIPPED_METADATA,
        rollups_move_modstamp: bool = True,
        payment_statuses: Sequence[str] = METADATA_PAYMENT_STATUSES,
        api_versions: Sequence[str] = _SUPPORTED_VERSIONS,
        daily_api_limit: int = 5_000_000,
    ) -> None:
        """`metadata_dir` holds deployable metadata (SFDX source); None leaves the org without custom fields."""
        self._clock = clock
        self._lock = threading.RLock()
        self._rng = random.Random(seed)  # noqa: S311 - a simulation must repeat itself
        self._api_versions = tuple(api_versions)
        self.api_version = self._api_versions[-1]
        self.multi_currency = multi_currency
        self.default_currency = default_currency
        custom_fields = {} if metadata_dir is None else metadata.load_custom_fields(metadata_dir)
        objects = _org_objects(custom_fields, multi_currency=multi_currency, payment_statuses=payment_statuses)
        self.database = Database(objects)
        pod = "".join(self._rng.choices("abcdefghkmnpqrstuvwxyz", k=2)) + "0"
        self.engine = Engine(
            self.database,
            stamp=lambda: wire_datetime(clock.now()),
            pod=pod,
            default_currency=default_currency,
            rollups_move_modstamp=rollups_move_modstamp,
        )
        founders = bootstrap.found(
            self.engine,
            self.database,
            username=_USERNAME,
            is_sandbox=is_sandbox,
            default_currency=default_currency,
            permission_sets=[] if metadata_dir is None else metadata.load_permission_sets(metadata_dir),
        )
        self.engine.commit()
        self.org_id = founders.org_id
        self.oauth = OAuth(
            rng=self._rng,
            org_id=founders.org_id,
            user_id=founders.integration_id,
            username=_USERNAME,
            is_sandbox=is_sandbox,
        )
        self.client_id = self.oauth.credentials.client_id
        self.client_secret = self.oauth.credentials.client_secret
        self.username = self.oauth.credentials.username
        #: a session of the integration user, open from the start
        self.access_token = self.oauth.mint()
        self._person = Actor(user_id=founders.person_id, objects=objects, counted=False)
        self._integration = Actor(user_id=founders.integration_id, objects=dict(objects), counted=True)
        self._cursors = Cursors(self.org_id[6:9])
        self._api_limit = daily_api_limit
        self._api_calls: deque[datetime] = deque()
        self._requests: Counter[str] = Counter()
        #: set to play faults; tests only
        self.faults: Fault | None = None
        #: the largest page of a query; the real system may page earlier than 2,000 whenever it likes
        self.max_page_size = 2000

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
            self._cursors.close_all()

    def hide_field(self, sobject: str, field_name: str) -> None:
        """Takes the integration user's read access to a field away: for them it no longer exists."""
        self._change_view(sobject, field_name, schema.without_field)

    def make_read_only(self, sobject: str, field_name: str) -> None:
        """Takes the integration user's edit access to a field away."""
        self._change_view(sobject, field_name, schema.with_read_only_field)

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
            "requests": sum(self._requests.values()),
            "writes": self.engine.numbers.writes,
            "by_resource": dict(self._requests),
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
                "requests": dict(self._requests),
                "oauth": self.oauth.dump(),
            }

    def load(self, saved: Mapping[str, Any]) -> None:
        """Takes the place of an org made with the same seed and settings."""
        with self._lock:
            state.load_tables(self.database, saved["tables"])
            self.engine.numbers.next_id = dict(saved["next_id"])
            self.engine.numbers.next_auto_number = dict(saved["next_auto_number"])
            self.engine.numbers.writes = saved["writes"]
            self._requests = Counter(saved["requests"])
            self.oauth.load(saved["oauth"])

    # -- HTTP ---------------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        """Answers one request; see `App`."""
        with self._lock:
            if request.path == "/_sandbox/counters":
                return self._respond(Reply(body=self.counters), limited=False)
            if self.faults is not None:
                fault = self.faults(request)
                if fault is not None:
                    return fault
            if len(request.path) + len(request.query) + 1 > _MAX_URI_BYTES:
                return Response(
                    status=414, headers={"Content-Type": "text/html"}, body=b"<html><body>URI Too Long</body></html>"
                )
            try:
                reply, limited = self._answer(request)
            except ApiError as error:
                reply, limited = Reply(status=error.status, body=error.as_body()), True
            return self._respond(reply, limited=limited)

    def _answer(self, request: Request) -> tuple[Reply, bool]:
        segments = tuple(segment for segment in request.path.split("/") if segment)
        if segments == ("services", "oauth2", "token"):
            self._requests["oauth"] += 1
            return self._token(request), False
        if segments[:2] == ("services", "data") and len(segments) == 2:
            self._requests["versions"] += 1
            return Reply(body=_versions(self._api_versions)), False
        if not self.oauth.is_valid(request.headers.get("authorization")):
            self._requests["unauthorized"] += 1
            if segments == ("services", "oauth2", "userinfo"):
                return Reply(status=403, body="Bad_OAuth_Token"), False
            raise ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if segments == ("services", "oauth2", "userinfo"):
            self._requests["oauth"] += 1
            return self._user_info(request), False
        if segments[:2] != ("services", "data"):
            raise not_found()
        self._count_api_call(segments[3:])
        return self._data(request, segments), True

    def _data(self, request: Request, segments: tuple[str, ...]) -> Reply:
        version = segments[2]
        if version in _RETIRED_VERSIONS:
            # The status is documented; the code of the body is not, and may differ in a real org.
            raise ApiError(410, "GONE", "The requested API version is retired. Please upgrade to a supported version.")
        if version.removeprefix("v") not in self._api_versions or not version.startswith("v"):
            raise not_found()
        context = Context(
            version=version,
            engine=self.engine,
            database=self.database,
            actor=self._integration,
            cursors=self._cursors,
            now=self._clock.now(),
            max_page_size=self.max_page_size,
            api_used=len(self._api_calls),
            api_limit=self._api_limit,
        )
        call = Call(
            method=request.method,
            segments=segments[3:],
            parameters=dict(parse_qsl(request.query, keep_blank_values=True)),
            headers=request.headers,
            body=request.body,
        )
        savepoint = self.engine.savepoint()
        try:
            reply = dispatch(context, call)
        except ApiError:
            self.engine.roll_back(savepoint)
            raise
        finally:
            self.engine.commit()
        return reply

    def _count_api_call(self, segments: tuple[str, ...]) -> None:
        """Counts against the rolling 24 hours; raises REQUEST_LIMIT_EXCEEDED (platform.md B, "Limits")."""
        self._requests[resource_name(segments)] += 1
        now = self._clock.now()
        while self._api_calls and self._api_calls[0] <= now - timedelta(hours=24):
            self._api_calls.popleft()
        if len(self._api_calls) >= self._api_limit:
            raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        self._api_calls.append(now)

    def _token(self, request: Request) -> Reply:
        if request.method != "POST":
            return Reply(status=400, body={"error": "invalid_request", "error_description": "must use HTTP POST"})
        host = request.headers.get("host", "")
        return self.oauth.token(
            request.body, request.headers, host=host, instance_url=_instance_url(request), now=self._clock.now()
        )

    def _user_info(self, request: Request) -> Reply:
        user_id, url = self._integration.user_id, _instance_url(request)
        user = self.get("User", user_id)
        return Reply(
            body={
                "sub": f"{url}/id/{self.org_id}/{user_id}",
                "user_id": user_id,
                "organization_id": self.org_id,
                "preferred_username": user["Username"],
                "nickname": user["CommunityNickname"],
                "name": user["Name"],
                "email": user["Email"],
                "active": user["IsActive"],
                "user_type": "STANDARD",
                "language": user["LanguageLocaleKey"],
                "locale": user["LocaleSidKey"],
                "zoneinfo": user["TimeZoneSidKey"],
            }
        )

    def _respond(self, reply: Reply, *, limited: bool) -> Response:
        headers = {"Date": format_datetime(self._clock.now(), usegmt=True), **reply.headers}
        if limited:
            headers["Sforce-Limit-Info"] = f"api-usage={len(self._api_calls)}/{self._api_limit}"
        if reply.body is None:
            return Response(status=reply.status, headers=headers)
        headers["Content-Type"] = "application/json;charset=UTF-8"
        return Response(status=reply.status, headers=headers, body=dump(reply.body))

    def _change_view(
        self, sobject: str, field_name: str, change: Callable[[schema.SObject, str], schema.SObject]
    ) -> None:
        with self._lock:
            seen = dict(self._integration.objects)
            seen[sobject] = change(seen[sobject], field_name)
            self._integration = Actor(user_id=self._integration.user_id, objects=seen, counted=True)


def _org_objects(
    custom_fields: Mapping[str, list[dict[str, Any]]], *, multi_currency: bool, payment_statuses: Sequence[str]
) -> dict[str, schema.SObject]:
    computed = {name: frozenset(formulas) for name, formulas in FORMULAS.items()}
    objects = schema.build_objects(custom_fields, multi_currency=multi_currency, computed=computed)
    codes = tuple(code for code, _, _ in bootstrap.CURRENCIES)
    for name, obj in objects.items():
        if "CurrencyIsoCode" in obj.fields:
            objects[name] = schema.restrict_picklist(obj, "CurrencyIsoCode", codes)
    payment = objects["blng__Payment__c"]
    objects["blng__Payment__c"] = schema.restrict_picklist(payment, "blng__Status__c", tuple(payment_statuses))
    return objects


def _versions(numbers: Sequence[str]) -> list[dict[str, str]]:
    seasons = ("Winter", "Spring", "Summer")
    listed = []
    for number in numbers:
        # v67 is Summer '26 and there are three releases a year (platform.md B, "Versions").
        releases = int(number.split(".")[0]) - 65
        year = 26 + releases // 3
        listed.append(
            {"label": f"{seasons[releases % 3]} '{year}", "url": f"/services/data/v{number}", "version": number}
        )
    return listed


def _instance_url(request: Request) -> str:
    """Where the client reached the org. Loopback is plain http; any other name stands for the real thing."""
    host = request.headers.get("host", "northwind--sandbox.sandbox.my.salesforce.com")
    loopback = host.split(":")[0] in {"127.0.0.1", "localhost", "[::1]"}
    return f"{'http' if loopback else 'https'}://{host}"
