"""`setup salesforce` against the simulated org: from an org without our fields to one a sync works in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.config.places import share
from connector.core.errors import PrerequisiteError
from connector.core.metadata import Components
from connector.flows.setup_salesforce import make_plan, set_up
from connector.flows.setup_salesforce_plan import State, What
from connector.salesforce.deploy.archive import build_archive
from connector.salesforce.deploy.sending import run_deployment
from connector.salesforce.deploy.source import read_source
from connector.salesforce.deploy.target import OrgTarget
from connector.sandbox.http import Response
from tests.support.salesforce import Bench, client_of, client_options

SOURCE = read_source(share("salesforce"))


def target_of(bench, assignee=None):
    client = client_of(bench.org, client_options(bench.org), clock=bench.clock)
    return OrgTarget(client=client, clock=bench.clock, source=SOURCE, assignee=assignee)


def plan_of(bench, **given):
    return make_plan(target_of(bench, **given), SOURCE.metadata)[1]


def apply(bench, **given):
    return set_up(target_of(bench, **given), SOURCE.metadata, show=lambda *_: None)


def lose(org, permission):
    """Takes a permission away from the API user, whoever gave it."""
    for row in org.platform.rows("PermissionSet"):
        if row.get(permission):
            org.platform.update("PermissionSet", row["Id"], {permission: False})


@pytest.fixture
def bare():
    return Bench(metadata_dir=None)


def deployments(bench):
    """How many deployments the org took, trials included."""
    counted = []
    bench.org.faults = lambda request: (
        counted.append(1) if request.method == "POST" and "deployRequest" in request.path else None
    )
    return counted


def test_a_plan_changes_nothing_in_the_org(bare):
    plan = plan_of(bare)
    assert plan.validated
    assert len(plan.components.fields) == len(SOURCE.metadata.fields)
    assert plan_of(bare) == plan
    assert bare.org.platform.rows("PermissionSet", Name="Stripe_Connector") == []


def test_apply_makes_the_org_what_the_mapping_needs(bare):
    assert bare.system.check() != ()
    report = apply(bare)
    assert not report.blocked
    assert [finding.code for finding in bare.connect().check() if finding.severity.value == "blocker"] == []


def test_a_second_apply_says_nothing_to_do_and_sends_no_deployment(bare):
    apply(bare)
    counted = deployments(bare)
    report = apply(bare)
    assert counted == []
    assert report.plan.changes == report.plan.blocked == ()
    assert not report.blocked


def test_a_record_can_be_marked_after_the_deployment(bare):
    apply(bare)
    account = bare.account()
    client = client_of(bare.org, client_options(bare.org), clock=bare.clock)
    client.call("PATCH", f"sobjects/Account/{account}", action="mark", write=True, content={"Stripe_Id__c": "cus_1"})
    assert client.call("GET", f"sobjects/Account/{account}", action="look").body["Stripe_Id__c"] == "cus_1"


def test_an_interrupted_set_up_goes_on_where_it_stopped(bare):
    """The deployment is done, the assignment was refused: the next run only assigns."""
    bare.org.faults = lambda request: (
        Response(status=403, body=b'[{"errorCode":"INSUFFICIENT_ACCESS","message":"insufficient access"}]')
        if request.method == "POST" and request.path.endswith("/PermissionSetAssignment")
        else None
    )
    with pytest.raises(PrerequisiteError, match="the fields are deployed, only this is missing"):
        apply(bare)
    counted = deployments(bare)
    report = apply(bare)
    assert counted == []
    assert [step.what for step in report.plan.changes] == [What.ASSIGNMENT]
    assert {step.state for step in report.plan.steps if step.what is What.FIELD} == {State.HIDDEN}
    assert not report.blocked


def test_an_assignment_somebody_else_made_meanwhile_is_no_error(bare):
    """Salesforce answers DUPLICATE_VALUE, which is what was wanted."""
    apply(bare)
    set_id = bare.org.platform.rows("PermissionSet", Name="Stripe_Connector")[0]["Id"]
    target_of(bare).assign(set_id, bare.org.user_id)
    assigned = bare.org.platform.rows("PermissionSetAssignment", PermissionSetId=set_id)
    assert [row["AssigneeId"] for row in assigned] == [bare.org.user_id]


def test_without_the_billing_package_its_fields_are_named_and_nothing_is_sent():
    bench = Bench(metadata_dir=None, packages=("SBQQ",))
    counted = deployments(bench)
    report = apply(bench)
    assert counted == []
    assert report.blocked
    named = {step.name for step in report.plan.blocked if step.what is What.FIELD}
    assert named == {field.full_name for field in SOURCE.metadata.fields if field.object.startswith("blng__")}
    assert all("Salesforce Billing (namespace blng)" in step.remedy for step in report.plan.blocked)


@pytest.mark.parametrize(
    ("permission", "name"),
    [
        ("PermissionsModifyMetadata", "Modify Metadata Through Metadata API Functions"),
        ("PermissionsCustomizeApplication", "Customize Application"),
    ],
)
def test_a_missing_permission_is_named_and_the_rest_is_still_compared(bare, permission, name):
    lose(bare.org, permission)
    counted = deployments(bare)
    plan = plan_of(bare)
    assert counted == []
    assert not plan.validated
    (step,) = plan.blocked
    assert name in step.detail
    assert len(plan.components.fields) == len(SOURCE.metadata.fields)


def test_a_user_without_view_setup_can_still_set_up_a_bare_org(bare):
    lose(bare.org, "PermissionsViewSetup")
    report = apply(bare)
    assert report.after is not None
    assert report.deploy_id is not None
    assert {step.state for step in report.after.steps if step.what is What.FIELD} == {State.PRESENT}


def deploy_altered(bench, name, *, old, new):
    """Somebody has made the field `name` already, and not as we would."""
    text = SOURCE.field_texts[name]
    assert old in text
    altered = replace(SOURCE, field_texts={**SOURCE.field_texts, name: text.replace(old, new)})
    client = client_of(bench.org, client_options(bench.org), clock=bench.clock)
    archive = build_archive(altered, Components(fields=(name,)))
    assert run_deployment(client, bench.clock, archive, check_only=False).succeeded


def test_a_field_that_exists_and_differs_is_named_and_not_altered(bare):
    name = "Account.Stripe_Id__c"
    apply(bare)
    deploy_altered(bare, name, old=b"<unique>true</unique>", new=b"<unique>false</unique>")
    counted = deployments(bare)
    report = apply(bare)
    assert counted == []
    (step,) = report.plan.blocked
    assert (step.name, step.state) == (name, State.BLOCKED)
    assert "not unique" in step.detail
    assert plan_of(bare).blocked == (step,)


def test_a_hidden_field_of_another_type_is_found_by_the_trial(bare):
    name = "blng__Invoice__c.Stripe_Status__c"
    deploy_altered(bare, name, old=b"<type>Text</type>", new=b"<type>Url</type>")
    report = apply(bare)
    assert [step.name for step in report.plan.blocked] == [name]
    assert "Salesforce refuses it: Cannot change type" in report.plan.blocked[0].detail
    assert report.after is None


def test_an_org_that_does_not_say_which_objects_exist_is_still_planned(bare):
    """EntityDefinition is not readable: the trial of the deployment knows."""
    client = client_of(bare.org, client_options(bare.org), clock=bare.clock)
    real = client.composite

    def without_entities(parts):
        replies = real(parts)
        hidden = [place for place, part in enumerate(parts) if "EntityDefinition" in part.path]
        assert hidden
        return [
            replace(reply, status=400, body=[{"errorCode": "INVALID_TYPE"}]) if place in hidden else reply
            for place, reply in enumerate(replies)
        ]

    client.composite = without_entities
    target = OrgTarget(client=client, clock=bare.clock, source=SOURCE, assignee=None)
    assert not set_up(target, SOURCE.metadata, show=lambda *_: None).blocked


def test_the_permission_set_goes_to_the_user_that_was_named(bare):
    sam = next(row for row in bare.org.platform.rows("User") if row["Username"].startswith("sam"))
    report = apply(bare, assignee=sam["Username"])
    assigned = bare.org.platform.rows(
        "PermissionSetAssignment",
        PermissionSetId=bare.org.platform.rows("PermissionSet", Name="Stripe_Connector")[0]["Id"],
    )
    assert [row["AssigneeId"] for row in assigned] == [sam["Id"]]
    # the one who is signed in may not see the new fields: they are known to exist all the same
    assert {step.state for step in report.after.steps if step.what is What.FIELD} == {State.HIDDEN}
    assert not report.blocked


def test_an_unknown_user_is_said_before_anything_is_deployed(bare):
    counted = deployments(bare)
    report = apply(bare, assignee="nobody@example.com")
    assert counted == []
    assert [step.name for step in report.plan.blocked] == ["nobody@example.com"]
