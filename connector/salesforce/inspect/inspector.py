"""Asks the questions of all wanted probes, few calls and all at once, and reads the answers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from connector.core.errors import ConnectorError, RemoteError
from connector.core.model import Side
from connector.core.verify.evidence import Broken, NotReadable, Seen
from connector.salesforce.composite import Query, SubRequest, composite_groups
from connector.salesforce.describes import describe_request
from connector.salesforce.errors import read_failure
from connector.salesforce.inspect.probe import Answer, Ask, Known
from connector.salesforce.inspect.probes import PROBES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.mapping import Pack
    from connector.core.verify.evidence import Evidence
    from connector.salesforce.client import Client
    from connector.salesforce.inspect.probe import Probe

#: calls under way at the same time: a verification is to be quick and the org is not to notice
_CALLS_AT_ONCE: Final = 8
#: pages of one answer that are read: 10,000 rows; a list longer than that is no check of ours
_PAGES_MAX: Final = 5
#: what travels in composite calls, the other questions in calls of their own
_TOGETHER: Final = ("soql", "describe")
_ANY_FAILURE: Final = frozenset(range(300, 600))


class SalesforceInspector:
    """`ports.Inspector` for an org. `options` are settings that questions depend on."""

    side = Side.SALESFORCE

    def __init__(self, *, client: Client, pack: Pack, options: Mapping[str, Any]) -> None:
        self._client = client
        self._pack = pack
        self._options = options

    @property
    def calls(self) -> int:
        return self._client.calls

    def inspect(self, wanted: Sequence[str]) -> Mapping[str, Evidence]:
        evidence: dict[str, Evidence] = {}
        with ThreadPoolExecutor(_CALLS_AT_ONCE, thread_name_prefix="inspect") as pool:
            for stage in _stages(wanted):
                known = Known(
                    pack=self._pack, options=self._options, evidence=evidence, quota=lambda: self._client.quota
                )
                evidence |= self._stage(pool, stage, known)
        return {name: evidence[name] for name in wanted}

    def _stage(self, pool: ThreadPoolExecutor, probes: Sequence[Probe], known: Known) -> dict[str, Evidence]:
        """Probes whose questions can all be asked now."""
        found: dict[str, Evidence] = {}
        asks: dict[str, tuple[Ask, ...]] = {}
        for probe in probes:
            try:
                asks[probe.name] = tuple(probe.asks(known))
            except NotReadable as error:
                found[probe.name] = error.unreadable
            except Exception as error:  # noqa: BLE001 - a broken probe costs its neighbours nothing
                found[probe.name] = _broken(probe, error)
        answers = self._ask(pool, list(dict.fromkeys(ask for each in asks.values() for ask in each)))
        for probe in probes:
            if probe.name in asks:
                found[probe.name] = _read(probe, known, [answers[ask] for ask in asks[probe.name]])
        return found

    def _ask(self, pool: ThreadPoolExecutor, asks: Sequence[Ask]) -> dict[Ask, Answer]:
        """Each question once, whoever asks it."""
        together = [ask for ask in asks if ask.via in _TOGETHER]
        groups = composite_groups([_request(ask) for ask in together])
        futures = [pool.submit(self._composite, [together[place] for place in group]) for group in groups]
        futures += [pool.submit(self._one, ask) for ask in asks if ask.via not in _TOGETHER]
        return {answer.ask: answer for future in futures for answer in future.result()}

    def _composite(self, group: Sequence[Ask]) -> list[Answer]:
        try:
            replies = self._client.composite([_request(ask) for ask in group])
        except ConnectorError as error:
            return [_failed(ask, error) for ask in group]
        return [
            self._whole(ask, reply.body) if reply.status < 300 else _refused(ask, reply.body)
            for ask, reply in zip(group, replies, strict=True)
        ]

    def _one(self, ask: Ask) -> list[Answer]:
        try:
            return [self._whole(ask, self._fetch(ask))]
        except ConnectorError as error:
            return [_failed(ask, error)]

    def _whole(self, ask: Ask, body: Any) -> Answer:
        """The answer with all its pages: a query gives at most 2,000 rows at once, and may give fewer."""
        if ask.is_sample or ask.via not in ("soql", "tooling") or body.get("done", True):
            return Answer(ask=ask, body=body)
        rows, page, pages = list(body["records"]), body, 1
        try:
            while not page["done"]:
                if pages == _PAGES_MAX:
                    return Answer(ask=ask, failure=f"more than {len(rows)} rows, which is more than is read")
                path = self._client.below_data(page["nextRecordsUrl"])
                page = self._client.call("GET", path, action=f"verify: {ask.source}").body
                rows += page["records"]
                pages += 1
        except ConnectorError as error:
            return _failed(ask, error)
        return Answer(ask=ask, body={**body, "records": rows, "done": True})

    def _fetch(self, ask: Ask) -> Any:
        action = f"verify: {ask.source}"
        if ask.via == "tooling":
            path = Query(text=ask.text, action=action).request().path
            return self._client.call("GET", f"tooling/{path}", action=action).body
        if ask.via == "host":
            return self._client.read_host(ask.text)
        assert ask.via == "rest", ask.via
        return self._client.call("GET", ask.text, action=action).body


def _stages(wanted: Sequence[str]) -> list[list[Probe]]:
    """The wanted probes and those they come after, in the order they can be asked."""
    stages: list[list[Probe]] = []
    placed: set[str] = set()
    waiting = _with_earlier(wanted)
    while waiting:
        ready = [name for name in waiting if placed.issuperset(PROBES[name].after)]
        assert ready, f"probes wait for each other: {waiting}"
        stages.append([PROBES[name] for name in ready])
        placed.update(ready)
        waiting = [name for name in waiting if name not in placed]
    return stages


def _with_earlier(wanted: Sequence[str]) -> list[str]:
    names: dict[str, None] = {}

    def add(name: str) -> None:
        for earlier in PROBES[name].after:
            add(earlier)
        names[name] = None

    for name in wanted:
        add(name)
    return list(names)


def _read(probe: Probe, known: Known, answers: Sequence[Answer]) -> Evidence:
    source = ", ".join(dict.fromkeys(answer.ask.source for answer in answers)) or probe.name
    try:
        return Seen(value=probe.read(known, answers), source=source)
    except NotReadable as error:
        return error.unreadable
    except Exception as error:  # noqa: BLE001 - a broken probe costs its neighbours nothing
        return _broken(probe, error)


def _broken(probe: Probe, error: Exception) -> Broken:
    # Messages of foreign errors may quote data: only their sort is told.
    return Broken(source=f"probe {probe.name}", error=type(error).__name__)


def _request(ask: Ask) -> SubRequest:
    """The part of a composite call; whatever is answered to it is an answer."""
    if ask.via == "describe":
        request = describe_request(ask.text)
    else:
        request = Query(text=ask.text, action=f"verify: {ask.source}").request()
    return replace(request, accept=_ANY_FAILURE)


def _refused(ask: Ask, body: Any) -> Answer:
    failure = read_failure(body)
    words = f"{failure.code}: {failure.message}" if failure.code else failure.message
    return Answer(ask=ask, failure=words, code=failure.code)


def _failed(ask: Ask, error: ConnectorError) -> Answer:
    if not isinstance(error, RemoteError):
        return Answer(ask=ask, failure=str(error))
    # As a refusal inside a composite call is told: the question itself stands beside it.
    name = error.code or (str(error.status) if error.status is not None else "")
    words = f"{name}: {error.message}" if name else error.message
    return Answer(ask=ask, failure=words, code=error.code)
