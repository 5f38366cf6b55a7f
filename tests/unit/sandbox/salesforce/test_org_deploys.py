"""Metadata deployments over REST, and what the permission sets they bring do to the API user's view."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from xml.etree import ElementTree as ET

import pytest

from connector.sandbox.http import Request
from connector.sandbox.salesforce.metadata import shipped_metadata_dir
from connector.sandbox.salesforce.org import Org
from tests.unit.sandbox.salesforce.conftest import ROOT, Answer, Api
from tests.unit.sandbox.salesforce.test_org_tooling import lose

SPACE = "http://soap.sforce.com/2006/04/metadata"
FIELD = (
    "<fields><fullName>{name}</fullName><label>Stripe Id</label><type>{type}</type><length>255</length>"
    "<externalId>true</externalId><unique>true</unique><caseSensitive>true</caseSensitive></fields>"
)


@pytest.fixture
def bare(clock):
    """An org with the packages and without any of our fields."""
    return Api(Org(clock=clock, seed=7, metadata_dir=None))


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def manifest(**types):
    listed = "".join(
        f"<types>{''.join(f'<members>{member}</members>' for member in members)}<name>{name}</name></types>"
        for name, members in types.items()
    )
    return f'<?xml version="1.0"?><Package xmlns="{SPACE}">{listed}<version>67.0</version></Package>'


def object_file(*fields):
    return f'<CustomObject xmlns="{SPACE}">{"".join(fields)}</CustomObject>'


def one_field(name="Stripe_Id__c", kind="Text", sobject="Account"):
    return {
        "package.xml": manifest(CustomField=[f"{sobject}.{name}"]),
        f"objects/{sobject}.object": object_file(FIELD.format(name=name, type=kind)),
    }


def shipped():
    """The shipped metadata in the package format, made the way any tool converts it."""
    source = shipped_metadata_dir() / "force-app/main/default"
    objects = {}
    for path in sorted(source.glob("objects/*/fields/*.xml")):
        root = ET.parse(path).getroot()
        root.tag = f"{{{SPACE}}}fields"
        objects.setdefault(path.parent.parent.name, []).append(ET.tostring(root, encoding="unicode"))
    files = {f"objects/{name}.object": object_file(*fields) for name, fields in objects.items()}
    for path in source.glob("permissionsets/*.xml"):
        files[f"permissionsets/{path.name.removesuffix('-meta.xml')}"] = path.read_text()
    return {**files, "package.xml": (shipped_metadata_dir() / "manifest/package.xml").read_text()}


def send(api, files, *, base64_part=False, raw=None, **options):
    package = zipped(files) if raw is None else raw
    encoding = b""
    if base64_part:
        package, encoding = (
            base64.encodebytes(package).replace(b"\n", b"\r\n"),
            b"Content-Transfer-Encoding: base64\r\n",
        )
    body = b"\r\n".join(
        [
            b"--xyz",
            b'Content-Disposition: form-data; name="json"\r\nContent-Type: application/json\r\n',
            json.dumps({"deployOptions": options}).encode(),
            b"--xyz",
            b'Content-Disposition: form-data; name="file"; filename="deploy.zip"\r\n'
            b"Content-Type: application/zip\r\n" + encoding,
            package,
            b"--xyz--\r\n",
        ]
    )
    headers = {"authorization": f"Bearer {api.org.access_token}", "content-type": "multipart/form-data; boundary=xyz"}
    request = Request(method="POST", path=f"{ROOT}/metadata/deployRequest", headers=headers, body=body)
    return Answer(api.org.handle(request))


def outcome(api, started):
    """Asks until it is done; the statuses seen, and the last result."""
    seen = [started.body["deployResult"]["status"]]
    while True:
        result = api.get(f"/metadata/deployRequest/{started.body['id']}?includeDetails=true").body["deployResult"]
        seen.append(result["status"])
        if result["done"]:
            return seen, result


def field_names(api, sobject):
    return {field["name"] for field in api.get(f"/sobjects/{sobject}/describe").body["fields"]}


@pytest.mark.parametrize("base64_part", [False, True], ids=["binary", "base64"])
def test_deploying_what_ships_makes_the_fields_exist_and_assigning_makes_them_seen(bare, base64_part):
    started = send(bare, shipped(), base64_part=base64_part, rollbackOnError=True, singlePackage=True)
    assert (started.status, started.body["id"][:3]) == (201, "0Af")
    assert started.body["deployOptions"]["rollbackOnError"] is True
    seen, result = outcome(bare, started)
    assert seen == ["Pending", "InProgress", "Succeeded"]
    assert (result["success"], result["numberComponentErrors"], result["numberComponentsTotal"]) == (True, 0, 14)
    assert result["numberComponentsDeployed"] == 14
    details = {one["fullName"]: one for one in result["details"]["componentSuccesses"]}
    assert details["Account.Stripe_Id__c"]["created"] is True
    assert details["Stripe_Connector"]["componentType"] == "PermissionSet"
    assert details["package.xml"]["componentType"] == ""
    assert "Stripe_Id__c" in bare.org.database.objects["Account"].fields

    assert "Stripe_Id__c" not in field_names(bare, "Account")
    assert bare.query("SELECT Stripe_Id__c FROM Account").code == "INVALID_FIELD"
    (granted,) = bare.rows("SELECT Id FROM PermissionSet WHERE Name = 'Stripe_Connector'")
    assignment = {"AssigneeId": bare.org.user_id, "PermissionSetId": granted["Id"]}
    assert bare.call("POST", "/sobjects/PermissionSetAssignment", assignment).status == 201
    assert "Stripe_Id__c" in field_names(bare, "Account")
    assert bare.call("PATCH", "/sobjects/Account/Stripe_Id__c/cus_1", {"Name": "New"}).status == 201
    again = bare.call("POST", "/sobjects/PermissionSetAssignment", assignment)
    assert (again.status, again.code) == (400, "DUPLICATE_VALUE")


def test_deploying_twice_changes_nothing(bare):
    outcome(bare, send(bare, shipped()))
    _, result = outcome(bare, send(bare, shipped()))
    changed = [one["fullName"] for one in result["details"]["componentSuccesses"] if one["changed"] or one["created"]]
    assert (result["status"], changed) == ("Succeeded", [])


def test_a_changed_permission_set_is_reported_as_changed(bare):
    outcome(bare, send(bare, shipped()))
    files = shipped()
    name = "permissionsets/Stripe_Connector.permissionset"
    files[name] = files[name].replace("<label>", "<label>New ", 1)
    _, result = outcome(bare, send(bare, files))
    assert [one["fullName"] for one in result["details"]["componentSuccesses"] if one["changed"]] == [
        "Stripe_Connector"
    ]
    assert not [one for one in result["details"]["componentSuccesses"] if one["created"]]


def test_a_check_only_says_what_would_happen_and_does_nothing(bare):
    _, result = outcome(bare, send(bare, shipped(), checkOnly=True))
    assert (result["status"], result["checkOnly"]) == ("Succeeded", True)
    assert result["details"]["componentSuccesses"][1]["created"] is True
    assert "Stripe_Id__c" not in bare.org.database.objects["Account"].fields
    assert bare.rows("SELECT Id FROM PermissionSet WHERE Name = 'Stripe_Connector'") == []


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (one_field(sobject="Nope__c"), "named 'Nope__c' cannot be found"),
        (one_field(kind="Lookup"), "Lookup"),
        ({"objects/Account.object": object_file()}, "No package.xml found"),
        ({**one_field(), "package.xml": manifest(CustomField=["Account.Other__c"])}, "not in package.xml"),
        ({"package.xml": manifest(PermissionSet=["Gone"])}, "was not found in zipped directory"),
        ({**one_field(), "objects/Account.object": "<CustomObject"}, "Error parsing file: not well-formed"),
        ({**one_field(), "flows/A.flow": "<Flow/>"}, "cannot deploy"),
        (
            {
                "package.xml": manifest(PermissionSet=["P"]),
                "permissionsets/P.permissionset": f'<PermissionSet xmlns="{SPACE}"><label>P</label><fieldPermissions>'
                "<field>Account.Nope__c</field><readable>true</readable></fieldPermissions></PermissionSet>",
            },
            "no CustomField named Account.Nope__c found",
        ),
    ],
    ids=["object", "type", "manifest", "unlisted", "missing", "xml", "kind", "field"],
)
def test_what_a_deployment_refuses_is_told_per_component_and_keeps_the_rest_out(bare, files, words):
    _, result = outcome(bare, send(bare, {**files}))
    assert (result["status"], result["success"]) == ("Failed", False)
    problems = [one["problem"] for one in result["details"]["componentFailures"]]
    assert result["numberComponentErrors"] == len(problems)
    assert any(words in problem for problem in problems)
    assert {one["problemType"] for one in result["details"]["componentFailures"]} == {"Error"}
    assert "Stripe_Id__c" not in bare.org.database.objects["Account"].fields


def test_without_rollback_the_good_components_stay(bare):
    files = {
        "package.xml": manifest(CustomField=["Account.Stripe_Id__c", "Nope__c.A__c"]),
        "objects/Account.object": object_file(FIELD.format(name="Stripe_Id__c", type="Text")),
        "objects/Nope__c.object": object_file(FIELD.format(name="A__c", type="Text")),
    }
    _, result = outcome(bare, send(bare, files, rollbackOnError=False))
    assert (result["status"], result["numberComponentErrors"]) == ("Failed", 1)
    assert "Stripe_Id__c" in bare.org.database.objects["Account"].fields


def test_a_type_cannot_change(bare):
    outcome(bare, send(bare, one_field()))
    _, result = outcome(bare, send(bare, one_field(kind="Url")))
    assert "Cannot change type" in result["details"]["componentFailures"][0]["problem"]


def test_requests_that_are_no_deployment(bare):
    assert send(bare, {}, raw=b"no zip").status == 400
    assert send(bare, one_field(), allowMissingFiles=True).code == "INVALID_REQUEST"
    assert send(bare, one_field(), nonsense=True).code == "JSON_PARSER_ERROR"
    assert bare.call("POST", "/metadata/deployRequest", {}).status == 415
    assert bare.get("/metadata/deployRequest").status == 405
    assert bare.get("/metadata/deployRequest/0Af000000000001AAA").status == 404
    lose(bare.org, "PermissionsModifyMetadata")
    assert send(bare, one_field()).status == 403


def test_a_read_only_grant_makes_a_read_only_field(bare):
    outcome(bare, send(bare, one_field()))
    rights = {"PermissionsManageProfilesPermissionsets": True}
    granted = bare.org.platform.create("PermissionSet", {"Name": "R", "Label": "R", **rights})
    bare.org.platform.assign(granted, bare.org.user_id)
    field = {"ParentId": granted, "SobjectType": "Account", "Field": "Account.Stripe_Id__c", "PermissionsRead": True}
    made = bare.call("POST", "/sobjects/FieldPermissions", field)
    assert made.status == 201
    (found,) = [f for f in bare.get("/sobjects/Account/describe").body["fields"] if f["name"] == "Stripe_Id__c"]
    assert (found["createable"], found["updateable"], found["externalId"]) == (False, False, True)
    bare.call("PATCH", f"/sobjects/FieldPermissions/{made.body['id']}", {"PermissionsEdit": True})
    assert bare.call("PATCH", "/sobjects/Account/Stripe_Id__c/cus_1", {"Name": "New"}).status == 201


def test_taking_the_permission_set_away_hides_the_fields(api, org):
    assert "Stripe_Id__c" in field_names(api, "Account")
    (row,) = api.rows("SELECT Id FROM PermissionSetAssignment WHERE PermissionSet.Name = 'Stripe_Connector'")
    assert api.call("DELETE", f"/sobjects/PermissionSetAssignment/{row['Id']}").status == 204
    assert "Stripe_Id__c" not in field_names(api, "Account")
    assert "Name" in field_names(api, "Account")


def test_a_restarted_org_still_has_what_was_deployed(bare, clock):
    outcome(bare, send(bare, shipped()))
    bare.org.create("Account", {"Name": "A", "Stripe_Id__c": "cus_1"})
    saved = json.loads(json.dumps(bare.org.dump()))
    again = Org(clock=clock, seed=7, metadata_dir=None)
    again.load(saved)
    (account,) = again.ids("Account")
    assert again.get("Account", account)["Stripe_Id__c"] == "cus_1"
    assert again.platform.row("PermissionSet", Name="Stripe_Connector")
