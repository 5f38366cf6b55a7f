"""What is said of the Stripe key and of the version it is answered in."""

import pytest

from connector.core.model import Severity
from connector.core.verify.account import AnsweredVersion, ReadRight, Rights, StripeKey
from connector.core.verify.checks import Verdict
from tests.support.verify import NOT_READABLE, judged

RESTRICTED = StripeKey(livemode=True, restricted=True, hint="rk_live_...4f2a")
SECRET = StripeKey(livemode=False, restricted=False, hint="sk_test_...p7dc")


def right(resource: str, *, allowed: bool | None = True, kinds=("invoice",)) -> ReadRight:
    template = f"/v1/{resource.lower().replace(' ', '_')}"
    reason = "" if allowed else "no"
    return ReadRight(template=template, resource=resource, kinds=kinds, allowed=allowed, reason=reason)


def rights(*reads: ReadRight, **changes) -> Rights:
    return Rights(reads=reads, writes=("Customers", "Invoices"), **changes)


def test_a_key_with_every_right_passes_and_is_shown_by_its_end():
    result = judged("STR-KEY", stripe_key=RESTRICTED, stripe_rights=rights(right("Invoices"), right("Events")))
    assert result.verdict is Verdict.PASS
    assert result.observed == "live mode, restricted key rk_live_...4f2a may read all 2 resources that are read"


def test_each_missing_right_is_named_and_where_to_give_it():
    result = judged(
        "STR-KEY",
        stripe_key=RESTRICTED,
        stripe_rights=rights(
            right("Invoices"), right("Payment intents", allowed=False), right("Quotes", allowed=False), right("Events")
        ),
    )
    assert (result.verdict, result.severity) == (Verdict.FAIL, Severity.BLOCKER)
    assert result.observed.endswith("lacks 2 of 4 rights: may not read Payment intents, Quotes")
    assert "rk_live_...4f2a > Edit key: set Payment intents, Quotes to Read" in result.fix
    assert "Quotes may not be read (for invoice): no" in result.evidence


def test_a_right_that_could_not_be_tried_is_unknown_and_no_pass():
    result = judged(
        "STR-KEY", stripe_key=SECRET, stripe_rights=rights(right("Invoices"), right("Quotes", allowed=None))
    )
    assert result.verdict is Verdict.UNKNOWN
    assert result.observed.endswith("could not be tried on Quotes: no")


def test_a_missing_right_is_a_failure_even_where_another_could_not_be_tried():
    tried = rights(right("Invoices", allowed=False), right("Quotes", allowed=None))
    assert judged("STR-KEY", stripe_key=SECRET, stripe_rights=tried).verdict is Verdict.FAIL


def test_a_key_stripe_does_not_know_is_a_failure_that_says_so():
    tried = rights(right("Invoices", allowed=None), unknown_key="401: Invalid API Key")
    result = judged("STR-KEY", stripe_key=SECRET, stripe_rights=tried)
    assert result.verdict is Verdict.FAIL
    assert "does not accept the key sk_test_...p7dc" in result.observed


def test_the_right_to_write_of_a_secret_key_is_certain():
    assert judged("STR-KEY-WRITE", stripe_key=SECRET, stripe_rights=NOT_READABLE).verdict is Verdict.PASS


def test_the_right_to_write_of_a_restricted_key_is_for_a_person_to_look_at():
    """A read proves nothing, and a write to prove it would be a write."""
    result = judged("STR-KEY-WRITE", stripe_key=RESTRICTED, stripe_rights=rights())
    assert result.verdict is Verdict.MANUAL
    assert "Customers, Invoices say Write" in result.fix
    assert result.check.attest is not None


def test_rights_that_cannot_be_listed_are_unknown():
    given = {"stripe_key": RESTRICTED, "stripe_rights": NOT_READABLE}
    assert [judged(check, **given).verdict for check in ("STR-KEY", "STR-KEY-WRITE")] == [Verdict.UNKNOWN] * 2


def test_our_version_passes_and_another_is_a_blocker_that_names_both():
    assert judged("STR-VER", stripe_version=AnsweredVersion(version="2026-10-28.endive")).verdict is Verdict.PASS
    other = judged("STR-VER", stripe_version=AnsweredVersion(version="2025-03-31.basil"))
    assert (other.verdict, other.severity) == (Verdict.FAIL, Severity.BLOCKER)
    assert "2025-03-31.basil" in other.observed
    assert "2026-10-28.endive" in other.expected


def test_a_refused_version_is_a_failure_in_stripes_words():
    result = judged("STR-VER", stripe_version=AnsweredVersion(version=None, refusal="Invalid Stripe API version"))
    assert result.verdict is Verdict.FAIL
    assert result.evidence == ("Invalid Stripe API version",)


@pytest.mark.parametrize("check", ["STR-VER"])
def test_a_version_that_cannot_be_read_is_unknown(check):
    assert judged(check, stripe_version=NOT_READABLE).verdict is Verdict.UNKNOWN
