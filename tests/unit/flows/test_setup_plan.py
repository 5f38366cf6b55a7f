"""What `setup salesforce` decides from what the org has: every case, without an org."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.core.metadata import (
    ComponentResult,
    DeployResult,
    FieldDefinition,
    Grants,
    Metadata,
    OrgState,
    PermissionSetSeen,
    Person,
)
from connector.flows.setup_salesforce_plan import State, What, plan_setup

ID_FIELD = FieldDefinition(
    object="blng__Invoice__c",
    name="Stripe_Id__c",
    label="Stripe Id",
    type="Text",
    length=255,
    unique=True,
    case_sensitive=True,
    external_id=True,
)
AMOUNT = FieldDefinition(
    object="blng__Invoice__c",
    name="Stripe_Amount__c",
    label="Stripe Amount",
    type="Currency",
    precision=18,
    scale=2,
)
GRANTS = Grants(
    objects={"Account": frozenset({"read", "edit"}), "blng__Invoice__c": frozenset({"read"})},
    fields={"blng__Invoice__c.Stripe_Id__c": True, "blng__Invoice__c.Stripe_Amount__c": True, "Account.Phone": False},
)
METADATA = Metadata(
    fields=(ID_FIELD, AMOUNT),
    permission_set="Stripe_Connector",
    permission_set_label="Stripe Connector",
    grants=GRANTS,
    packages={"blng__Invoice__c": "Salesforce Billing (namespace blng)"},
)
ROBOT = Person(id="005D000000001AAAAA", username="robot@example.com", is_active=True)
READY = OrgState(
    org_id="00D000000000001EAA",
    org_name="Example",
    is_sandbox=True,
    signed_in=ROBOT,
    assignee=ROBOT,
    assignee_name=ROBOT.username,
    lacking=(),
    objects=frozenset({"Account", "blng__Invoice__c"}),
    fields={ID_FIELD.full_name: ID_FIELD, AMOUNT.full_name: AMOUNT},
    given_fields=frozenset({ID_FIELD.full_name, AMOUNT.full_name}),
    permission_set=PermissionSetSeen(id="0PSD000000001AAAAA", grants=GRANTS),
    is_assigned=True,
)
EMPTY = replace(READY, fields={}, given_fields=frozenset(), permission_set=None, is_assigned=False)


def step_of(plan, name):
    (step,) = [step for step in plan.steps if step.name == name]
    return step


def field_step(seen, wanted=ID_FIELD, **org):
    state = replace(READY, fields={**READY.fields, wanted.full_name: seen}, **org)
    return step_of(plan_setup(METADATA, state), wanted.full_name)


def trial(*results, message=None):
    return DeployResult(
        id="0AfD000000001AAKAQ", components={result.name: result for result in results}, message=message
    )


def tried(name, *, created=True, problem=None):
    return ComponentResult(name=name, created=created, problem=problem)


# -- nothing to do, everything to do --------------------------------------------------------------------------------


def test_an_org_that_has_everything_needs_nothing():
    plan = plan_setup(METADATA, READY)
    assert plan.changes == plan.blocked == ()
    assert not plan.components
    assert not plan.assigns
    assert {step.state for step in plan.steps} == {State.PRESENT}


def test_an_empty_org_gets_every_field_the_permission_set_and_the_assignment():
    plan = plan_setup(METADATA, EMPTY)
    assert plan.blocked == ()
    assert plan.components.fields == (ID_FIELD.full_name, AMOUNT.full_name)
    assert plan.components.permission_set
    assert plan.assigns
    assert step_of(plan, ID_FIELD.full_name).detail == "Text(255), unique, case-sensitive, external id"
    assert step_of(plan, AMOUNT.full_name).detail == "Currency(16, 2)"


def test_only_what_is_missing_is_deployed():
    plan = plan_setup(METADATA, replace(READY, fields={ID_FIELD.full_name: ID_FIELD}, given_fields=frozenset()))
    assert plan.components.fields == (AMOUNT.full_name,)
    assert not plan.components.permission_set
    assert not plan.assigns


# -- fields that exist ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "fault", "wish"),
    [
        ({"length": 18}, "length 18 instead of 255", "set length 255"),
        ({"unique": False}, "not unique", "tick unique"),
        ({"case_sensitive": False}, "not case-sensitive", "tick case-sensitive"),
        ({"external_id": False}, "not an external id", "tick an external id"),
    ],
)
def test_a_field_that_differs_is_never_altered_and_named_with_what_to_do(change, fault, wish):
    step = field_step(replace(ID_FIELD, **change))
    assert step.state is State.BLOCKED
    assert fault in step.detail
    assert wish in step.remedy
    assert "Setup, Object Manager, blng__Invoice__c, Fields & Relationships, Stripe Id" in step.remedy


def test_all_differences_of_a_field_are_named_together():
    step = field_step(replace(ID_FIELD, length=18, unique=False, external_id=False))
    assert "length 18 instead of 255, not unique, not an external id" in step.detail


def test_a_field_of_another_type_cannot_become_ours():
    step = field_step(replace(ID_FIELD, type="textarea", length=32000))
    assert step.state is State.BLOCKED
    assert "type textarea instead of Text" in step.detail
    assert "without losing its values" in step.remedy
    assert "length" not in step.detail


def test_a_unique_field_where_none_is_wanted_differs_too():
    plain = replace(ID_FIELD, unique=False, case_sensitive=False, external_id=False)
    metadata = replace(METADATA, fields=(plain,))
    (step, *_) = plan_setup(metadata, replace(READY, fields={plain.full_name: replace(plain, unique=True)})).steps
    assert step.state is State.BLOCKED
    assert "untick unique" in step.remedy


@pytest.mark.parametrize("change", [{"length": 300}, {"label": "Our Stripe Id"}])
def test_a_longer_field_or_another_label_will_do(change):
    assert field_step(replace(ID_FIELD, **change)).state is State.PRESENT


@pytest.mark.parametrize("change", [{"precision": 10}, {"scale": 0}, {"scale": None}])
def test_an_amount_with_fewer_digits_will_not_do(change):
    step = field_step(replace(AMOUNT, **change), wanted=AMOUNT)
    assert step.state is State.BLOCKED
    assert "instead of" in step.detail


def test_nothing_at_all_is_deployed_while_a_field_stands_in_the_way():
    plan = plan_setup(METADATA, replace(EMPTY, fields={ID_FIELD.full_name: replace(ID_FIELD, unique=False)}))
    assert [step.name for step in plan.blocked] == [ID_FIELD.full_name]
    assert [step.name for step in plan.changes] == [AMOUNT.full_name, "Stripe_Connector", ROBOT.username]


# -- fields that cannot be seen ---------------------------------------------------------------------------------------


def test_a_field_some_permission_set_gives_exists_although_it_is_hidden():
    plan = plan_setup(METADATA, replace(READY, fields={}))
    assert {step.state for step in plan.steps if step.what is What.FIELD} == {State.HIDDEN}
    assert "robot@example.com may not see it" in step_of(plan, ID_FIELD.full_name).detail
    assert not plan.components


def test_a_field_the_trial_would_not_create_exists_and_is_left_out():
    answer = trial(tried(ID_FIELD.full_name, created=False), tried(AMOUNT.full_name), tried("Stripe_Connector"))
    plan = plan_setup(METADATA, EMPTY, answer)
    assert plan.validated
    assert step_of(plan, ID_FIELD.full_name).state is State.HIDDEN
    assert plan.components.fields == (AMOUNT.full_name,)


# -- packages ---------------------------------------------------------------------------------------------------------


def test_without_the_package_its_fields_are_named_with_the_reason():
    plan = plan_setup(METADATA, replace(EMPTY, objects=frozenset({"Account"})))
    step = step_of(plan, ID_FIELD.full_name)
    assert step.state is State.BLOCKED
    assert "the org has no object blng__Invoice__c; it comes with Salesforce Billing (namespace blng)" in step.detail
    assert step.remedy == "install Salesforce Billing (namespace blng), then run this command again"
    set_step = step_of(plan, "Stripe_Connector")
    assert set_step.state is State.BLOCKED
    assert "blng__Invoice__c" in set_step.detail
    assert not plan.components


# -- the permission set -----------------------------------------------------------------------------------------------


def granting(objects=None, fields=None):
    grants = Grants(objects={**GRANTS.objects, **(objects or {})}, fields={**GRANTS.fields, **(fields or {})})
    return replace(READY, permission_set=PermissionSetSeen(id="0PSD000000001AAAAA", grants=grants))


def test_a_permission_set_that_gives_less_is_set_again_and_says_what_it_lacks():
    state = granting(objects={"Account": frozenset({"read"})}, fields={ID_FIELD.full_name: False})
    plan = plan_setup(METADATA, state)
    step = step_of(plan, "Stripe_Connector")
    assert step.state is State.CHANGE
    assert step.detail == "will also give Account (edit), blng__Invoice__c.Stripe_Id__c (edit)"
    assert plan.components.permission_set
    assert plan.components.fields == ()


def test_a_permission_set_that_gives_more_is_left_alone():
    plan = plan_setup(METADATA, granting(fields={"Account.Website": True}))
    assert step_of(plan, "Stripe_Connector").state is State.PRESENT


def test_what_replacing_the_permission_set_takes_away_is_said_before():
    plan = plan_setup(METADATA, granting(objects={"Account": frozenset({"read"})}, fields={"Account.Website": True}))
    detail = step_of(plan, "Stripe_Connector").detail
    assert "it is replaced as a whole, which takes away Account.Website (edit)" in detail


def test_a_permission_set_that_may_not_be_read_is_set_again():
    plan = plan_setup(METADATA, replace(READY, permission_set=PermissionSetSeen(id="0PSD000000001AAAAA", grants=None)))
    step = step_of(plan, "Stripe_Connector")
    assert step.state is State.CHANGE
    assert "View Setup and Configuration" in step.detail


# -- the assignment ---------------------------------------------------------------------------------------------------


def test_a_missing_assignment_alone_needs_no_deployment():
    plan = plan_setup(METADATA, replace(READY, is_assigned=False))
    assert plan.assigns
    assert not plan.components
    assert [step.name for step in plan.changes] == [ROBOT.username]


@pytest.mark.parametrize("who", [None, replace(ROBOT, is_active=False)], ids=["unknown", "not active"])
def test_a_user_who_cannot_get_it_stands_in_the_way(who):
    plan = plan_setup(METADATA, replace(READY, assignee=who, is_assigned=False))
    (step,) = plan.blocked
    assert step.what is What.ASSIGNMENT
    assert "--user" in step.remedy


# -- rights and refusals ----------------------------------------------------------------------------------------------


def test_missing_permissions_are_named_as_setup_names_them():
    lacking = ("Modify Metadata Through Metadata API Functions", "Customize Application")
    (step,) = plan_setup(METADATA, replace(EMPTY, lacking=lacking)).blocked
    assert step.what is What.RIGHTS
    assert step.detail == (
        "may not deploy: lacks Modify Metadata Through Metadata API Functions and Customize Application"
    )
    assert "administrator" in step.remedy


def test_permissions_that_are_not_needed_are_not_missed():
    plan = plan_setup(METADATA, replace(READY, lacking=("Customize Application",)))
    assert plan.blocked == ()


def test_a_component_salesforce_refuses_is_shown_with_its_words():
    answer = trial(
        tried(ID_FIELD.full_name, problem="duplicate value found"),
        tried(AMOUNT.full_name),
        tried("Stripe_Connector", problem="no CustomField named X found"),
    )
    plan = plan_setup(METADATA, EMPTY, answer)
    assert [step.name for step in plan.blocked] == [ID_FIELD.full_name, "Stripe_Connector"]
    assert "Salesforce refuses it: duplicate value found" in step_of(plan, ID_FIELD.full_name).detail


def test_a_failure_about_no_component_is_shown_as_the_deployments():
    answer = trial(tried("package.xml", problem="version is not supported"), message=None)
    (step,) = plan_setup(METADATA, EMPTY, answer).blocked
    assert step.what is What.DEPLOYMENT
    assert "version is not supported" in step.detail


def test_a_deployment_that_fails_as_a_whole_is_shown_with_its_id():
    (step,) = plan_setup(METADATA, EMPTY, trial(message="UNKNOWN_EXCEPTION")).blocked
    assert (step.what, step.name) == (What.DEPLOYMENT, "0AfD000000001AAKAQ")
    assert "Setup, Deployment Status" in step.remedy


def test_a_step_as_json_has_no_remedy_where_none_is_needed():
    assert step_of(plan_setup(METADATA, EMPTY), ROBOT.username).as_dict() == {
        "what": "assignment",
        "name": "robot@example.com",
        "state": "create",
        "detail": "gets Stripe_Connector",
        "remedy": None,
    }
