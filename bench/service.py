"""What the service promises of time: `python -m bench.service latency receiver idle soak`; each prints rows of a table.

latency   an edit at one side until it is seen on the other one, with 100 ms for every remote call
receiver  signed events a service on one processor accepts while it drains, from 16 connections; see bench.receiver
idle      what it costs while nothing happens
soak      what it holds after a long time of changes
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.receiver import KINDS, receiver
from bench.served import Service, Systems, sandbox, service, share

#: as the issue has it
LATENCY_MS = 100
#: edits of each customer that is watched, one after the other
ROUNDS = 4


def customers(systems: Systems) -> list[dict]:
    return systems.query("SELECT Id, Stripe_Id__c FROM Account WHERE Stripe_Id__c != null ORDER BY Id")


class Changing(threading.Thread):
    """Other people: so many telephone numbers change at Stripe every second, until told to stop."""

    def __init__(self, systems: Systems, ids: list[str], *, per_s: float) -> None:
        super().__init__(daemon=True)
        self._systems, self._ids, self._per_s = systems, ids, per_s
        self._stopped = threading.Event()
        self.done = 0

    def run(self) -> None:
        with ThreadPoolExecutor(32) as pool:
            began = time.monotonic()
            while not self._stopped.is_set():
                due = int((time.monotonic() - began) * self._per_s)
                while self.done < due:
                    customer, number = self._ids[self.done % len(self._ids)], self.done
                    pool.submit(
                        self._systems.stripe, "POST", f"/v1/customers/{customer}", data={"phone": f"+1 555 {number:07}"}
                    )
                    self.done += 1
                self._stopped.wait(0.01)

    def stop(self) -> None:
        self._stopped.set()
        self.join()


def probe_stripe(systems: Systems, running: Service, customer: dict, number: int) -> float:
    """Seconds from Stripe's answer until Salesforce shows it; the last look's own latency is in it."""
    phone = f"+49 30 {number:07}"
    systems.stripe("POST", f"/v1/customers/{customer['Stripe_Id__c']}", data={"phone": phone})
    began = time.monotonic()
    shown = f"SELECT Id FROM Account WHERE Id = '{customer['Id']}' AND Phone = '{phone}'"
    running.until(lambda: bool(systems.query(shown)))
    return time.monotonic() - began


def probe_salesforce(systems: Systems, running: Service, customer: dict, number: int) -> float:
    phone = f"+49 40 {number:07}"
    systems.salesforce("PATCH", f"sobjects/Account/{customer['Id']}", json={"Phone": phone})
    began = time.monotonic()
    running.until(lambda: systems.stripe("GET", f"/v1/customers/{customer['Stripe_Id__c']}")["phone"] == phone)
    return time.monotonic() - began


def latency(folder: Path, *, per_s: int) -> None:
    with sandbox(invoices=200, latency_ms=LATENCY_MS) as systems, service(systems, folder) as (running, _):
        everybody = customers(systems)
        # those that are watched and those that others change are not the same
        watched, others = (
            everybody[: len(everybody) // 2],
            [row["Stripe_Id__c"] for row in everybody[len(everybody) // 2 :]],
        )
        changing = Changing(systems, others, per_s=per_s)
        if per_s:
            changing.start()
        # each customer is edited by one at a time: a later edit would overwrite the one that is waited for
        with ThreadPoolExecutor(len(watched)) as pool:
            rounds = pool.map(
                lambda n: [probe_stripe(systems, running, watched[n], 100 * n + k) for k in range(ROUNDS)],
                range(len(watched)),
            )
            to_salesforce = [seconds for each in rounds for seconds in each]
        with ThreadPoolExecutor(len(watched)) as pool:
            to_stripe = list(pool.map(lambda n: probe_salesforce(systems, running, watched[n], n), range(len(watched))))
        if per_s:
            changing.stop()
        for name, seen in (("Stripe -> Salesforce", to_salesforce), ("Salesforce -> Stripe", to_stripe)):
            print(
                f"| latency, {per_s} other changes/s | {name} | p50 {share(seen, 0.5):.2f} s, p95 {share(seen, 0.95):.2f} s"
                f" of {len(seen)} |",
                flush=True,
            )


def idle(folder: Path, *, seconds: int) -> None:
    with sandbox(invoices=200, latency_ms=0) as systems, service(systems, folder) as (running, _):
        time.sleep(20)
        used, began = running.cpu_s(), time.monotonic()
        time.sleep(seconds)
        part = (running.cpu_s() - used) / (time.monotonic() - began)
        print(
            f"| idle, {seconds} s | of one processor; resident | {100 * part:.2f} %, {running.held()['resident_kb'] / 1024:.0f} MB |",
            flush=True,
        )


def soak(folder: Path, *, minutes: int, per_s: int) -> None:
    """From the first third on, what is held should stay as it is."""
    with sandbox(invoices=200, latency_ms=0) as systems, service(systems, folder) as (running, _):
        changing = Changing(systems, [row["Stripe_Id__c"] for row in customers(systems)], per_s=per_s)
        changing.start()
        samples, oldest = [], []
        for _ in range(minutes * 6):
            time.sleep(10)
            samples.append(running.held())
            oldest.append(running.metrics().get("connector_inbox_oldest_seconds", 0.0))
        changing.stop()
        warm = samples[len(samples) // 3 :]
        report_soak(minutes, changing.done, warm, max(oldest))


def report_soak(minutes: int, changes: int, warm: list[dict[str, int]], oldest_s: float) -> None:
    def span(name: str) -> str:
        values = [sample[name] for sample in warm]
        return f"{values[0]} -> {values[-1]}, {min(values)} to {max(values)}"

    tenth = max(1, len(warm) // 10)
    first = sum(sample["resident_kb"] for sample in warm[:tenth]) / tenth
    last = sum(sample["resident_kb"] for sample in warm[-tenth:]) / tenth
    print(
        f"| soak, {minutes} min, {changes} changes | resident from minute {minutes // 3} | {(last - first) / 1024:+.1f} MB"
        f" (of {last / 1024:.0f}); threads {span('threads')}; descriptors {span('descriptors')};"
        f" oldest signal {oldest_s:.0f} s at most |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["latency", "receiver", "idle"])
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=KINDS)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--per-s", type=int, default=20)
    options = parser.parse_args()
    print("| what | | measured |\n|---|---|---|", flush=True)
    benches = {
        "latency": [lambda folder: latency(folder, per_s=0), lambda folder: latency(folder, per_s=50)],
        "receiver": [
            lambda folder, kind=kind: receiver(folder, seconds=options.seconds, kind=kind) for kind in options.kinds
        ],
        "idle": [lambda folder: idle(folder, seconds=options.seconds)],
        "soak": [lambda folder: soak(folder, minutes=options.minutes, per_s=options.per_s)],
    }
    for name in options.what:
        for bench in benches[name]:
            with tempfile.TemporaryDirectory() as folder:
                bench(Path(folder))


if __name__ == "__main__":
    main()
