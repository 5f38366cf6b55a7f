"""What our Stripe key may do, and which API version the account answers in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.verify.account import AnsweredVersion, ReadRight, Rights, StripeKey
from connector.core.verify.checks import Judgement, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.core.verify.evidence import Facts


def stripe_key_reads(facts: Facts) -> Judgement:
    """Every resource the mapped kinds are read from, tried. A right that could not be tried is no right."""
    key = facts.read("stripe_key", StripeKey)
    rights = facts.read("stripe_rights", Rights)
    if rights.unknown_key:
        return Judgement(
            verdict=Verdict.FAIL,
            observed=f"Stripe does not accept the key {key.hint}: it was rolled, deleted, or is of another account",
            fix="copy a key that is in use from the Stripe dashboard under Developers > API keys into"
            " CONNECTOR_STRIPE__API_KEY",
            evidence=(rights.unknown_key,),
        )
    denied = [right for right in rights.reads if right.allowed is False]
    untried = [right for right in rights.reads if right.allowed is None]
    evidence = tuple(_described(right) for right in rights.reads)
    if denied:
        return Judgement(
            verdict=Verdict.FAIL,
            observed=f"{_spoken(key)} lacks {len(denied)} of {len(rights.reads)} rights: may not read {_names(denied)}",
            fix=f"Stripe dashboard > Developers > API keys > {key.hint} > Edit key: set {_names(denied)} to Read"
            " (Write where the connector writes)",
            evidence=evidence,
        )
    if untried:
        return Judgement(
            verdict=Verdict.UNKNOWN,
            observed=f"{_spoken(key)}: could not be tried on {_names(untried)}: {untried[0].reason}",
            fix="settle what stands in the way of these calls, then run it again",
            evidence=evidence,
        )
    return Judgement(
        verdict=Verdict.PASS,
        observed=f"{_spoken(key)} may read all {len(rights.reads)} resources that are read",
        evidence=evidence,
    )


def stripe_key_writes(facts: Facts) -> Judgement:
    """A read proves no right to write, and a write to prove it would be a write."""
    key = facts.read("stripe_key", StripeKey)
    if not key.restricted:
        return Judgement(verdict=Verdict.PASS, observed=f"{_spoken(key)}, which may do everything")
    rights = facts.read("stripe_rights", Rights)
    needed = ", ".join(rights.writes)
    return Judgement(
        verdict=Verdict.MANUAL,
        observed=f"{_spoken(key)}: whether it may write {needed} is known only once something is written",
        fix=f"Stripe dashboard > Developers > API keys > {key.hint} > Edit key: see that {needed} say Write",
        evidence=tuple(f"needs Write on {name}" for name in rights.writes),
    )


def stripe_version(facts: Facts) -> Judgement:
    wanted = facts.situation.stripe_api_version
    answered = facts.read("stripe_version", AnsweredVersion)
    expected = f"answers in API version {wanted}"
    if answered.version is None:
        return Judgement(
            verdict=Verdict.FAIL,
            observed=f"the account refuses API version {wanted}",
            expected=expected,
            evidence=(answered.refusal,),
        )
    if answered.version != wanted:
        observed = f"the account answers in API version {answered.version}"
        return Judgement(verdict=Verdict.FAIL, observed=observed, expected=expected)
    return Judgement(verdict=Verdict.PASS, observed=f"API version {wanted}", expected=expected)


def _spoken(key: StripeKey) -> str:
    return f"{'live' if key.livemode else 'test'} mode, {'restricted' if key.restricted else 'secret'} key {key.hint}"


def _names(rights: Sequence[ReadRight]) -> str:
    return ", ".join(right.resource for right in rights)


def _described(right: ReadRight) -> str:
    word = {True: "may be read", False: "may not be read", None: "could not be tried"}[right.allowed]
    return f"{right.resource} {word} (for {', '.join(right.kinds)}){f': {right.reason}' if right.reason else ''}"


CONDITIONS: Final = {
    "stripe_key_reads": stripe_key_reads,
    "stripe_key_writes": stripe_key_writes,
    "stripe_version": stripe_version,
}
