"""The account itself, and the API version it answers in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from connector.core.verify.account import AnsweredVersion, StripeAccount
from connector.core.verify.evidence import NotReadable, Unreadable
from connector.stripe.inspect.probe import Probe, get
from connector.stripe.inspect.rights import asks as asks_of_rights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.stripe.inspect.probe import Answer, Ask, Known

ACCOUNT: Final = get("/v1/account", right="Read on Account")


def _ask_version(known: Known) -> Sequence[Ask]:
    """Every answer names its version, and these are asked for anyway: no missing right may hide it."""
    return (ACCOUNT, *asks_of_rights(known))


def read_version(_: Known, answers: Sequence[Answer]) -> AnsweredVersion:
    for answer in answers:
        version = answer.headers.get("stripe-version")
        if answer.failure is None and version is not None:
            return AnsweredVersion(version=version)
    account = answers[0]
    if account.status == 400 and account.failure is not None:
        # The request has no parameters: what is bad about it can only be the version.
        return AnsweredVersion(version=None, refusal=account.failure)
    account.content()
    raise NotReadable(Unreadable(source=account.ask.source, reason="the answer does not name its API version"))


def read_account(_: Known, answers: Sequence[Answer]) -> StripeAccount:
    (answer,) = answers
    body = answer.content()
    settings: Mapping[str, Any] = body.get("settings") or {}
    requirements: Mapping[str, Any] = body.get("requirements") or {}
    schedule: Mapping[str, Any] = (settings.get("payouts") or {}).get("schedule") or {}
    capabilities = body.get("capabilities")
    return StripeAccount(
        id=body["id"],
        name=(settings.get("dashboard") or {}).get("display_name")
        or (body.get("business_profile") or {}).get("name")
        or "",
        country=body.get("country"),
        charges_enabled=body.get("charges_enabled"),
        payouts_enabled=body.get("payouts_enabled"),
        capabilities=None if capabilities is None else {name: str(state) for name, state in capabilities.items()},
        payout_interval=schedule.get("interval"),
        currently_due=tuple(requirements.get("currently_due") or ()),
        disabled_reason=requirements.get("disabled_reason"),
    )


PROBES: Final = (
    Probe(name="stripe_version", asks=_ask_version, read=read_version),
    Probe(name="stripe_account", asks=lambda _: (ACCOUNT,), read=read_account),
)
