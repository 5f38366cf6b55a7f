"""A key tells its kind and mode by its prefix; anything else is refused without being quoted."""

from __future__ import annotations

import pytest

from connector.core.errors import ConfigError
from connector.stripe.auth import KeyKind, read_key, redact


@pytest.mark.parametrize(
    ("text", "kind", "livemode", "rate_per_s"),
    [
        ("sk_test_4eC39HqLyjWDarjt", KeyKind.SECRET, False, 25),
        ("rk_test_4eC39HqLyjWDarjt", KeyKind.RESTRICTED, False, 25),
        ("sk_live_4eC39HqLyjWDarjt", KeyKind.SECRET, True, 100),
        ("rk_live_4eC39HqLyjWDarjt", KeyKind.RESTRICTED, True, 100),
    ],
)
def test_prefix_tells_kind_and_mode_and_the_mode_the_permitted_rate(text, kind, livemode, rate_per_s):
    key = read_key(text)
    assert (key.kind, key.livemode, key.rate_per_s) == (kind, livemode, rate_per_s)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ("   ", "empty"),
        (" sk_test_4eC39HqLyjWDarjt", "white space"),
        ("sk_test_4eC39HqLyjWDarjt\n", "white space"),
        ("pk_test_4eC39HqLyjWDarjt", "publishable"),
        ("sk_org_live_4eC39HqLyjWDarjt", "organisation"),
        ("whsec_4eC39HqLyjWDarjt", "webhook"),
        ("sk_test_", "not a Stripe API key"),
        ("sk_prod_4eC39HqLyjWDarjt", "not a Stripe API key"),
        ("sk_test_4eC39HqLyj WDarjtT1zdp7dc", "not a Stripe API key"),
    ],
)
def test_garbage_is_refused_with_what_it_is_and_never_quoted(text, word):
    with pytest.raises(ConfigError) as refused:
        read_key(text)
    (problem,) = refused.value.problems
    assert word in problem.observed
    assert problem.where == "CONNECTOR_STRIPE__API_KEY"
    assert "4eC39HqLyj" not in str(refused.value)


def test_redaction_keeps_the_prefix_and_drops_the_secret():
    text = "Invalid API Key provided: sk_test_4eC39HqLyjWDarjt and whsec_abcdef0123456789"
    assert redact(text) == "Invalid API Key provided: sk_test_4eC3*** and whsec_***"
    assert redact("sk_test_****************p7dc is wrong") == "sk_test_*** is wrong"
    assert redact("No such invoice: in_1M3USa2eZvKYlo2C") == "No such invoice: in_1M3USa2eZvKYlo2C"
