"""Every field the shipped mapping pack names exists in the org and is granted by the shipped permission set."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

from connector.sandbox.salesforce.metadata import shipped_metadata_dir

PACK = Path(__file__).parents[4] / "mappings" / "cpq-billing"
KINDS = sorted(path for path in PACK.glob("*.yaml") if path.stem != "pack")
NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"
# Salesforce grants these with the object; they have no permission of their own.
ALWAYS = {"Id", "Name", "IsActive", "SystemModstamp", "CurrencyIsoCode", "MasterRecordId"}
ADDRESS_PART = re.compile(r"(Billing|Shipping)(Street|City|State|PostalCode|Country)$")


def named_paths(mapping):
    """(object, path) of every Salesforce field a mapping names."""
    side = mapping["salesforce"]
    main = side["object"]
    for key in ("marker", "state", "currency", "shard"):
        if key in side:
            yield main, side[key]
    yield from ((main, path) for path in side.get("roles", {}).values())
    yield from ((main, field["salesforce"]) for field in mapping["fields"].values() if "salesforce" in field)
    for watch in side.get("watches", ()):
        yield from ((watch["object"], path) for path in watch["keys"].values())
        if "stamp" in watch:
            yield watch["object"], watch["stamp"]
    lines = mapping.get("lines")
    if lines:
        yield from ((lines["object"], path) for path in (lines["parent"], lines["order"], *lines["roles"].values()))
    for companion in mapping.get("also", ()):
        names = (companion["marker"], *companion["roles"].values(), *companion.get("constants", {}))
        yield from ((companion["object"], path) for path in names)


def permissionable_fields(org, sobject, path):
    """The fields on a path that need a permission, as `Object.Field`."""
    *relationships, last = path.split(".")
    for relationship in relationships:
        reference = org.database.objects[sobject].parents[relationship.lower()]
        yield from permissionable_fields(org, sobject, reference.name)
        sobject = org.database.parent_object(reference)
    field = org.database.objects[sobject].fields[last]
    if last not in ALWAYS and not field.required and not field.master_detail:
        part = ADDRESS_PART.match(last)
        yield f"{sobject}.{part.group(1)}Address" if part else f"{sobject}.{last}"


@pytest.mark.parametrize("path", KINDS, ids=lambda path: path.stem)
def test_mapped_fields_exist_and_are_granted(org, path):
    mapping = yaml.safe_load(path.read_text())
    file = shipped_metadata_dir() / "force-app/main/default/permissionsets/Stripe_Connector.permissionset-meta.xml"
    granted = {entry.text for entry in ET.parse(file).getroot().iter(f"{NAMESPACE}field")}
    needed = {name for pair in named_paths(mapping) for name in permissionable_fields(org, *pair)}
    assert needed
    assert needed - granted == set()
