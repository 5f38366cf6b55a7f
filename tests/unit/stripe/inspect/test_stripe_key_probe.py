"""What a key is can be told without asking anybody."""

from __future__ import annotations

import pytest

from connector.core.verify.account import StripeKey
from connector.core.verify.evidence import Seen
from tests.support.stripe import Script, inspector_of

SECRET_PART = "4eC39HqLyjWDarjt"


@pytest.mark.parametrize(
    ("prefix", "livemode", "restricted"),
    [("sk_test", False, False), ("rk_test", False, True), ("sk_live", True, False), ("rk_live", True, True)],
)
def test_the_key_tells_mode_and_kind_without_a_request_and_shows_only_its_end(prefix, livemode, restricted):
    inspector = inspector_of(Script(lambda _: pytest.fail("asked")), key=f"{prefix}_{SECRET_PART}")
    found = inspector.inspect(["stripe_key"])
    expected = StripeKey(livemode=livemode, restricted=restricted, hint=f"{prefix}_...arjt")
    assert found == {"stripe_key": Seen(value=expected, source="stripe_key")}
    assert inspector.calls == 0
    assert SECRET_PART not in repr(found)
