"""Asks the questions of all wanted probes at the same time, each once, and reads the answers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from connector.core.errors import ConnectorError, RemoteError
from connector.core.model import Side
from connector.core.verify.account import StripeKey
from connector.core.verify.evidence import Broken, NotReadable, Seen
from connector.stripe.auth import KeyKind
from connector.stripe.client import Call
from connector.stripe.inspect.probe import Answer, Known
from connector.stripe.inspect.probes import PROBES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.core.mapping import Pack
    from connector.core.verify.evidence import Evidence
    from connector.stripe.client import Client
    from connector.stripe.inspect.probe import Ask, Probe

#: calls under way at the same time: a verification is to be quick and the account is not to notice
_CALLS_AT_ONCE: Final = 8


class StripeInspector:
    """`ports.Inspector` for an account. `options` are settings that questions depend on."""

    side = Side.STRIPE

    def __init__(self, *, client: Client, pack: Pack, options: Mapping[str, Any]) -> None:
        self._client = client
        key = StripeKey(
            livemode=client.key.livemode,
            restricted=client.key.kind is KeyKind.RESTRICTED,
            hint=client.key.hint,
        )
        self._known = Known(pack=pack, key=key, options=options)

    @property
    def calls(self) -> int:
        return self._client.calls

    def inspect(self, wanted: Sequence[str]) -> Mapping[str, Evidence]:
        found: dict[str, Evidence] = {}
        asks: dict[str, tuple[Ask, ...]] = {}
        for name in wanted:
            try:
                asks[name] = tuple(PROBES[name].asks(self._known))
            except Exception as error:  # noqa: BLE001 - a broken probe costs its neighbours nothing
                found[name] = _broken(PROBES[name], error)
        answers = self._answers(list(dict.fromkeys(ask for each in asks.values() for ask in each)))
        for name, mine in asks.items():
            found[name] = self._read(PROBES[name], [answers[ask] for ask in mine])
        return {name: found[name] for name in wanted}

    def _answers(self, asks: Sequence[Ask]) -> dict[Ask, Answer]:
        with ThreadPoolExecutor(_CALLS_AT_ONCE, thread_name_prefix="inspect") as pool:
            return dict(zip(asks, pool.map(self._answer, asks), strict=True))

    def _answer(self, ask: Ask) -> Answer:
        try:
            reply = self._client.send(Call(method="get", template=ask.template, params=dict(ask.params)))
        except ConnectorError as error:
            status = error.status if isinstance(error, RemoteError) else None
            return Answer(ask=ask, failure=str(error), status=status)
        return Answer(ask=ask, body=reply.body, headers=reply.headers)

    def _read(self, probe: Probe, answers: Sequence[Answer]) -> Evidence:
        source = ", ".join(dict.fromkeys(answer.ask.source for answer in answers)) or probe.name
        try:
            return Seen(value=probe.read(self._known, answers), source=source)
        except NotReadable as error:
            return error.unreadable
        except Exception as error:  # noqa: BLE001 - a broken probe costs its neighbours nothing
            return _broken(probe, error)


def _broken(probe: Probe, error: Exception) -> Broken:
    # Messages of foreign errors may quote data: only their sort is told.
    return Broken(source=f"probe {probe.name}", error=type(error).__name__)
