"""Each answer of `connector init` is judged before anything is written, and no message quotes a secret."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from connector.cli.init import checks
from connector.cli.init.checks import Given, is_production

TEST_KEY = "rk_test_" + "a1B2" * 6
LIVE_KEY = "sk_live_" + "a1B2" * 3


@pytest.fixture
def given(tmp_path):
    return Given(base=tmp_path, folder=tmp_path, environment={"STRIPE": TEST_KEY, "LIVE": LIVE_KEY, "EMPTY": ""})


def pem(key, password=None):
    how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)


def refusal(check, text, given):
    with pytest.raises(ValueError) as caught:
        check(text, given)
    return str(caught.value)


@pytest.mark.parametrize(
    ("answers", "production"),
    [
        ({"org": "sandbox"}, False),
        ({"org": "production"}, True),
        ({"org": "my-domain", "login_url": "https://example.my.salesforce.com"}, True),
        ({"org": "my-domain", "login_url": "https://example--uat.sandbox.my.salesforce.com"}, False),
        ({"org": "my-domain", "login_url": "https://example-dev-ed.develop.my.salesforce.com"}, None),
        ({"org": "my-domain", "login_url": "http://127.0.0.1:8001"}, None),
        ({}, None),
    ],
)
def test_the_kind_of_an_org_is_known_from_its_address_or_not_at_all(answers, production):
    assert is_production(answers) is production


@pytest.mark.parametrize("text", ["2026-11-01", "2024-02-29"])
def test_a_day_is_a_day(text, given):
    assert checks.go_live(text, given) == text


@pytest.mark.parametrize("text", ["2026-13-01", "01.11.2026", "tomorrow", "", "0", "2025-02-29"])
def test_what_is_no_day_is_asked_for_again(text, given):
    assert refusal(checks.go_live, text, given) == "write a day such as 2026-11-01"


def test_time_zones_are_names_of_the_database(given):
    assert checks.time_zone("Europe/Berlin", given) == "Europe/Berlin"
    assert "Europe/Berlin" in refusal(checks.time_zone, "CET+1", given)


@pytest.mark.parametrize(("text", "kept"), [("usd", "USD"), ("JPY", "JPY"), ("Multi", "multi")])
def test_a_currency_is_an_iso_code_or_multi(text, kept, given):
    assert checks.currency(text, given) == kept


def test_an_unknown_currency_is_refused(given):
    assert "unknown currency" in refusal(checks.currency, "EURO", given)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("https://example.lightning.force.com", "address of the pages"),
        ("http://example.my.salesforce.com", "https"),
        ("example.my.salesforce.com", "write an address"),
        ("https://example.my.salesforce.com/lightning", "only scheme and host"),
    ],
)
def test_an_address_that_cannot_be_signed_in_to_is_refused(text, words, given):
    assert words in refusal(checks.login_url, text, given)


def test_client_credentials_need_the_my_domain(given):
    given.answers["auth"] = "client_credentials"
    assert "My Domain" in refusal(checks.login_url, "https://test.salesforce.com", given)


def test_a_sandbox_is_not_at_a_production_address(given):
    given.answers["org"] = "sandbox"
    assert ".sandbox.my." in refusal(checks.login_url, "https://example.my.salesforce.com", given)


def test_a_trailing_slash_is_taken_off(given):
    given.answers["org"] = "my-domain"
    assert checks.login_url("https://example.my.salesforce.com/", given) == "https://example.my.salesforce.com"


def test_a_username_looks_like_an_address(given):
    assert checks.username("robot@example.com.uat", given) == "robot@example.com.uat"
    assert "e-mail address" in refusal(checks.username, "robot", given)


# -- keys and secrets -------------------------------------------------------------------------------------------------


def test_a_private_key_is_looked_at(given):
    (given.base / "rsa.key").write_bytes(pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)))
    assert checks.private_key_file("rsa.key", given) == "rsa.key"


def test_a_file_without_a_usable_private_key_is_refused_without_quoting_it(given):
    (given.base / "ec.key").write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
    (given.base / "locked.key").write_bytes(
        pem(rsa.generate_private_key(public_exponent=65537, key_size=2048), b"words")
    )
    (given.base / "cert.pem").write_text("-----BEGIN CERTIFICATE-----\nabc\n")
    assert "not RSA" in refusal(checks.private_key_file, "ec.key", given)
    assert "without a passphrase" in refusal(checks.private_key_file, "locked.key", given)
    assert "holds no private key" in refusal(checks.private_key_file, "cert.pem", given)
    assert "No such file" in refusal(checks.private_key_file, "missing.key", given)


@pytest.mark.parametrize("org", ["sandbox", "my-domain"])
def test_a_test_key_goes_with_a_sandbox_and_where_nobody_knows(org, given):
    given.answers["org"] = org
    assert checks.stripe_key("env:STRIPE", given) == "env:STRIPE"


@pytest.mark.parametrize(
    ("org", "reference", "words"),
    [
        ("production", "env:STRIPE", "a test key does not go with a production org: use a live key"),
        ("sandbox", "env:LIVE", "a live key does not go with a sandbox org: use a test key"),
    ],
)
def test_the_mode_of_the_key_must_fit_the_org(org, reference, words, given):
    given.answers["org"] = org
    assert words in refusal(checks.stripe_key, reference, given)


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("env:NOWHERE", "the variable NOWHERE is not set"),
        ("env:EMPTY", "the variable EMPTY is not set"),
        ("file:missing", "cannot be read"),
        (TEST_KEY, "a secret does not belong here"),
    ],
)
def test_a_reference_must_lead_to_a_secret(reference, words, given):
    message = refusal(checks.stripe_key, reference, given)
    assert words in message
    assert TEST_KEY not in message


@pytest.mark.parametrize("key", ["pk_test_" + "b" * 20, "whsec_" + "b" * 20, "b" * 20])
def test_a_key_of_another_kind_is_named_and_not_quoted(key, given):
    (given.base / "key").write_text(key)
    message = refusal(checks.stripe_key, "file:key", given)
    assert "b" * 8 not in message
    assert "restricted key" in message


def test_a_typed_secret_becomes_a_reference_and_is_kept_apart(given):
    reference = given.keep_secret("stripe_key", TEST_KEY)
    assert reference == "file:secrets/stripe_api_key"
    assert checks.stripe_key(reference, given) == reference
    assert given.typed == {"stripe_key": TEST_KEY}
    assert TEST_KEY not in repr(given)


def test_a_typed_reference_is_a_reference(given):
    given.keep_secret("stripe_key", TEST_KEY)
    assert given.keep_secret("stripe_key", "env:STRIPE") == "env:STRIPE"
    assert given.typed == {}


def test_paths_count_from_where_the_person_is_and_are_kept_so_that_the_settings_find_them(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "stripe.key").write_text(TEST_KEY)
    given = Given(base=tmp_path / "home", folder=tmp_path, environment={})
    assert checks.stripe_key("file:stripe.key", given) == f"file:{tmp_path / 'stripe.key'}"
    assert given.keep_secret("stripe_key", TEST_KEY) == "file:secrets/stripe_api_key"
    assert checks.stripe_key("file:secrets/stripe_api_key", given) == "file:secrets/stripe_api_key"
    assert given.shown("config/connector.yaml") == str(tmp_path / "home/config/connector.yaml")


# -- the bundled sandbox ----------------------------------------------------------------------------------------------


LINE = {
    "salesforce": dict.fromkeys(("instance_url", "login_url", "client_id", "client_secret", "api_version"), "x"),
    "stripe": {"api_base": "y", "api_key": "z"},
}


def test_the_line_of_sandbox_serve_is_read(given):
    (given.base / "sandbox.json").write_text(json.dumps(LINE) + "\nmore output\n")
    assert checks.sandbox_file("sandbox.json", given) == "sandbox.json"


@pytest.mark.parametrize("text", ["{}", "not json", "[]", '{"salesforce": {}, "stripe": {}}'])
def test_another_file_is_not_taken_for_it(text, given):
    (given.base / "sandbox.json").write_text(text)
    assert "sandbox serve --json" in refusal(checks.sandbox_file, "sandbox.json", given)
