"""No secret and no personal data leaves the program, wherever it hides."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.runtime.redaction import mask_contact, redact, redact_text

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#: begins with what stands in no other part of a canary
TAILS = st.text(ALPHABET, min_size=12, max_size=40).map("Zq9".__add__)

CANARIES = st.one_of(
    st.builds(lambda mode, tail: (f"sk_{mode}_{tail}", tail), st.sampled_from(["live", "test"]), TAILS),
    st.builds(lambda mode, tail: (f"rk_{mode}_{tail}", tail), st.sampled_from(["live", "test"]), TAILS),
    st.builds(lambda tail: (f"whsec_{tail}", tail), TAILS),
    st.builds(lambda tail: (f"00Dcw0000000001EAA!{tail}", tail), TAILS),
    st.builds(lambda tail: (f"Bearer {tail}", tail), TAILS),
    st.builds(lambda tail: (f"eyJ{tail}.{tail}.{tail}", tail), TAILS),
    st.builds(lambda tail: (f"postgresql://connector:{tail}@db.example/state", tail), TAILS),
    st.builds(lambda tail: (f"grant_type=x&client_secret={tail}&y=z", tail), TAILS),
    st.builds(lambda tail: (f"-----BEGIN PRIVATE KEY-----\n{tail}\n-----END PRIVATE KEY-----", tail), TAILS),
    st.builds(lambda tail: (f"Q{tail}@example.com", tail), TAILS),
)
#: text around a secret that does not run into it
AROUND = st.sampled_from(["", " ", "error: ", "'", '"', "(", "key=", "\n", ", "])


@given(canary=CANARIES, before=AROUND, after=st.sampled_from(["", " ", "'", '"', ")", "\n", ", and so on"]))
def test_a_secret_is_found_in_any_text(canary, before, after):
    text, secret = canary
    assert secret not in redact_text(before + text + after)


@given(canary=CANARIES, shape=st.sampled_from(["value", "list", "nested", "text"]))
def test_a_secret_is_found_in_any_structure(canary, shape):
    text, secret = canary
    data = {
        "value": {"note": text},
        "list": {"items": [1, [text]]},
        "nested": {"a": {"b": {"c": text}}},
        "text": {"message": f"refused: {text}"},
    }[shape]
    assert secret not in json.dumps(redact(data))


SECRET_KEYS = [
    "api_key",
    "CONNECTOR_STRIPE__API_KEY",
    "client_secret",
    "accessToken",
    "password",
    "Authorization",
    "webhook_secrets",
]
PERSONAL_KEYS = [
    "email",
    "Email",
    "billing_email",
    "phone",
    "MobilePhone",
    "name",
    "FirstName",
    "line1",
    "BillingStreet",
]


@pytest.mark.parametrize("key", SECRET_KEYS + PERSONAL_KEYS)
@given(value=TAILS)
def test_a_value_is_hidden_by_the_name_of_its_key(key, value):
    assert value not in json.dumps(redact({"outer": [{key: value}]}))
    assert value not in json.dumps(redact({key: [value, {"inner": value}]})) or key in PERSONAL_KEYS


@given(value=st.one_of(st.integers(), st.booleans(), st.none()))
def test_numbers_and_nothing_stay(value):
    assert redact({"amount_minor": value}) == {"amount_minor": value}


@pytest.mark.parametrize(
    "text",
    [
        "in_1QabcDEFghiJKL",
        "a0Fcw000000000DEAQ",
        "invoice.create applied",
        "12,400.00 USD",
        "00Dcw0000000001EAA",
        "task_force asked the risk_team",
        "https://example.my.salesforce.com/services/data",
    ],
)
def test_what_people_need_stays(text):
    assert redact_text(text) == text


def test_an_address_keeps_its_domain_so_that_people_can_tell_records_apart():
    assert redact_text("mail ap@acme.com now") == "mail a***@acme.com now"


def test_redacting_twice_changes_nothing_more():
    text = "Bearer abcdefghijkl sk_live_abcdefghijkl ap@acme.com 00Dcw0000000001!abcdefgh"
    assert redact_text(redact_text(text)) == redact_text(text)


class TestPlans:
    """A plan keeps the names of companies: that is how people recognise a record."""

    def test_names_stay_and_contacts_go(self):
        assert mask_contact("Acme Corp", "name") == "Acme Corp"
        assert mask_contact("ap@acme.com", "email") == "a***@acme.com"
        assert mask_contact("+1 555 0100", "phone") == "***"
        assert mask_contact("1 Main Street", "shipping.address.line1") == "***"
        assert mask_contact("ap@acme.com", "name") == "a***@acme.com"

    def test_nested_values_are_masked_by_their_own_keys(self):
        masked = mask_contact({"name": "Acme", "phone": "+1", "address": {"line1": "x", "city": "Paris"}}, "shipping")
        assert masked == {"name": "Acme", "phone": "***", "address": {"line1": "***", "city": "Paris"}}

    def test_emptiness_stays_visible(self):
        assert mask_contact(None, "email") is None
        assert mask_contact("", "phone") == ""
