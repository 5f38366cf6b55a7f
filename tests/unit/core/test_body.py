"""Canonical bytes: the same content is the same body, and the same intent the same key, for ever."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.body import KEY_PREFIX, decode_body, encode_body, idempotency_key
from connector.core.model import Identity

IDENTITY = Identity(org_id="00D1", is_sandbox=True, account_id="acct_1", livemode=False)

_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.decimals(allow_nan=False, allow_infinity=False).map(lambda value: Decimal(str(value)))
)
_contents = st.dictionaries(
    st.text().filter(lambda name: name != "$decimal"),
    st.recursive(
        _scalars,
        lambda inner: st.lists(inner) | st.dictionaries(st.text().filter(lambda name: name != "$decimal"), inner),
        max_leaves=10,
    ),
)


@given(_contents)
def test_a_body_is_read_back_as_it_was_given(content: dict[str, Any]) -> None:
    assert decode_body(encode_body(content)) == content


@given(_contents)
def test_the_bytes_are_those_of_the_first_version(content: dict[str, Any]) -> None:
    """The stores of earlier versions hold bodies and digests that the standard library's encoder made."""
    assert encode_body(content) == encoded_as_at_first(content)


def encoded_as_at_first(content: dict[str, Any]) -> bytes:
    form = {"sort_keys": True, "separators": (",", ":"), "ensure_ascii": False}
    return json.dumps(content, **form, default=lambda number: {"$decimal": str(number)}).encode()


def test_a_whole_number_of_any_size_keeps_its_digits() -> None:
    assert encode_body({"amount": 10**30}) == b'{"amount":' + str(10**30).encode() + b"}"


@pytest.mark.parametrize("number", [2**53 + 1, -(2**63), 2**63, 2**64, 10**30])
def test_a_whole_number_is_read_back_to_its_last_digit(number: int) -> None:
    content = {"alone": number, "list": [number, 1, number]}
    assert decode_body(encode_body(content)) == content


@pytest.mark.parametrize("value", [datetime(2026, 1, 1, tzinfo=UTC), IDENTITY])
def test_a_moment_or_an_object_is_not_given_a_form(value: object) -> None:
    with pytest.raises(TypeError, match="no canonical form"):
        encode_body({"value": value})


@given(_contents)
def test_the_order_of_insertion_does_not_matter(content: dict[str, Any]) -> None:
    assert encode_body(dict(reversed(content.items()))) == encode_body(content)


def test_these_bytes_are_those_of_every_version() -> None:
    content = {"b": [1, None, True], "a": {"amount": Decimal("10.50"), "name": "Müller"}}
    assert encode_body(content) == '{"a":{"amount":{"$decimal":"10.50"},"name":"Müller"},"b":[1,null,true]}'.encode()


def test_a_decimal_keeps_its_digits() -> None:
    assert str(decode_body(encode_body({"amount": Decimal("10.50")}))["amount"]) == "10.50"


@pytest.mark.parametrize(
    "body", ['{"a":1.5}', '{"a": -1.5}', '{"a":[1,-1.5]}', '{"a":[1.5]}', '{"a":1e5}', '{"a":-2E5}']
)
def test_no_float_gets_out_of_a_body(body: str) -> None:
    with pytest.raises(ValueError, match="float"):
        decode_body(body.encode())


def test_what_has_no_canonical_form_is_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        encode_body({"amount": {1}})


def _key(**changes: Any) -> str:
    parts: dict[str, Any] = {"kind": "invoice", "born_id": "a0F1", "revision": 3, "action": "create"}
    identity = changes.pop("identity", IDENTITY)
    return idempotency_key(identity, **(parts | changes))


def test_this_key_is_that_of_every_version() -> None:
    """A store that was lost computes it again; a changed rule would bill twice."""
    assert _key() == "connector-c5ef860e6e13261b7daa63139c03f38b72a00ddc"


def test_a_key_is_short_and_recognised_as_ours() -> None:
    assert len(_key()) <= 255
    assert _key().startswith(KEY_PREFIX)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "quote"},
        {"born_id": "a0F2"},
        {"revision": 4},
        {"action": "finalize"},
        {"identity": Identity(org_id="00D2", is_sandbox=True, account_id="acct_1", livemode=False)},
        {"identity": Identity(org_id="00D1", is_sandbox=True, account_id="acct_2", livemode=False)},
        {"identity": Identity(org_id="00D1", is_sandbox=False, account_id="acct_1", livemode=False)},
        {"identity": Identity(org_id="00D1", is_sandbox=True, account_id="acct_1", livemode=True)},
        # no part may run into the next one
        {"born_id": "a0F13", "revision": 0},
        {"kind": "invoicea", "born_id": "0F1"},
    ],
)
def test_any_other_intent_has_another_key(change: dict[str, Any]) -> None:
    assert _key(**change) != _key()
