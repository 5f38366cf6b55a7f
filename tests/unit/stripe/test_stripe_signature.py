"""Only what Stripe signed just now is taken; every other header is simply wrong, and none raises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from connector.stripe.signature import HEADER_MAX, TOLERANCE_S, is_signed, sign

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
BODY = '{"id": "evt_1", "name": "Größe ✓"}'.encode()
SECRET, PREVIOUS = "whsec_new", "whsec_old"


def holds(header, *, body=BODY, secrets=(SECRET,), now=NOW):
    return is_signed(body, header, secrets=secrets, now=now)


def test_what_the_sdk_signs_is_taken():
    header = stripe.WebhookSignature.generate_signature_header(BODY.decode(), SECRET, AT)
    assert header == sign(BODY, secret=SECRET, at=AT)
    assert holds(header)


@pytest.mark.parametrize("secrets", [(SECRET, PREVIOUS), (PREVIOUS, SECRET)])
def test_while_a_secret_is_rolled_either_is_taken(secrets):
    assert holds(sign(BODY, secret=SECRET, at=AT), secrets=secrets)
    assert holds(sign(BODY, secret=PREVIOUS, at=AT), secrets=secrets)


def test_one_good_signature_among_several_is_enough():
    good = sign(BODY, secret=SECRET, at=AT).partition("v1=")[2]
    assert holds(f"t={AT},v1={'0' * 64},v1={good},v0=ab")


@pytest.mark.parametrize("skew_s", [TOLERANCE_S, -TOLERANCE_S])
def test_skew_up_to_the_tolerance_is_taken_both_ways(skew_s):
    assert holds(sign(BODY, secret=SECRET, at=AT + skew_s))


@pytest.mark.parametrize("skew_s", [TOLERANCE_S + 1, -TOLERANCE_S - 1, 315_360_000, -315_360_000])
def test_skew_beyond_it_is_refused_both_ways(skew_s):
    assert not holds(sign(BODY, secret=SECRET, at=AT + skew_s))


GOOD = sign(BODY, secret=SECRET, at=AT)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "t=,v1=",
        GOOD.replace("v1=", "v0="),
        GOOD.partition(",")[0],
        GOOD.partition(",")[2],
        f"t={AT},{GOOD}",
        f"t=x{AT},{GOOD.partition(',')[2]}",
        GOOD.replace(f"t={AT}", f"t=+{AT}"),
        GOOD.replace(f"t={AT}", f"t=-{AT}"),
        GOOD.replace(f"t={AT}", "t=" + "9" * 400),
        GOOD.replace(f"t={AT}", "t=\u0661\u0667"),
        f"t={AT},v1=ünïcode",
        GOOD.upper(),
        GOOD + "," * HEADER_MAX,
    ],
)
def test_every_other_header_is_refused(header):
    assert not holds(header)


@pytest.mark.parametrize("body", [BODY + b" ", b"", BODY.replace(b"1", b"2"), b"\xff\xfe"])
def test_another_body_is_refused(body):
    assert not holds(GOOD, body=body)


def test_a_body_that_is_no_text_is_judged_by_its_bytes():
    body = b"\xff\xfe\x00"
    assert holds(sign(body, secret=SECRET, at=AT), body=body)


@pytest.mark.parametrize("secret", ["", "  ", "\t"])
def test_an_empty_secret_signs_nothing(secret):
    assert not holds(sign(BODY, secret=secret, at=AT), secrets=(secret,))
    assert not holds(GOOD, secrets=())


def test_an_old_event_is_refused_later():
    assert not holds(GOOD, now=NOW + timedelta(seconds=TOLERANCE_S + 1))


@given(header=st.text(max_size=200), body=st.binary(max_size=50))
def test_nothing_a_stranger_sends_is_taken_or_raises(header, body):
    assert not is_signed(body, header, secrets=(SECRET,), now=NOW)
