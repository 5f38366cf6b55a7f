"""Both simulated systems for a benchmark: N posted invoices of 3 lines, limits as asked, one JSON line, then serves."""

from __future__ import annotations

import argparse
import json
import signal
import threading

from connector.sandbox.clock import SystemClock
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.seed import seed, seed_invoices
from connector.sandbox.server import Activity, Served
from connector.sandbox.stripe.account import Account


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--invoices", type=int, required=True)
    parser.add_argument("--latency-ms", type=int, default=0)
    parser.add_argument("--rate", type=int, default=0, help="requests per second; 0 switches the limiter off")
    options = parser.parse_args()
    rate = options.rate or None
    org = Org(clock=SystemClock(), seed=7)
    account = Account(clock=SystemClock(), seed=7, rate_per_second=rate, endpoint_rate_per_second=rate)
    seed(org, scale=2)
    seed_invoices(org, options.invoices)
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    activity = Activity()
    with (
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
