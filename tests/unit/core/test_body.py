"""Canonical bytes: the same content is the same body, and the same intent the same key, for ever."""

from __future__ import annotations

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
def test_the_order_of_insertion_does_not_matter(content: dict[str, Any]) -> None:
    assert encode_body(dict(reversed(content.items()))) == encode_body(content)


def test_these_bytes_are_those_of_every_version() -> None:
    content = {"b": [1, None, True], "a": {"amount": Decimal("10.50"), "name": "Müller"}}
    assert encode_body(content) == '{"a":{"amount":{"$decimal":"10.50"},"name":"Müller"},"b":[1,null,true]}'.encode()


def test_a_decimal_keeps_its_digits() -> None:
    assert str(decode_body(encode_body({"amount": Decimal("10.50")}))["amount"]) == "10.50"


def test_no_float_gets_out_of_a_body() -> None:
    with pytest.raises(ValueError, match="float"):
        decode_body(b'{"amount":1.5}')


def test_what_has_no_canonical_form_is_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        encode_body({"amount": {1}})


def _key(**changes: Any) -> str:
    parts: dict[str, Any] = {"kind": "invoice", "born_id": "a0F1", "revision": 3, "action": "create"}
    identity = changes.pop("identity", IDENTITY)
    return idempotency_key(identity, **(parts | changes))


def test_this_key_is_that_of_every_version() -> None:
    """A store that was lost computes it again; a changed rule would bill twice."""
    assert _key() == "connector-186fdeff4973e0079648e125264f92f3d49985e7"


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
        # no part may run into the next one
        {"born_id": "a0F13", "revision": 0},
        {"kind": "invoicea", "born_id": "0F1"},
    ],
)
def test_any_other_intent_has_another_key(change: dict[str, Any]) -> None:
    assert _key(**change) != _key()
