"""A simulated Stripe account: one App with keys, limits, idempotency, resources and events.

The order of checks is the real one as far as it is known (platform.md C1): key, version, rate limit,
saved answer, parameters, execution. A model for tests and demonstrations; it has no side effect
outside its own memory.
"""

from __future__ import annotations

import base64
import binascii
import threading
from collections import Counter
from dataclasses import dataclass
from email.utils import format_datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import orjson

from connector.sandbox.http import Request, Response
from connector.sandbox.stripe import attempts, state
from connector.sandbox.stripe.deliveries import Deliveries
from connector.sandbox.stripe.engine import Engine, Fields
from connector.sandbox.stripe.errors import StripeError
from connector.sandbox.stripe.expand import Expander
from connector.sandbox.stripe.forms import decode_form
from connector.sandbox.stripe.idempotency import IdempotencyKeys, Saved
from connector.sandbox.stripe.ids import Ids
from connector.sandbox.stripe.keys import Keys
from connector.sandbox.stripe.limiter import Limiter
from connector.sandbox.stripe.paging import Page
from connector.sandbox.stripe.rendering import render
from connector.sandbox.stripe.resources import DUE_ACTIONS, HANDLERS, INCLUDABLE
from connector.sandbox.stripe.spec import Match, routes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connector.sandbox.clock import Clock
    from connector.sandbox.stripe.account_facts import AccountFacts

API_VERSION = "2026-10-28.endive"
_COUNTERS_PATH = "/_sandbox/counters"
_SETTLE_PATH = "/_sandbox/settle_bank_debits"


@dataclass(slots=True, kw_only=True)
class _Call:
    """One request on its way through the checks."""

    request: Request
    request_id: str
    #: set on POST only; the key of a GET or DELETE has no effect
    idempotency_key: str | None = None
    replayed_of: str | None = None
    executed: bool = False


class Account:
    """Answers requests to `https://api.stripe.com`; thread-safe.

    `faults` may answer instead of the account, before anything is looked at; `faults_after` may
    replace the answer after the request took effect. A 500 given by `faults_after` is saved under the
    idempotency key as a failure of the account itself would be; any other status is taken for
    something between client and account, and the true answer stays saved.
    """

    def __init__(  # noqa: PLR0913  # every setting of an account, all by name
        self,
        *,
        clock: Clock,
        seed: int,
        livemode: bool = False,
        country: str = "US",
        default_currency: str = "usd",
        api_version: str = API_VERSION,
        rate_per_second: int | None = 25,
        endpoint_rate_per_second: int | None = 25,
    ) -> None:
        self._clock = clock
        self._seed = seed
        self._engine = Engine(
            clock=clock,
            seed=seed,
            livemode=livemode,
            country=country,
            default_currency=default_currency,
            api_version=api_version,
        )
        self._keys = Keys(self._engine.ids, livemode=livemode)
        self._limiter = Limiter(rate_per_second=rate_per_second, endpoint_rate_per_second=endpoint_rate_per_second)
        self._idempotency = IdempotencyKeys()
        self._expander = Expander(INCLUDABLE)
        self._lock = threading.RLock()
        # Requests are numbered before they wait for the account: one that meets its own key in flight must not wait.
        self._entry_lock = threading.Lock()
        self._request_ids = Ids(seed, stream="requests")
        self._by_operation: Counter[str] = Counter()
        self._totals: Counter[str] = Counter({"requests": 0, "writes": 0, "replays": 0, "rate_limited": 0})
        self.webhook_secret = f"whsec_{self._engine.ids.tail(32)}"
        self.faults: Callable[[Request], Response | None] | None = None
        self.faults_after: Callable[[Request, Response], Response | None] | None = None

    @property
    def id(self) -> str:
        return self._engine.ids.account_id

    @property
    def api_key(self) -> str:
        return self._keys.secret

    @property
    def counters(self) -> dict[str, Any]:
        """Requests, writes (changes that were not replays), replays, refusals by rate, and calls per operation."""
        with self._lock:
            return {**self._totals, "operations": dict(self._by_operation)}

    @property
    def facts(self) -> AccountFacts:
        """What people set in the dashboard: change it to plant a defect."""
        return self._engine.facts

    def restrict_key(self, permissions: Mapping[str, str]) -> str:
        """A new restricted key; `permissions` maps a resource path part (`invoices`) to `read` or `write`."""
        return self._keys.restrict(self._engine.ids, permissions)

    def settle_bank_debits(self, *, succeed: bool = True) -> int:
        """Ends every bank debit in flight now, well or badly; gives how many there were."""
        with self._lock:
            self._engine.begin(request_id=None, idempotency_key=None)
            settled = attempts.settle_all(self._engine, succeed=succeed)
            self._engine.commit()
            return settled

    def deliveries(self, **given: Any) -> Deliveries:
        """What carries this account's events to its webhook endpoints from now on."""
        return Deliveries(self._engine, self._lock, clock=self._clock, seed=self._seed, **given)

    def dump(self) -> dict[str, Any]:
        """Everything that outlives a restart, as JSON values."""
        with self._lock:
            return {
                **state.dump(self._engine),
                "idempotency": self._idempotency.dump(),
                "restricted_keys": self._keys.restricted,
                "requests_used": self._request_ids.count,
            }

    def load(self, saved: Mapping[str, Any]) -> None:
        """Replaces everything by what `dump` gave; ValueError when it was another seed's account."""
        with self._lock:
            state.load(self._engine, saved)
            self._idempotency.load(saved["idempotency"])
            self._keys.restricted = saved["restricted_keys"]
            self._request_ids.count = saved["requests_used"]

    # -- the App -----------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        if request.path.startswith("/_sandbox/"):
            return self._own(request)
        if self.faults is not None:
            fault = self.faults(request)
            if fault is not None:
                with self._entry_lock:
                    self._totals["requests"] += 1
                return fault
        with self._entry_lock:
            self._totals["requests"] += 1
            call = _Call(request=request, request_id=self._request_ids.new("request"))
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        if key is None:
            return self._serve(call)
        try:
            self._idempotency.enter(key)
        except StripeError as error:
            return self._error(call, error)
        try:
            call.idempotency_key = key
            return self._serve(call)
        finally:
            self._idempotency.leave(key)

    def _own(self, request: Request) -> Response:
        headers = {"Content-Type": "application/json"}
        if (request.method, request.path) == ("GET", _COUNTERS_PATH):
            return Response(status=200, headers=headers, body=orjson.dumps(self.counters))
        if (request.method, request.path) == ("POST", _SETTLE_PATH):
            succeed = decode_form(request.body.decode("utf-8", "replace")).get("succeed", "true") == "true"
            body = orjson.dumps({"settled": self.settle_bank_debits(succeed=succeed)})
            return Response(status=200, headers=headers, body=body)
        return Response(status=404, headers=headers, body=b'{"error":"no such sandbox path"}')

    def _serve(self, call: _Call) -> Response:
        with self._lock:
            self._engine.begin(request_id=call.request_id, idempotency_key=call.idempotency_key)
            try:
                response = self._answer(call)
            except StripeError as error:
                self._engine.roll_back()
                response = self._error(call, error)
            if self.faults_after is not None:
                fault = self.faults_after(call.request, response)
                if fault is not None:
                    if fault.status == 500 and call.executed:
                        self._save(call, fault.status, fault.body)
                    return fault
            return response

    def _answer(self, call: _Call) -> Response:
        request = call.request
        key = self._keys.check(_credentials(request.headers.get("authorization")))
        self._check_version(request.headers.get("stripe-version"))
        self._keys.check_account(key, request.headers.get("stripe-account"), account_id=self.id)
        path = unquote(request.path)
        match = routes().match(request.method, path.strip("/").split("/"))
        if match is None or match.operation.id not in HANDLERS:
            raise _unrecognized(request.method, path, modelled=match is None)
        self._by_operation[match.operation.id] += 1
        self._keys.permit(key, request.method, path, account_id=self.id)
        self._limit(match)
        form = decode_form(_text(request.query if request.method != "POST" else request.body))
        if request.method == "POST" and request.query:
            form = decode_form(request.query) | form
        asked = ""
        if call.idempotency_key is not None:
            asked = _fingerprint(path, form)
            saved = self._idempotency.saved(call.idempotency_key, asked, self._engine.now)
            if saved is not None:
                call.replayed_of = saved.request_id
                self._totals["replays"] += 1
                return self._response(call, saved.status, saved.body)
        params = match.operation.coerce(form)
        call.executed = True
        status, body = self._execute(call, match, params)
        self._save(call, status, body, asked)
        return self._response(call, status, body)

    def _execute(self, call: _Call, match: Match, params: Fields) -> tuple[int, bytes]:
        """Runs the handler and keeps or takes back what it changed."""
        engine = self._engine
        # What time did by itself belongs to no request.
        engine.begin(request_id=None, idempotency_key=None)
        engine.run_due(DUE_ACTIONS)
        engine.commit()
        engine.begin(request_id=call.request_id, idempotency_key=call.idempotency_key)
        try:
            result = HANDLERS[match.operation.id](engine, params, match.path_params)
            is_list = isinstance(result, Page)
            body = result.body() if isinstance(result, Page) else result
            if "expand" in params:
                body = self._expander.expand(engine, body, params["expand"], is_list=is_list)
            rendered = engine.shared(body.get("id", ""), render(body)) if isinstance(body, dict) else render(body)
        except StripeError as error:
            if error.keep_writes:
                self._keep()
            else:
                engine.roll_back()
            return error.status, render(error.body(log_url=self._log_url(call)))
        except BaseException:
            engine.roll_back()
            raise
        self._keep()
        return 200, rendered

    def _keep(self) -> None:
        if self._engine.commit():
            self._totals["writes"] += 1

    def _save(self, call: _Call, status: int, body: bytes, asked: str | None = None) -> None:
        if call.idempotency_key is None:
            return
        if asked is None:
            path, form = unquote(call.request.path), decode_form(_text(call.request.body))
            asked = _fingerprint(path, form)
        self._idempotency.save(
            call.idempotency_key,
            Saved(asked=asked, status=status, body=body, request_id=call.request_id, saved_at=self._engine.now),
        )

    def _check_version(self, version: str | None) -> None:
        if version is not None and version != self._engine.api_version:
            raise StripeError(
                f"Invalid Stripe API version: {version}. This account answers in {self._engine.api_version} only."
            )

    def _limit(self, match: Match) -> None:
        reason = self._limiter.refuse(match.operation.id, self._clock.now())
        if reason is not None:
            self._totals["rate_limited"] += 1
            raise StripeError(
                "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
                status=429,
                code="rate_limit",
                extra={"_reason": reason},
            )

    # -- answers -----------------------------------------------------------------------

    def _error(self, call: _Call, error: StripeError) -> Response:
        reason = error.extra.pop("_reason", None)
        extra = {} if reason is None else {"Stripe-Rate-Limited-Reason": str(reason)}
        return self._response(call, error.status, render(error.body(log_url=self._log_url(call))), extra)

    def _response(self, call: _Call, status: int, body: bytes, extra: Mapping[str, str] | None = None) -> Response:
        headers = {
            "Content-Type": "application/json",
            "Date": format_datetime(self._clock.now(), usegmt=True),
            "Request-Id": call.request_id,
            "Stripe-Version": call.request.headers.get("stripe-version", self._engine.api_version),
            **(extra or {}),
        }
        if call.idempotency_key is not None:
            headers["Idempotency-Key"] = call.idempotency_key
            headers["Original-Request"] = call.replayed_of or call.request_id
        if call.replayed_of is not None:
            headers["Idempotent-Replayed"] = "true"
        if call.request.method == "POST" and status != 429:
            headers["Stripe-Should-Retry"] = "true" if status == 409 else "false"
        if "stripe-account" in call.request.headers:
            headers["Stripe-Account"] = call.request.headers["stripe-account"]
        return Response(status=status, headers=headers, body=body)

    def _log_url(self, call: _Call) -> str:
        mode = "" if self._engine.livemode else "test/"
        return f"https://dashboard.stripe.com/{self.id}/{mode}workbench/logs?object={call.request_id}"


def _fingerprint(path: str, form: Fields) -> str:
    """What makes two requests with one idempotency key the same."""
    return blake2b(orjson.dumps([path, form], option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def _text(raw: bytes | str) -> str:
    try:
        return raw if isinstance(raw, str) else raw.decode()
    except UnicodeDecodeError as error:
        raise StripeError("Invalid request body: not UTF-8.") from error


def _credentials(header: str | None) -> str | None:
    """The key of a Bearer or Basic header, None when there is none."""
    if header is None:
        return None
    scheme, _, value = header.strip().partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return value
    return None


def _unrecognized(method: str, path: str, *, modelled: bool) -> StripeError:
    note = "" if modelled else " The operation exists at Stripe; this sandbox does not model it."
    return StripeError(
        f"Unrecognized request URL ({method}: {path}). If you are trying to list objects, remove the trailing slash. "
        "If you are trying to retrieve an object, make sure you passed a valid (non-empty) identifier in your code. "
        f"Please see https://stripe.com/docs.{note}",
        status=404,
    )
