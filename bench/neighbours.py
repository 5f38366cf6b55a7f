"""What one invoice that cannot be mirrored costs the others: `make bench`.

The same first pass three times, each over fresh systems: nothing refused, one invoice refused by Stripe, one whose word
back Salesforce refuses. All others must be mirrored, within 1.2 of the time.
"""

from __future__ import annotations

import argparse
import json

from bench.run import process


def first_pass(invoices: int, latency_ms: int, refused_by: str | None) -> dict:
    more = ["--refuses-one", refused_by] if refused_by else []
    with process("serve", "--invoices", str(invoices), "--latency-ms", str(latency_ms), *more) as server:
        place = server.read()
        with process("worker", "--connection", json.dumps(place)) as worker:
            return worker.ask("create")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--invoices", type=int, default=1000)
    parser.add_argument("--latency-ms", type=int, default=50)
    options = parser.parse_args()
    print("| one refused by | made at Stripe | parked | calls | wall s | ratio |")
    print("|---|---|---|---|---|---|", flush=True)
    alone_s = 0.0
    for refused_by in (None, "stripe", "salesforce"):
        answer = first_pass(options.invoices, options.latency_ms, refused_by)
        alone_s = alone_s or answer["wall_s"]
        counts = answer["kinds"]["invoice"]
        print(
            f"| {refused_by or 'nobody'} | {counts['created']} | {counts['parked']} | {sum(answer['calls'].values())} "
            f"| {answer['wall_s']:.1f} | {answer['wall_s'] / alone_s:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
