"""Our requests on the wire, as cassettes recorded from the served sandbox.

Replayed without a server. A changed request finds no match and fails; when the change is meant, delete the
cassette and run once with RECORD_CASSETTES=1.
"""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
import vcr

from connector.config.mapping_loader import load_pack
from connector.core.model import Applied, Refusal
from connector.salesforce import connect
from connector.salesforce.describes import read_paths_of
from connector.sandbox.salesforce.org import Org
from connector.sandbox.server import Served
from tests.support.salesforce import OneClock, caller_of, client_options, update_of, upsert_of

CASSETTES = Path(__file__).parent / "cassettes"
PACK = load_pack(Path(__file__).parent / "pack")
RECORDING = os.environ.get("RECORD_CASSETTES") == "1"
#: The port all cassettes speak to; a recording's own port is rewritten to it.
PORT = 12112
#: What tells about the machine, the library's version or the account.
LEFT_OUT = ["authorization", "user-agent", "accept-encoding", "connection"]
MAPPED = {path.split(".")[0].lower() for paths in read_paths_of(PACK).values() for path in paths} | {
    "currencyisocode",
    "isdeleted",
    "stripe_id__c",
    "blng__type__c",
}


def _normalise(request):
    request.uri = f"http://127.0.0.1:{PORT}/" + request.uri.split("/", 3)[3]
    return request


def _shorten(response):
    """Keeps of a describe the fields the pack maps, of a sign-in no token."""
    body = json.loads(response["body"]["string"])
    if "access_token" in body:
        body |= {"access_token": "recorded", "signature": "recorded", "instance_url": f"http://127.0.0.1:{PORT}"}
    for part in body.get("compositeResponse", ()) if isinstance(body, dict) else ():
        if isinstance(part["body"], dict) and "fields" in part["body"]:
            shape = part["body"]
            shape["fields"] = [_field(field) for field in shape["fields"] if field["name"].lower() in MAPPED]
            shape["childRelationships"] = []
    response["body"]["string"] = json.dumps(body).encode()
    response["headers"].pop("Content-Length", None)
    return response


def _field(described):
    kept = ("name", "type", "createable", "updateable", "externalId", "unique", "caseSensitive", "picklistValues")
    return {name: described[name] for name in kept}


def _same_meaning(one, other):
    for name in ("sforce-call-options", "content-type", "x-prettyprint"):
        assert one.headers.get(name) == other.headers.get(name)


RECORDER = vcr.VCR(
    cassette_library_dir=str(CASSETTES),
    record_mode="once" if RECORDING else "none",
    before_record_request=_normalise,
    before_record_response=_shorten,
    filter_headers=LEFT_OUT,
    filter_post_data_parameters=[("client_secret", "recorded")],
    match_on=("method", "uri", "body", "our_headers"),
    path_transformer=vcr.VCR.ensure_suffix(".yaml"),
)
RECORDER.register_matcher("our_headers", _same_meaning)


@pytest.fixture
def world():
    """The system under test, and the ids of what people made in the org; the same ids at every run."""
    clock = OneClock()
    org = Org(clock=clock.sandbox, seed=11)
    account = org.create("Account", {"Name": "Müller & Söhne", "CurrencyIsoCode": "EUR"})
    product = org.create("Product2", {"Name": "Seat", "ProductCode": "S-1", "IsActive": True, "CurrencyIsoCode": "EUR"})
    invoice = org.create(
        "blng__Invoice__c",
        {
            "blng__Account__c": account,
            "blng__InvoiceDate__c": "2026-11-01",
            "blng__DueDate__c": "2026-12-01",
            "blng__InvoiceStatus__c": "Posted",
            "CurrencyIsoCode": "EUR",
        },
    )
    org.create(
        "blng__InvoiceLine__c",
        {
            "blng__Invoice__c": invoice,
            "blng__Product__c": product,
            "blng__Subtotal__c": Decimal("100.10"),
            "blng__TotalAmount__c": Decimal("119.12"),
            "blng__TaxAmount__c": Decimal("19.02"),
            "blng__Quantity__c": 1,
            "CurrencyIsoCode": "EUR",
        },
    )

    def system_at(url):
        return connect(client_options(org, login_url=url), pack=PACK, clock=clock, caller=caller_of(clock, attempts=1))

    ids = {"account": account, "product": product, "invoice": invoice}
    if not RECORDING:
        system = system_at(f"http://127.0.0.1:{PORT}")
        yield SimpleNamespace(system=system, **ids)
        system.close()
        return
    with Served(org) as served:
        system = system_at(served.url)
        yield SimpleNamespace(system=system, **ids)
        system.close()


def outcomes_of(system, *operations):
    found = {}
    system.apply(operations, lambda operation, outcome: found.setdefault(operation.idempotency_key, outcome))
    return found


def test_sign_in_identity_and_inspection(world):
    with RECORDER.use_cassette("identity") as cassette:
        identity = world.system.identify()
        assert identity.name == "Northwind Instruments"
        assert identity.multi_currency is True
        assert list(world.system.check()) == []
        assert world.system.quota.total == 5_000_000
    assert RECORDING or cassette.all_played


def test_a_first_poll_and_the_reading_of_what_it_names(world):
    with RECORDER.use_cassette("poll_and_fetch") as cassette:
        cursors = {}
        signals = set()
        for _ in range(2):
            for page in world.system.changes(dict(cursors), kinds=["product", "customer", "invoice"]):
                signals |= {(signal.key.kind, signal.key.id) for signal in page.signals}
                cursors |= {cursor.stream: cursor for cursor in page.cursors}
        assert signals == {("customer", world.account), ("product", world.product), ("invoice", world.invoice)}
        records = world.system.fetch_many(
            {"customer": [world.account], "product": [world.product], "invoice": [world.invoice]},
            select={"product": [world.product]},
        )
        by_kind = {key.kind: record for key, record in records.items()}
        assert by_kind["customer"].fields["Name"] == "Müller & Söhne"
        assert by_kind["product"].selected
        assert by_kind["invoice"].fields["blng__TotalAmount__c"] == Decimal("119.12")
        assert by_kind["invoice"].lines[0]["blng__TaxAmount__c"] == Decimal("19.02")
    assert RECORDING or cassette.all_played


def test_writes_by_id_and_by_mark(world):
    payment = {
        "blng__Account__c": world.account,
        "blng__Amount__c": Decimal("50.10"),
        "blng__PaymentDate__c": "2026-11-02",
        "CurrencyIsoCode": "EUR",
    }
    with RECORDER.use_cassette("writes") as cassette:
        outcomes = outcomes_of(
            world.system,
            update_of(
                "blng__Invoice__c",
                world.invoice,
                {"Stripe_Id__c": "in_1", "Stripe_Amount_Remaining__c": Decimal("119.12")},
            ),
            update_of("Account", world.account, {"Stripe_Id__c": "cus_1", "Phone": None}),
            upsert_of("blng__Payment__c", "pi_1", payment),
            upsert_of("blng__Payment__c", "pi_2", {"blng__Account__c": world.account}),
        )
        assert outcomes[world.invoice] == Applied(target_id=world.invoice)
        assert outcomes["pi_1"].created is True
        assert isinstance(outcomes["pi_2"], Refusal)
        recovered = outcomes_of(world.system, upsert_of("blng__Payment__c", "pi_1", payment, attempts=2))
        assert recovered["pi_1"] == Applied(target_id=outcomes["pi_1"].target_id, created=False)
        found = world.system.find("payment", ["pi_1", "pi_2"])
        assert found["pi_1"].fields["blng__Amount__c"] == Decimal("50.1")
        assert found.keys() == {"pi_1"}
    assert RECORDING or cassette.all_played
