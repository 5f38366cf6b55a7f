"""Customers, clerks and sales people of the demo, with plain HTTP clients of their own.

They know the two public APIs and nothing of connector: what they do reaches it as it would in life.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import requests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from connector.cli.demo.sandbox_process import Connection

_TIMEOUT_S: Final = 30
_DECLINED: Final = 402
_TOO_MANY: Final = 429
#: currencies whose amounts are hundredths; the partial payment halves one
_HUNDREDTHS: Final = ("usd", "eur")
_INVOICES_NEEDED: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One thing somebody did."""

    what: str
    #: the record it was done to
    subject: str
    #: where it was done: `salesforce` or `stripe`
    side: str
    #: whether it is to be seen on the other side by now; None where nothing of it goes there
    arrived: Callable[[], bool] | None


@dataclass(slots=True)
class People:
    connection: Connection
    today: datetime
    _http: requests.Session = field(default_factory=requests.Session)

    def act(self) -> Iterator[Deed]:
        """Does everything the demo is about, one deed after the other."""
        payable = [invoice for invoice in self._open_invoices() if invoice["currency"] in _HUNDREDTHS]
        if len(payable) < _INVOICES_NEEDED:
            needed = f"the story needs {_INVOICES_NEEDED}"
            raise AssertionError(f"the sandbox's data leave {len(payable)} payable invoices, {needed}")
        declined, partial, cheque, rebilled, *paying = payable
        for invoice in paying[: max(2, len(paying) // 2)]:
            yield self._pay_by_card(invoice)
        yield self._fail_to_pay(declined)
        yield self._pay_half(partial)
        yield self._book_cheque(cheque)
        yield self._rebill(rebilled)
        yield self._accept_quote()
        yield self._change_phone()

    def has_payable(self) -> bool:
        """Whether invoices for the whole story are there."""
        return sum(invoice["currency"] in _HUNDREDTHS for invoice in self._open_invoices()) >= _INVOICES_NEEDED

    def hear(self, url: str) -> str:
        """Makes a webhook endpoint at Stripe, as `connector setup stripe` would; its signing secret."""
        made = self._stripe("POST", "/v1/webhook_endpoints", {"url": url, "enabled_events[]": "*"})
        return str(made["secret"])

    def writes(self) -> dict[str, int]:
        """How many records each system has written since it started, by its own count."""
        bases = {"salesforce": self.connection.salesforce["instance_url"], "stripe": self.connection.stripe["api_base"]}
        counted = {}
        for side, base in bases.items():
            reply = self._http.get(f"{base}/_sandbox/counters", timeout=_TIMEOUT_S)
            reply.raise_for_status()
            counted[side] = int(reply.json()["writes"])
        return counted

    # -- at Stripe ---------------------------------------------------------------------

    def _open_invoices(self) -> list[dict[str, Any]]:
        """Oldest first."""
        rows: list[dict[str, Any]] = []
        params = {"status": "open", "limit": "100"}
        while True:
            page = self._stripe("GET", "/v1/invoices", params=params)
            rows += page["data"]
            if not page["has_more"]:
                return rows[::-1]
            params["starting_after"] = rows[-1]["id"]

    def _pay_by_card(self, invoice: Mapping[str, Any]) -> Deed:
        self._stripe("POST", f"/v1/invoices/{invoice['id']}/pay", {"payment_method": "pm_card_visa"})
        return Deed(
            what="a customer pays by card",
            subject=_name(invoice),
            side="stripe",
            arrived=lambda: self._is_paid(invoice),
        )

    def _fail_to_pay(self, invoice: Mapping[str, Any]) -> Deed:
        path = f"/v1/invoices/{invoice['id']}/pay"
        reply = self._send_stripe("POST", path, {"payment_method": "pm_card_chargeDeclined"})
        assert reply.status_code == _DECLINED, f"the test card was not declined: {reply.status_code} {reply.text}"
        return Deed(what="a card is declined", subject=_name(invoice), side="stripe", arrived=None)

    def _pay_half(self, invoice: Mapping[str, Any]) -> Deed:
        record = self._stripe(
            "POST",
            "/v1/payment_records/report_payment",
            {
                "amount_requested[value]": str(invoice["amount_remaining"] // 2),
                "amount_requested[currency]": invoice["currency"],
                "initiated_at": str(int(self.today.timestamp())),
                "outcome": "guaranteed",
                "guaranteed[guaranteed_at]": str(int(self.today.timestamp())),
                "payment_method_details[type]": "custom",
                "payment_method_details[custom][display_name]": "Bank transfer",
                "customer_details[customer]": invoice["customer"],
            },
        )
        self._stripe("POST", f"/v1/invoices/{invoice['id']}/attach_payment", {"payment_record": record["id"]})
        allocated = "SELECT Id FROM blng__PaymentAllocationInvoice__c WHERE blng__Invoice__r.Stripe_Id__c = '{}'"
        return Deed(
            what="a customer pays one half by bank transfer",
            subject=_name(invoice),
            side="stripe",
            arrived=lambda: bool(self._query(allocated.format(invoice["id"]))),
        )

    def _change_phone(self) -> Deed:
        customer = self._stripe("GET", "/v1/customers", params={"limit": "1"})["data"][0]
        self._stripe("POST", f"/v1/customers/{customer['id']}", {"phone": "+1 555 0100"})
        changed = "SELECT Id FROM Account WHERE Stripe_Id__c = '{}' AND Phone = '+1 555 0100'"
        return Deed(
            what="a customer changes its telephone number at Stripe",
            subject=str(customer["name"]),
            side="stripe",
            arrived=lambda: bool(self._query(changed.format(customer["id"]))),
        )

    # -- in Salesforce -----------------------------------------------------------------

    def _book_cheque(self, invoice: Mapping[str, Any]) -> Deed:
        row = self._mirrored("blng__Account__c, blng__Balance__c, CurrencyIsoCode", invoice)
        common = {"blng__Amount__c": row["blng__Balance__c"], "CurrencyIsoCode": row["CurrencyIsoCode"]}
        payment = self._create(
            "blng__Payment__c",
            {
                **common,
                "blng__Account__c": row["blng__Account__c"],
                "blng__PaymentDate__c": self.today.date().isoformat(),
                "blng__PaymentMode__c": "External",
                "blng__PaymentType__c": "Check",
                "blng__CheckNumber__c": "1042",
            },
        )
        self._update("blng__Payment__c", payment, {"blng__Status__c": "Posted"})
        self._create(
            "blng__PaymentAllocationInvoice__c",
            {**common, "blng__Payment__c": payment, "blng__Invoice__c": row["Id"], "blng__Type__c": "Allocation"},
        )
        return Deed(
            what="a clerk books a cheque in Salesforce",
            subject=str(row["Name"]),
            side="salesforce",
            arrived=lambda: self._status("invoices", invoice["id"]) == "paid",
        )

    def _rebill(self, invoice: Mapping[str, Any]) -> Deed:
        row = self._mirrored("blng__InvoiceStatus__c", invoice)
        self._update("blng__Invoice__c", row["Id"], {"blng__InvoiceStatus__c": "Rebilled"})
        return Deed(
            what="a clerk rebills an unpaid invoice in Salesforce",
            subject=str(row["Name"]),
            side="salesforce",
            arrived=lambda: self._status("invoices", invoice["id"]) == "void",
        )

    def _accept_quote(self) -> Deed:
        row = self._query(
            "SELECT Id, Name, Stripe_Id__c FROM SBQQ__Quote__c WHERE SBQQ__Status__c = 'Presented' AND Stripe_Id__c != null "
            "ORDER BY Name LIMIT 1"
        )[0]
        self._update("SBQQ__Quote__c", row["Id"], {"SBQQ__Status__c": "Accepted"})
        return Deed(
            what="a quote is accepted in Salesforce",
            subject=str(row["Name"]),
            side="salesforce",
            # paid for through its order's invoices: the copy at Stripe must not be accepted as well
            arrived=lambda: self._status("quotes", row["Stripe_Id__c"]) == "canceled",
        )

    # -- has it arrived ----------------------------------------------------------------

    def _status(self, resource: str, record_id: str) -> str:
        return str(self._stripe("GET", f"/v1/{resource}/{record_id}")["status"])

    def _is_paid(self, invoice: Mapping[str, Any]) -> bool:
        """Whether Salesforce knows it of its own invoice."""
        paid = "SELECT Id FROM blng__Invoice__c WHERE Stripe_Id__c = '{}' AND Stripe_Status__c = 'paid'"
        return bool(self._query(paid.format(invoice["id"])))

    # -- the wires ---------------------------------------------------------------------

    def _send_stripe(
        self, method: str, path: str, data: Mapping[str, str] | None = None, params: Mapping[str, str] | None = None
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.connection.stripe['api_key']}"}
        url = self.connection.stripe["api_base"] + path
        while True:
            reply = self._http.request(method, url, data=data, params=params, headers=headers, timeout=_TIMEOUT_S)
            # The simulated account limits requests as the real one does; these people just press the button again.
            if reply.status_code != _TOO_MANY:
                return reply

    def _stripe(
        self, method: str, path: str, data: Mapping[str, str] | None = None, params: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        reply = self._send_stripe(method, path, data, params)
        reply.raise_for_status()
        return dict(reply.json())

    def _salesforce(self, method: str, path: str, **given: Any) -> Any:
        access = self.connection.salesforce
        url = f"{access['instance_url']}/services/data/v{access['api_version']}/{path}"
        headers = {"Authorization": f"Bearer {access['access_token']}", "Content-Type": "application/json"}
        reply = self._http.request(method, url, headers=headers, timeout=_TIMEOUT_S, **given)
        reply.raise_for_status()
        return reply.json(parse_float=Decimal) if reply.content else None

    def _mirrored(self, fields: str, invoice: Mapping[str, Any]) -> dict[str, Any]:
        """The Salesforce invoice a Stripe invoice is the copy of."""
        soql = "SELECT Id, Name, {} FROM blng__Invoice__c WHERE Stripe_Id__c = '{}'"
        return self._query(soql.format(fields, invoice["id"]))[0]

    def _query(self, soql: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._salesforce("GET", "query", params={"q": soql})["records"]
        return rows

    def _create(self, sobject: str, fields: Mapping[str, Any]) -> str:
        return str(self._salesforce("POST", f"sobjects/{sobject}", data=_json(fields))["id"])

    def _update(self, sobject: str, record_id: str, fields: Mapping[str, Any]) -> None:
        self._salesforce("PATCH", f"sobjects/{sobject}/{record_id}", data=_json(fields))


def _json(fields: Mapping[str, Any]) -> bytes:
    """A JSON object whose Decimals are written digit by digit."""
    parts = (
        f"{json.dumps(name)}: {value if isinstance(value, Decimal) else json.dumps(value)}"
        for name, value in fields.items()
    )
    return ("{" + ", ".join(parts) + "}").encode()


def _name(invoice: Mapping[str, Any]) -> str:
    return str(invoice["number"] or invoice["id"])
