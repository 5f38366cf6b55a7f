"""The zip file of a deployment: the Metadata API's format, exactly the components asked for, the same bytes each time."""

from __future__ import annotations

import io
import json
import re
import zipfile
from xml.etree import ElementTree as ET

import pytest

from connector.config.places import share
from connector.core.metadata import Components
from connector.salesforce.deploy.archive import build_archive
from connector.salesforce.deploy.source import NAMESPACE, read_source

TAG = f"{{{NAMESPACE}}}"


@pytest.fixture(scope="module")
def source():
    return read_source(share("salesforce"))


@pytest.fixture(scope="module")
def everything(source):
    return Components(fields=tuple(field.full_name for field in source.metadata.fields), permission_set=True)


def files_of(archive):
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name) for name in opened.namelist()}


def members_of(files):
    root = ET.fromstring(files["package.xml"])
    return {
        types.findtext(f"{TAG}name"): [member.text for member in types.findall(f"{TAG}members")]
        for types in root.findall(f"{TAG}types")
    }


def test_the_shipped_source_is_what_its_own_manifest_lists(source):
    listed = members_of({"package.xml": (share("salesforce") / "manifest" / "package.xml").read_bytes()})
    assert [field.full_name for field in source.metadata.fields] == sorted(listed["CustomField"])
    assert [source.metadata.permission_set] == listed["PermissionSet"]


def test_the_whole_package_has_one_file_per_object_and_the_permission_set(source, everything):
    files = files_of(build_archive(source, everything))
    objects = {field.object for field in source.metadata.fields}
    assert set(files) == {
        "package.xml",
        "permissionsets/Stripe_Connector.permissionset",
        *(f"objects/{name}.object" for name in objects),
    }


def test_the_manifest_lists_every_component_and_the_api_version(source, everything):
    files = files_of(build_archive(source, everything))
    assert members_of(files) == {
        "CustomField": sorted(everything.fields),
        "PermissionSet": ["Stripe_Connector"],
    }
    project = json.loads((share("salesforce") / "sfdx-project.json").read_text())
    assert ET.fromstring(files["package.xml"]).findtext(f"{TAG}version") == project["sourceApiVersion"]


def test_a_field_travels_word_for_word(source, everything):
    files = files_of(build_archive(source, everything))
    root = ET.fromstring(files["objects/blng__Invoice__c.object"])
    assert root.tag == f"{TAG}CustomObject"
    packed = {
        field.findtext(f"{TAG}fullName"): {part.tag: part.text for part in field}
        for field in root.findall(f"{TAG}fields")
    }
    folder = share("salesforce") / "force-app/main/default/objects/blng__Invoice__c/fields"
    assert set(packed) == {path.name.removesuffix(".field-meta.xml") for path in folder.iterdir()}
    for name, parts in packed.items():
        source_root = ET.fromstring((folder / f"{name}.field-meta.xml").read_bytes())
        assert parts == {part.tag: part.text for part in source_root}


def test_the_xml_uses_the_default_namespace_as_salesforces_own_files_do(source, everything):
    files = files_of(build_archive(source, everything))
    for name in ("package.xml", "objects/Account.object"):
        assert files[name].startswith(b"<?xml version='1.0' encoding='UTF-8'?>\n<")
        assert f'xmlns="{NAMESPACE}"'.encode() in files[name]
        assert b"ns0:" not in files[name]


def test_the_permission_set_travels_byte_for_byte(source, everything):
    files = files_of(build_archive(source, everything))
    path = share("salesforce") / "force-app/main/default/permissionsets/Stripe_Connector.permissionset-meta.xml"
    assert files["permissionsets/Stripe_Connector.permissionset"] == path.read_bytes()


def test_a_part_of_the_components_makes_a_package_of_that_part(source):
    files = files_of(build_archive(source, Components(fields=("SBQQ__Quote__c.Stripe_Status__c",))))
    assert set(files) == {"package.xml", "objects/SBQQ__Quote__c.object"}
    assert members_of(files) == {"CustomField": ["SBQQ__Quote__c.Stripe_Status__c"]}
    names = re.findall(rb"<fullName>([^<]+)</fullName>", files["objects/SBQQ__Quote__c.object"])
    assert names == [b"Stripe_Status__c"]


def test_the_permission_set_alone_is_a_package(source):
    files = files_of(build_archive(source, Components(permission_set=True)))
    assert members_of(files) == {"PermissionSet": ["Stripe_Connector"]}


def test_the_same_components_make_the_same_bytes_whatever_the_time_and_the_order(source, everything):
    first = build_archive(source, everything)
    again = build_archive(
        read_source(share("salesforce")), Components(fields=everything.fields[::-1], permission_set=True)
    )
    assert first == again
    with zipfile.ZipFile(io.BytesIO(first)) as opened:
        assert {info.date_time for info in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_source_says_what_a_field_must_be(source):
    fields = {field.full_name: field for field in source.metadata.fields}
    marker = fields["blng__Payment__c.Stripe_Id__c"]
    assert (marker.type, marker.length, marker.unique, marker.case_sensitive, marker.external_id) == (
        "Text",
        255,
        True,
        True,
        True,
    )
    amount = fields["blng__Invoice__c.Stripe_Amount_Remaining__c"]
    assert (amount.type, amount.precision, amount.scale) == ("Currency", 18, 2)


def test_the_source_knows_which_package_an_object_comes_with(source):
    packages = source.metadata.packages
    assert packages["SBQQ__Quote__c"] == "Salesforce CPQ (namespace SBQQ)"
    assert packages["blng__Invoice__c"] == "Salesforce Billing (namespace blng)"
    assert "Account" not in packages


def test_the_source_says_what_the_permission_set_gives(source):
    grants = source.metadata.grants
    assert grants.objects["Account"] == {"read", "edit", "view all"}
    assert grants.fields["Account.Stripe_Id__c"] is True
    assert grants.fields["Contact.Email"] is False
