"""Both simulated systems for a benchmark: N posted invoices of 3 lines, limits as asked, one JSON line, then serves."""

from __future__ import annotations

import argparse
import json
import signal
import threading
from contextlib import closing
from typing import TYPE_CHECKING

from connector.sandbox.clock import SystemClock
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.seed import seed, seed_invoices
from connector.sandbox.server import Activity, Served
from connector.sandbox.stripe.account import Account
from connector.sandbox.stripe.deliveries import Courier
from tests.support.stripe import error

if TYPE_CHECKING:
    from connector.sandbox.http import Request, Response


def refuse(side: str, invoice: str, org: Org, account: Account) -> None:
    """This invoice can be made by nobody at Stripe, or Salesforce takes no word of it."""

    def refused(request: Request) -> Response | None:
        about_it = request.method == "POST" and request.path == "/v1/invoices" and invoice.encode() in request.body
        return error(400, code="parameter_invalid_empty") if about_it else None

    if side == "stripe":
        account.faults = refused
    else:
        org.add_validation_rule(
            "blng__Invoice__c",
            lambda row: row["Id"] != invoice or not row.get("Stripe_Id__c"),
            "this one is not shared",
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--invoices", type=int, required=True)
    parser.add_argument("--latency-ms", type=int, default=0)
    parser.add_argument("--rate", type=int, default=0, help="requests per second; 0 switches the limiter off")
    parser.add_argument("--refuses-one", choices=["stripe", "salesforce"], help="one invoice cannot be written there")
    options = parser.parse_args()
    rate = options.rate or None
    org = Org(clock=SystemClock(), seed=7)
    account = Account(clock=SystemClock(), seed=7, rate_per_second=rate, endpoint_rate_per_second=rate)
    seed(org, scale=2)
    invoices = seed_invoices(org, options.invoices)
    if options.refuses_one:
        refuse(options.refuses_one, invoices[len(invoices) // 2], org, account)
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    activity = Activity()
    with (
        # webhooks, to whoever made an endpoint
        closing(Courier(account.deliveries())),
        Served(org, port=0, latency_ms=options.latency_ms, activity=activity) as salesforce,
        Served(account, port=0, latency_ms=options.latency_ms, activity=activity) as stripe,
    ):
        print(
            json.dumps(
                {
                    "salesforce": salesforce.url,
                    "client_id": org.client_id,
                    "client_secret": org.client_secret,
                    "stripe": stripe.url,
                    "api_key": account.api_key,
                }
            ),
            flush=True,
        )
        stopped.wait()


if __name__ == "__main__":
    main()
