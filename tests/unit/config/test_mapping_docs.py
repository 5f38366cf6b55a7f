"""docs/mapping.md names everything a mapping may say: a key nobody documents does not exist for users."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from connector.config.kind_parser import STATES
from connector.config.options import OPTIONS
from connector.config.pack_rules import _ROLES, _SHAPE_ROLES
from connector.config.stripe_names import RESOURCES
from connector.core.codecs import BUILT_IN

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "mapping.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"`([^`\n]+)`", TEXT))

#: keys below which names are the user's own
FREE = {"states", "roles", "constants", "keys", "fields", "tables", "options", "values", "salesforce", "stripe"}


def keys_of(node, *, depth=0):
    if isinstance(node, dict):
        for key, value in node.items():
            yield key
            is_example_record = depth > 1 and key in {"salesforce", "stripe"}
            if key == "fields":
                for field in value.values():
                    yield from keys_of(field, depth=depth + 2)
            elif key not in FREE or (key in {"salesforce", "stripe"} and not is_example_record):
                yield from keys_of(value, depth=depth + 1)
    elif isinstance(node, list):
        for item in node:
            yield from keys_of(item, depth=depth + 1)


@pytest.mark.parametrize("path", sorted((ROOT / "mappings" / "cpq-billing").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_key_the_shipped_pack_uses_is_documented(path):
    used = set(keys_of(yaml.safe_load(path.read_text(encoding="utf-8"))))
    assert used
    assert used <= WORDS, used - WORDS


def test_every_codec_state_option_lifecycle_shape_and_resource_is_documented():
    named = {*BUILT_IN, *STATES, *OPTIONS, *_SHAPE_ROLES, *RESOURCES}
    named |= {option for options in OPTIONS.values() for option in options}
    named |= {role for roles in _ROLES.values() for role in roles}
    assert named <= WORDS, named - WORDS


def test_the_example_of_the_page_is_one_of_the_pack():
    assert (
        "total: {owner: salesforce, salesforce: blng__TotalAmount__c, stripe: total, as: [money, minor], check: true}"
        in TEXT
    )
    invoice = yaml.safe_load((ROOT / "mappings" / "cpq-billing" / "invoice.yaml").read_text(encoding="utf-8"))
    assert invoice["fields"]["total"] == {
        "owner": "salesforce",
        "salesforce": "blng__TotalAmount__c",
        "stripe": "total",
        "as": ["money", "minor"],
        "check": True,
    }
