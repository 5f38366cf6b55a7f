"""The deployable metadata: what ships is what the org has, and the permission set covers it."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

import pytest

from connector.sandbox.salesforce.metadata import load_custom_fields, shipped_metadata_dir
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.schema import SCHEMA_DIR

NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"
MARKED = (
    "Account",
    "Product2",
    "SBQQ__Quote__c",
    "blng__Invoice__c",
    "blng__Payment__c",
    "blng__PaymentAllocationInvoice__c",
    "blng__PaymentAllocationInvoiceLine__c",
)


@pytest.fixture(scope="module")
def permissions():
    path = shipped_metadata_dir() / "force-app/main/default/permissionsets/Stripe_Connector.permissionset-meta.xml"
    return ET.parse(path).getroot()


def granted(permissions):
    return {
        entry.findtext(f"{NAMESPACE}field"): entry.findtext(f"{NAMESPACE}editable") == "true"
        for entry in permissions.iter(f"{NAMESPACE}fieldPermissions")
    }


def test_every_mirrored_object_has_a_unique_case_sensitive_marker():
    fields = load_custom_fields(shipped_metadata_dir())
    for sobject in MARKED:
        (marker,) = [field for field in fields[sobject] if field["name"] == "Stripe_Id__c"]
        assert (marker["external_id"], marker["unique"], marker["case_sensitive"], marker["length"]) == (
            True,
            True,
            True,
            255,
        )


def test_the_org_has_exactly_the_shipped_custom_fields(org):
    shipped = {
        (sobject, field["name"])
        for sobject, fields in load_custom_fields(shipped_metadata_dir()).items()
        for field in fields
    }
    in_org = {
        (name, field)
        for name, obj in org.database.objects.items()
        for field in obj.fields
        if re.fullmatch(r"[A-Za-z]+(_[A-Za-z]+)*__c", field) and not re.match(r"(SBQQ|blng)__", field)
    }
    assert in_org == shipped


def test_an_org_without_the_deployment_has_no_marker(clock):
    org = Org(clock=clock, seed=1, metadata_dir=None)
    assert "Stripe_Id__c" not in org.database.objects["Account"].fields


def test_the_manifest_lists_every_field():
    manifest = ET.parse(shipped_metadata_dir() / "manifest/package.xml").getroot()
    members = {entry.text for entry in manifest.iter(f"{NAMESPACE}members")}
    fields = load_custom_fields(shipped_metadata_dir())
    assert members == {f"{sobject}.{field['name']}" for sobject in fields for field in fields[sobject]} | {
        "Stripe_Connector"
    }


def test_the_permission_set_lets_the_connector_write_its_own_fields(permissions):
    rights = granted(permissions)
    for sobject, fields in load_custom_fields(shipped_metadata_dir()).items():
        for field in fields:
            assert rights[f"{sobject}.{field['name']}"] is True


def test_the_permission_set_names_only_what_salesforce_lets_it_name(permissions):
    """Required fields and master-details are refused by a deployment; read-only fields cannot be editable."""
    custom = load_custom_fields(shipped_metadata_dir())
    for name, editable in granted(permissions).items():
        sobject, field_name = name.split(".")
        published = json.loads((SCHEMA_DIR / f"{sobject}.json").read_bytes())["fields"]
        (field,) = [field for field in [*published, *custom.get(sobject, [])] if field["name"] == field_name]
        assert not field["required_on_create"], name
        assert field.get("relationship_type") != "master-detail", name
        assert field["updateable"] or not editable, name


def test_no_right_to_delete_and_no_card_data(permissions):
    deletes = {entry.text for entry in permissions.iter(f"{NAMESPACE}allowDelete")}
    assert deletes == {"false"}
    assert not [name for name in granted(permissions) if re.search("CardNumber|CVV|BankAccount|Routing", name)]


@pytest.mark.parametrize(
    ("file_name", "xml", "words"),
    [
        ("A__c", "<fullName>A__c</fullName><label>A</label><type>Lookup</type>", "Lookup"),
        ("A__c", "<fullName>A__c</fullName><label>A</label><type>Text</type><formula>1</formula>", "formula"),
        ("A__c", "<fullName>A__c</fullName><label>A</label><type>Text</type><length>256</length>", "between 1 and 255"),
        ("A__c", "<fullName>B__c</fullName><label>A</label><type>Text</type><length>5</length>", "does not fit"),
    ],
)
def test_metadata_that_is_not_understood_is_an_error(tmp_path, file_name, xml, words):
    folder = tmp_path / "objects" / "Account" / "fields"
    folder.mkdir(parents=True)
    text = f'<CustomField xmlns="http://soap.sforce.com/2006/04/metadata">{xml}</CustomField>'
    (folder / f"{file_name}.field-meta.xml").write_text(text)
    with pytest.raises(ValueError, match=words):
        load_custom_fields(tmp_path)


def test_metadata_for_an_unknown_object_is_an_error(tmp_path, clock):
    folder = tmp_path / "objects" / "Nope__c" / "fields"
    folder.mkdir(parents=True)
    (folder / "A__c.field-meta.xml").write_text(
        '<CustomField xmlns="http://soap.sforce.com/2006/04/metadata"><fullName>A__c</fullName><label>A</label>'
        "<type>Checkbox</type></CustomField>"
    )
    with pytest.raises(ValueError, match="Nope__c"):
        Org(clock=clock, seed=1, metadata_dir=tmp_path)
