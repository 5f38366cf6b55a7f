"""A Stripe account that already holds what the org holds, as if another program had billed it: for `connector adopt`.

Nothing carries a mark. Most of it is the same; some is almost the same, and some is nobody's. Repeats itself
for the same org.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson

from connector.sandbox.http import Request
from connector.sandbox.stripe.account import Account

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connector.sandbox.clock import Clock
    from connector.sandbox.salesforce.org import Org

#: currencies whose amounts are hundredths; invoices in others are left out
_HUNDREDTHS = frozenset({"USD", "EUR"})
#: of so many records one is almost the same, and one is there twice or paid
_EVERY = 7


def fill(account: Account, org: Org, *, clock: Clock, seed: int, livemode: bool) -> None:
    """Through the account's own door, in a copy without limits."""
    copy = Account(clock=clock, seed=seed, livemode=livemode, rate_per_second=None, endpoint_rate_per_second=None)
    filler = _Filler(copy, org)
    customers = filler.customers()
    filler.products()
    filler.invoices(customers)
    filler.post("/v1/customers", {"name": "Nobody's Customer", "email": "nobody@elsewhere.example"})
    account.load(copy.dump())


class _Filler:
    def __init__(self, account: Account, org: Org) -> None:
        self._account = account
        self._org = org

    def post(self, path: str, params: Mapping[str, Any]) -> str:
        headers = {
            "authorization": f"Bearer {self._account.api_key}",
            "content-type": "application/x-www-form-urlencoded",
        }
        body = urlencode({name: value for name, value in params.items() if value is not None}).encode()
        response = self._account.handle(Request(method="POST", path=path, headers=headers, body=body))
        answer = orjson.loads(response.body)
        if response.status != 200:
            raise AssertionError(f"POST {path}: {answer}")
        return str(answer["id"])

    def customers(self) -> dict[str, str]:
        """Account id -> customer id."""
        found = {}
        for place, (account_id, row) in enumerate(self._rows("Account")):
            contact = row.get("blng__BillToContact__c")
            email = None if contact is None else self._org.get("Contact", contact).get("Email")
            if email is None:
                continue
            params = {"name": row["Name"], "email": email}
            if place % _EVERY == 1:
                params["email"] = f"old.{email}"
            found[account_id] = self.post("/v1/customers", params)
            if place % _EVERY == 3:
                self.post("/v1/customers", params)
        return found

    def products(self) -> None:
        for place, (_, row) in enumerate(self._rows("Product2")):
            if row.get("ProductCode") and row.get("IsActive"):
                name = f"{row['Name']} (old)" if place % _EVERY == 1 else row["Name"]
                self.post("/v1/products", {"name": name, "metadata[product_code]": row["ProductCode"]})

    def invoices(self, customers: Mapping[str, str]) -> None:
        for place, (_, row) in enumerate(self._rows("blng__Invoice__c")):
            customer, total = customers.get(row["blng__Account__c"]), Decimal(row.get("blng__TotalAmount__c") or 0)
            currency = row.get("CurrencyIsoCode", "USD")
            if (
                customer is None
                or total <= 0
                or row["blng__InvoiceStatus__c"] != "Posted"
                or currency not in _HUNDREDTHS
            ):
                continue
            params = {
                "customer": customer,
                "number": row["Name"],
                "currency": currency.lower(),
                "auto_advance": "false",
            }
            invoice = self.post("/v1/invoices", {**params, "collection_method": "send_invoice", "days_until_due": "30"})
            amount = int(total * 100) + (1 if place % _EVERY == 1 else 0)
            line = {"lines[0][amount]": amount, "lines[0][description]": "As billed before"}
            self.post(f"/v1/invoices/{invoice}/add_lines", line)
            self.post(f"/v1/invoices/{invoice}/finalize", {})
            if place % _EVERY == 3:
                self.post(f"/v1/invoices/{invoice}/pay", {"payment_method": "pm_card_visa"})

    def _rows(self, sobject: str) -> list[tuple[str, dict[str, Any]]]:
        return [(record_id, self._org.get(sobject, record_id)) for record_id in self._org.ids(sobject)]
