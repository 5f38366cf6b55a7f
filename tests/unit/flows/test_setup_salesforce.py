"""The order of `setup salesforce`: nothing is written before it was shown and tried, and never twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.core.errors import PrerequisiteError, Refused, Unfinished
from connector.core.metadata import ComponentResult, DeployResult
from connector.core.model import Side
from connector.flows.setup_salesforce import make_plan, set_up
from tests.unit.flows.test_setup_plan import AMOUNT, EMPTY, ID_FIELD, METADATA, READY

DEPLOY_ID = "0AfD000000002AAKAQ"


class FakeTarget:
    """An org that becomes ready by a deployment and an assignment, unless told otherwise."""

    def __init__(self, state, *, trial=None, deployed=None, becomes=READY):
        self.state = state
        self.trial = trial or DeployResult(id="0AfD000000001AAKAQ", components={})
        self.deployed = deployed or DeployResult(id=DEPLOY_ID, components={})
        self.becomes = becomes
        self.log = []

    def fetch_state(self):
        return self.state

    def deploy(self, components, *, check_only):
        self.log.append(("try" if check_only else "deploy", components.fields, components.permission_set))
        if check_only:
            return self.trial
        if self.deployed.succeeded:
            self.state = replace(self.becomes, is_assigned=self.state.is_assigned)
        return self.deployed

    def assign(self, permission_set_id, user_id):
        self.log.append(("assign", permission_set_id, user_id))
        self.state = replace(self.state, is_assigned=True)


def shown(target):
    return lambda _, plan: target.log.append(("show", len(plan.changes)))


def apply(target):
    return set_up(target, METADATA, show=shown(target))


EVERYTHING = ((ID_FIELD.full_name, AMOUNT.full_name), True)


def test_a_plan_tries_the_deployment_and_writes_nothing():
    target = FakeTarget(EMPTY)
    _, plan = make_plan(target, METADATA)
    assert target.log == [("try", *EVERYTHING)]
    assert plan.validated


def test_apply_tries_shows_deploys_and_assigns_in_this_order():
    target = FakeTarget(EMPTY)
    report = apply(target)
    assert target.log == [
        ("try", *EVERYTHING),
        ("show", 4),
        ("deploy", *EVERYTHING),
        ("assign", READY.permission_set.id, READY.assignee.id),
    ]
    assert report.deploy_id == DEPLOY_ID
    assert not report.blocked
    assert report.after.changes == ()


def test_a_second_apply_sends_no_deployment_not_even_a_trial():
    target = FakeTarget(EMPTY)
    apply(target)
    target.log.clear()
    report = apply(target)
    assert target.log == [("show", 0)]
    assert report.after is None
    assert not report.blocked


def test_a_missing_assignment_alone_is_made_without_a_deployment():
    target = FakeTarget(replace(READY, is_assigned=False))
    report = apply(target)
    assert [entry[0] for entry in target.log] == ["show", "assign"]
    assert report.deploy_id is None
    assert not report.blocked


@pytest.mark.parametrize(
    "state",
    [
        replace(EMPTY, lacking=("Customize Application",)),
        replace(EMPTY, objects=frozenset({"Account"})),
        replace(EMPTY, fields={ID_FIELD.full_name: replace(ID_FIELD, type="textarea")}),
        replace(EMPTY, assignee=None),
    ],
    ids=["no right to deploy", "no package", "another field", "no user"],
)
def test_what_stands_in_the_way_is_shown_and_nothing_is_sent(state):
    target = FakeTarget(state)
    report = apply(target)
    assert [entry[0] for entry in target.log] == ["show"]
    assert report.blocked
    assert report.after is None


def test_what_the_trial_refuses_is_not_deployed():
    refused = ComponentResult(name=ID_FIELD.full_name, created=False, problem="no")
    target = FakeTarget(EMPTY, trial=DeployResult(id="0AfD000000001AAKAQ", components={refused.name: refused}))
    report = apply(target)
    assert [entry[0] for entry in target.log] == ["try", "show"]
    assert report.blocked


def test_a_field_the_trial_found_is_left_out_of_the_deployment():
    found = ComponentResult(name=ID_FIELD.full_name, created=False)
    target = FakeTarget(EMPTY, trial=DeployResult(id="0AfD000000001AAKAQ", components={found.name: found}))
    apply(target)
    assert ("deploy", (AMOUNT.full_name,), True) in target.log


def test_a_deployment_that_fails_after_its_trial_is_an_error_with_every_component():
    failed = ComponentResult(name="Stripe_Connector", created=False, problem="the licence does not allow it")
    target = FakeTarget(
        EMPTY, deployed=DeployResult(id=DEPLOY_ID, components={failed.name: failed}, message="rolled back")
    )
    with pytest.raises(PrerequisiteError) as caught:
        apply(target)
    assert [problem.where for problem in caught.value.problems] == ["Stripe_Connector", "the deployment"]
    assert "the licence does not allow it" in str(caught.value)
    assert DEPLOY_ID in str(caught.value)
    assert "assign" not in [entry[0] for entry in target.log]


def test_a_deployment_that_does_not_end_assigns_nothing():
    class Slow(FakeTarget):
        def deploy(self, components, *, check_only):
            if check_only:
                return super().deploy(components, check_only=True)
            raise Unfinished("still InProgress", side=Side.SALESFORCE, action="deploy")

    target = Slow(EMPTY)
    with pytest.raises(Unfinished):
        apply(target)
    assert "assign" not in [entry[0] for entry in target.log]


def test_a_field_that_shows_afterwards_to_be_different_is_reported():
    other = replace(READY, fields={**READY.fields, ID_FIELD.full_name: replace(ID_FIELD, unique=False)})
    report = apply(FakeTarget(EMPTY, becomes=other))
    assert report.blocked
    assert [step.name for step in report.after.blocked] == [ID_FIELD.full_name]


def test_what_did_not_come_about_is_not_called_done():
    report = apply(FakeTarget(EMPTY, becomes=replace(READY, fields={}, given_fields=frozenset())))
    assert report.blocked
    assert [step.name for step in report.after.changes] == [ID_FIELD.full_name, AMOUNT.full_name]


class Refusing(FakeTarget):
    """Takes everything but one request."""

    def __init__(self, state, *, refuses):
        super().__init__(state)
        self.refuses = refuses

    def deploy(self, components, *, check_only):
        self.refuse("try" if check_only else "deploy")
        return super().deploy(components, check_only=check_only)

    def assign(self, permission_set_id, user_id):
        self.refuse("assign")

    def refuse(self, what):
        if what == self.refuses:
            raise Refused("no access", side=Side.SALESFORCE, action=what, status=403, code="INSUFFICIENT_ACCESS")


@pytest.mark.parametrize(
    ("refuses", "where", "remedy"),
    [
        ("try", "user robot@example.com", "Modify Metadata Through Metadata API Functions and Customize Application"),
        ("assign", "assignment to robot@example.com", "the fields are deployed, only this is missing"),
    ],
)
def test_a_request_that_is_not_taken_at_all_is_explained(refuses, where, remedy):
    with pytest.raises(PrerequisiteError) as caught:
        apply(Refusing(EMPTY, refuses=refuses))
    (problem,) = caught.value.problems
    assert problem.where == where
    assert "INSUFFICIENT_ACCESS: no access" in problem.observed
    assert remedy in problem.remedy


def test_a_permission_set_that_cannot_be_seen_after_its_deployment_is_an_error_with_a_remedy():
    with pytest.raises(PrerequisiteError, match="View Setup"):
        apply(FakeTarget(EMPTY, becomes=replace(READY, permission_set=None)))
