"""The benchmark of the main job: ours against its floor, in one run. `make bench`; prints a table.

For each size and latency: fresh servers, our first pass (all invoices created), customers pay every
invoice, our second pass (payments back), one idle pass. Then the same requests by bare `requests`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import requests

from bench.floor import _list, identities

HERE = Path(__file__).resolve().parent


class Process:
    def __init__(self, script: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"bench.{script}", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=HERE.parent,
        )

    def read(self) -> dict:
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self._process.args[2]} died: exit {self._process.wait()}")
        return json.loads(line)

    def ask(self, word: str) -> dict:
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()
        return self.read()

    def close(self) -> None:
        self._process.stdin.close()
        self._process.terminate()
        self._process.wait()


@contextmanager
def process(script: str, *arguments: str):
    running = Process(script, *arguments)
    try:
        yield running
    finally:
        running.close()


def pay_all(place: dict) -> int:
    """Every customer pays by card; not measured."""
    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=16))
    session.auth = (place["api_key"], "")

    def pay(row: dict) -> bool:
        url = f"{place['stripe']}/v1/invoices/{row['id']}/pay"
        return session.post(url, data={"payment_method": "pm_card_visa"}, timeout=60).ok

    rows = list(_list(place, "/v1/invoices", [("status", "open")]))
    with ThreadPoolExecutor(8) as pool:
        return sum(pool.map(pay, rows))


def ours(invoices: int, latency_ms: int, concurrency: int, record: Path | None, rate: int = 0) -> tuple[dict, dict]:
    serve = ["--invoices", str(invoices), "--latency-ms", str(latency_ms), "--rate", str(rate)]
    with process("serve", *serve) as server:
        place = server.read()
        more = ["--record", str(record)] if record else []
        if rate:
            more += ["--rate", str(rate)]
        arguments = ["--connection", json.dumps(place), "--concurrency", str(concurrency), *more]
        with process("worker", *arguments) as worker:
            first = worker.ask("create")
            counters = requests.get(place["stripe"] + "/_sandbox/counters", timeout=30).json()
            answers = {"create": first, "limited": counters.get("rate_limited", 0), "requests": counters["requests"]}
            if not rate:
                pay_all(place)
                answers["pay back"] = worker.ask("pay back")
                # rows of the running second are read again: these passes begin in a new one
                time.sleep(2)
                worker.ask("echoes")
                time.sleep(2)
                answers["idle"] = worker.ask("idle")
            names = {record_id: name for name, record_id in identities(place).items()} if record else {}
    return answers, names


def floor(invoices: int, latency_ms: int, concurrency: int, trace: Path, ids: Path) -> dict:
    with process("serve", "--invoices", str(invoices), "--latency-ms", str(latency_ms)) as server:
        place = server.read()
        arguments = ["--connection", json.dumps(place), "--concurrency", str(concurrency)]
        with process("floor", *arguments, "--trace", str(trace), "--ids", str(ids)) as player:
            answers = {"create": player.ask("create")}
            pay_all(place)
            answers["pay back"] = player.ask("pay back")
    return answers


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="1000,10000")
    parser.add_argument("--latencies", default="0,50")
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--skip-limiter", action="store_true")
    options = parser.parse_args()
    print(
        "| invoices | latency | pass | Stripe calls | Salesforce calls | wall s | floor s | ratio | CPU s | floor CPU s | ratio | peak MB |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for size in map(int, options.sizes.split(",")):
            trace, ids = Path(folder) / f"{size}.trace", Path(folder) / f"{size}.ids"
            _, names = ours(size, 0, options.concurrency, trace)
            ids.write_text(json.dumps(names))
            for latency_ms in map(int, options.latencies.split(",")):
                mine, _ = ours(size, latency_ms, options.concurrency, None)
                theirs = floor(size, latency_ms, options.concurrency, trace, ids)
                report(size, latency_ms, mine, theirs)
    if not options.skip_limiter:
        limited()


def report(size: int, latency_ms: int, mine: dict, theirs: dict) -> None:
    for phase in ("create", "pay back"):
        a, b = mine[phase], theirs[phase]
        warning = f" ({b['bad']} floor requests refused)" if b["bad"] else ""
        print(
            f"| {size} | {latency_ms} ms | {phase}{warning} | {a['calls']['stripe']} | {a['calls']['salesforce']} "
            f"| {a['wall_s']:.1f} | {b['wall_s']:.1f} | {a['wall_s'] / b['wall_s']:.2f} "
            f"| {a['cpu_s']:.1f} | {b['cpu_s']:.1f} | {a['cpu_s'] / b['cpu_s']:.2f} | {a['peak_mb']:.0f} |",
            flush=True,
        )
    idle = mine["idle"]
    print(
        f"| {size} | {latency_ms} ms | idle | {idle['calls']['stripe']} | {idle['calls']['salesforce']} "
        f"| {idle['wall_s']:.1f} | | | {idle['cpu_s']:.1f} | | | {idle['peak_mb']:.0f} |",
        flush=True,
    )


def limited() -> None:
    """With the server's limiter on: how much of the permitted rate is used, and is any request refused."""
    rate = 25
    answers, _ = ours(400, 0, 8, None, rate=rate)
    create = answers["create"]
    whole = create["calls"]["stripe"] / create["wall_s"]
    writing = create["writing"]["calls"] / create["writing"]["wall_s"]
    print(
        f"\nlimiter on, {rate}/s permitted: {create['calls']['stripe']} calls in {create['wall_s']:.1f} s of a whole first pass, "
        f"sign-in and first reading included = {100 * whole / rate:.1f} %; from the first write at Stripe to the last call "
        f"{100 * writing / rate:.1f} %; {answers['limited']} refused with 429"
    )


if __name__ == "__main__":
    main()
