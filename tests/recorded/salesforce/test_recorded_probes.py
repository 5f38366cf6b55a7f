"""The verifier's probes on answers of a real org (recordings `cumulusci`) and of a well-worn client (`restforce`)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from connector.core.verify.evidence import NotReadable, Seen, Unreadable
from connector.salesforce.inspect import identity, packages
from connector.salesforce.inspect.inspector import SalesforceInspector
from connector.salesforce.inspect.probe import Answer, Known
from connector.salesforce.soql import record_id
from tests.support.salesforce import Script, answer, client_of, shipped_pack

SHARED = Path(os.environ.get("CONNECTOR_SHARED", Path(__file__).resolve().parents[4] / "shared"))
CUMULUSCI = SHARED / "recordings" / "cumulusci"
RESTFORCE = SHARED / "recordings" / "restforce"

needs_cumulusci = pytest.mark.skipif(not CUMULUSCI.is_dir(), reason="recordings cumulusci are not here")
needs_restforce = pytest.mark.skipif(not RESTFORCE.is_dir(), reason="recordings restforce are not here")

#: nothing was asked before
NOTHING = Known(pack=shipped_pack(), options={}, evidence={})
#: the recorder replaced the org's id by one whose checksum does not fit
ORG_ID = record_id("00D0xORGID00000")


def recorded(name, part):
    """The body of the first recorded answer whose request names `part`."""
    interactions = json.loads((CUMULUSCI / f"{name}.json").read_text())["interactions"]
    return next(each["response"]["body"] for each in interactions if part in each["request"]["path"])


def body_of(name):
    return json.loads((RESTFORCE / f"{name}.json").read_text())


def reading(probe_read, ask, body, known=NOTHING):
    return probe_read(known, [Answer(ask=ask, body=body)])


TOOLING = "ManualEditTestApexIntegrationTests.test_run_tests__integration_test"


@needs_cumulusci
def test_a_recorded_list_of_packages_without_names_and_versions_is_read():
    """That client asked for less than we do: what is absent is unknown, and the package is there."""
    body = recorded(TOOLING, "InstalledSubscriberPackage")
    (row,) = reading(packages.read_packages, packages.INSTALLED, body).rows
    assert (row.namespace, row.version) == ("pub", None)
    assert row.version_text == "version unknown"


@needs_cumulusci
def test_the_recorded_version_of_that_package_is_read():
    listed = recorded(TOOLING, "InstalledSubscriberPackage")
    version = recorded(TOOLING, "SubscriberPackageVersion%20WHERE")["records"][0]
    listed["records"][0]["SubscriberPackageVersion"] = version
    (row,) = reading(packages.read_packages, packages.INSTALLED, listed).rows
    assert (row.version, row.version_id) == ((1, 5, 0, 1), "04ti0000000GSu9AAG")


@needs_cumulusci
def test_the_recorded_version_is_no_beta():
    # stands for CPQ: only packages that matter are looked at closely
    listed = recorded(TOOLING, "InstalledSubscriberPackage")
    version = recorded(TOOLING, "SubscriberPackageVersion%20WHERE")
    listed["records"][0] |= {"SubscriberPackageVersion": version["records"][0]}
    listed["records"][0]["SubscriberPackage"]["NamespacePrefix"] = "SBQQ"
    installed = reading(packages.read_packages, packages.INSTALLED, listed)
    known = Known(pack=shipped_pack(), options={}, evidence={"packages": Seen(value=installed, source="recorded")})
    (found,) = reading(packages.read_versions, packages.INSTALLED, version, known).rows
    assert (found.is_beta, found.is_deprecated, found.remote_sites, found.csp_sites) == (False, False, (), ())


@needs_cumulusci
def test_a_recorded_organisation_is_both_a_sandbox_and_a_developer_edition():
    """A scratch org: its edition alone would not tell that it is a sandbox."""
    row = {**recorded("GET_sobjects_Organization", "sobjects/Organization"), "Id": ORG_ID}
    org = reading(identity.read_organization, identity.ORGANIZATION, {"records": [row], "done": True})
    assert (org.name, org.is_sandbox, org.edition) == ("CumulusCI - Dev Workspace", True, "Developer Edition")
    assert org.instance == "CS420"
    assert org.trial_expires is not None


@needs_cumulusci
def test_a_recorded_list_of_all_objects_is_read():
    body = recorded("GET_sobjects_Global_describe", "sobjects")
    names = reading(packages.read_objects, identity.LIMITS, body).names
    assert "Account" in names
    assert "SBQQ__Quote__c" not in names


@needs_restforce
def test_recorded_versions_are_read_as_they_are_written():
    """One of them has no decimals."""
    offered = reading(identity.read_versions, identity.LIMITS, body_of("services_data_success_response")).offered
    assert offered == ("20.0", "100")


@needs_restforce
def test_a_recorded_list_of_objects_of_an_old_version_is_read():
    names = reading(packages.read_objects, identity.LIMITS, body_of("list_sobjects_success_response")).names
    assert names == {"Account"}


@needs_restforce
def test_a_recorded_empty_answer_is_no_package_and_no_organisation():
    empty = body_of("query_empty_response")
    assert reading(packages.read_packages, packages.INSTALLED, empty).rows == ()
    with pytest.raises(NotReadable, match="cannot see"):
        reading(identity.read_organization, identity.ORGANIZATION, empty)


@needs_restforce
def test_a_recorded_expired_session_is_said_and_is_no_evidence():
    body = (RESTFORCE / "expired_session_response.json").read_bytes()
    script = Script(*(answer(body, status=401) for _ in range(4)))
    inspector = SalesforceInspector(client=client_of(script), pack=shipped_pack(), options={})
    found = inspector.inspect(["global_objects"])["global_objects"]
    assert isinstance(found, Unreadable)
    assert found.permission is None
    assert "session" in found.reason.lower()


@needs_restforce
def test_recorded_pages_are_put_together():
    """The recorded path names version 26.0; here it names ours, below which alone pages are followed."""
    first = body_of("query_paginated_first_page_response")
    first["nextRecordsUrl"] = first["nextRecordsUrl"].replace("v26.0", "v67.0")
    last = body_of("query_paginated_last_page_response")
    for page in (first, last):
        text = page["records"][0].pop("Text_Label")
        page["records"][0] |= {"NamespacePrefix": text, "Name": text}
    reply = {"body": first, "httpStatusCode": 200, "httpHeaders": {}, "referenceId": "part0"}
    script = Script(lambda request: answer({"compositeResponse": [_named(reply, request)]}), answer(last))
    inspector = SalesforceInspector(client=client_of(script), pack=shipped_pack(), options={})
    found = inspector.inspect(["publishers"])["publishers"]
    assert [row.name for row in found.value.rows] == ["First Page", "Last Page"]
    assert script.is_done


def _named(reply, request):
    (part,) = json.loads(request.body)["compositeRequest"]
    return {**reply, "referenceId": part["referenceId"]}
