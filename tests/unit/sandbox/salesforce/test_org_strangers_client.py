"""simple-salesforce, as anybody would use it, against the org."""

from __future__ import annotations

import pytest
import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)

from connector.sandbox.transport import InProcessAdapter

HOST = "org.my.salesforce.com"


@pytest.fixture
def client(org):
    session = requests.Session()
    session.mount("https://", InProcessAdapter(org))
    yield Salesforce(instance=HOST, session_id=org.access_token, session=session, version="67.0")
    session.close()


def test_records(client, org):
    made = client.Account.create({"Name": "Acme"})
    assert made["success"] is True
    assert client.Account.get(made["id"])["Name"] == "Acme"
    assert client.Account.update(made["id"], {"Phone": "1"}) == 204
    assert client.Account.upsert("Stripe_Id__c/cus_1", {"Name": "New"}) == 201
    assert client.Account.get_by_custom_id("Stripe_Id__c", "cus_1")["Name"] == "New"
    assert client.Account.delete(made["id"]) == 204
    assert len(org.ids("Account")) == 1


def test_queries_with_paging(client, org):
    org.max_page_size = 200
    org.create_many([("Account", {"Name": f"A{number}"}) for number in range(450)])
    found = client.query_all("SELECT Id FROM Account")
    assert (found["totalSize"], len(found["records"])) == (450, 450)
    assert len(list(client.query_all_iter("SELECT Id FROM Account"))) == 450


def test_describe_limits_and_composite(client, account):
    assert client.Account.describe()["name"] == "Account"
    assert {"Account", "Contact"} <= {entry["name"] for entry in client.describe()["sobjects"]}
    assert client.limits()["DailyApiRequests"]["Max"] == 5_000_000
    assert client.api_usage["api-usage"].total == 5_000_000
    body = {"compositeRequest": [{"method": "GET", "url": "/services/data/v67.0/sobjects/Account", "referenceId": "a"}]}
    answer = client.restful("composite", method="POST", json=body)
    assert answer["compositeResponse"][0]["httpStatusCode"] == 200


def test_errors_become_its_exceptions(client, org):
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_FIELD"):
        client.query("SELECT Nope FROM Account")
    with pytest.raises(SalesforceResourceNotFound):
        client.Account.get("001000000000009AAA")
    org.expire_tokens()
    with pytest.raises(SalesforceExpiredSession):
        client.query("SELECT Id FROM Account")
