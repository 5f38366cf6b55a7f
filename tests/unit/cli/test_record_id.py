"""Ids as people paste them."""

from __future__ import annotations

import pytest

from connector.cli.record_id import full_id


@pytest.mark.parametrize(
    ("given", "full"),
    [
        # the two pairs are one record each, as Salesforce shows it in its two forms
        ("001D000000IRFma", "001D000000IRFmaIAH"),
        ("001D000000IRFmaIAH", "001D000000IRFmaIAH"),
        ("a0Fcw000000000D", "a0Fcw000000000DEAQ"),
        ("  a0Fcw000000000DEAQ ", "a0Fcw000000000DEAQ"),
        ("in_1QabcDEF", "in_1QabcDEF"),
        ("cus_E4Vz3cd4jHP1fo", "cus_E4Vz3cd4jHP1fo"),
    ],
)
def test_an_id_is_made_whole(given, full):
    assert full_id(given) == full


def test_a_damaged_checksum_is_corrected_from_the_first_fifteen():
    assert full_id("001D000000IRFmaiah".replace("iah", "IAA")) == "001D000000IRFmaIAH"


@pytest.mark.parametrize(
    "given", ["", "abc", "INV-20417", "001D000000IRFm", "001D000000IRFmaIA", "in_", "001D000000IRFm'"]
)
def test_what_cannot_be_an_id(given):
    assert full_id(given) is None
