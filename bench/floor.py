"""The floor: the same requests, rendered beforehand, sent by bare `requests` with the same concurrency.

Requests are sent in runs of one endpoint, in the order in which we first used each, so that the way we
interleave them costs the floor nothing; then Salesforce's one after the other, as its writes must be:
nothing of one system overlaps the other's, as it does in our passes (README, speed). Ids that the
servers give anew are put in between the runs, outside the clock. Answers are read, not parsed, but for
the ids of what was created.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlencode

import requests

if TYPE_CHECKING:
    from collections.abc import Sequence

ID = re.compile(r"\b(?:cus|prod|in|qt|pi|pr)_[A-Za-z0-9]+")
LOCAL = threading.local()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--connection", required=True)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--trace", type=Path, required=True)
    parser.add_argument("--ids", type=Path, required=True, help="ids of the recorded run, by what they stand for")
    options = parser.parse_args()
    place = json.loads(options.connection)
    base = {"salesforce": place["salesforce"], "stripe": place["stripe"]}
    entries = [json.loads(line) for line in options.trace.read_text().splitlines()]
    token = requests.post(
        place["salesforce"] + "/services/oauth2/token",
        data={
            "grant_type": "client_credentials",
            "client_id": place["client_id"],
            "client_secret": place["client_secret"],
        },
        timeout=30,
    ).json()["access_token"]
    auth = {"salesforce": f"Bearer {token}", "stripe": f"Bearer {place['api_key']}"}
    names = json.loads(options.ids.read_text())
    known: dict[str, str] = {}
    with ThreadPoolExecutor(options.concurrency) as pool:
        for phase in sys.stdin:
            known |= _match(names, place)
            mine = _events_anew([entry[1:] for entry in entries if entry[0] == phase.strip()], place)
            print(json.dumps(_play(pool, mine, base, auth, known)), flush=True)


def _match(names: dict[str, str], place: dict[str, str]) -> dict[str, str]:
    """Old id -> new id of everything that exists on the new server already."""
    now = identities(place)
    return {old: now[name] for old, name in names.items() if name in now}


def identities(place: dict[str, str]) -> dict[str, str]:
    """What each Stripe object stands for -> its id: by our mark, a payment by its invoice."""
    found: dict[str, str] = {}
    for path in ("customers", "products", "quotes", "invoices"):
        for row in _list(place, f"/v1/{path}"):
            mark = row["metadata"].get("salesforce_id")
            if mark:
                found[f"{path}:{mark}"] = row["id"]
    invoices = {record_id: name for name, record_id in found.items()}
    for row in _list(place, "/v1/invoice_payments", [("status", "paid")]):
        payment = row["payment"].get("payment_intent")
        if payment and row["invoice"] in invoices:
            found[f"payment:{invoices[row['invoice']]}"] = payment
    return found


def _list(place: dict[str, str], path: str, params: Sequence[tuple[str, str]] = ()) -> list[dict]:
    rows: list[dict] = []
    after: list[tuple[str, str]] = []
    while True:
        page = requests.get(
            place["stripe"] + path,
            params=[("limit", "100"), *params, *after],
            auth=(place["api_key"], ""),
            timeout=60,
        ).json()
        rows += page["data"]
        if not page["has_more"]:
            return rows
        after = [("starting_after", rows[-1]["id"])]


def _events_anew(entries: list, place: dict[str, str]) -> list:
    """Pages of events are asked for by moments and ids of the recorded run, which mean nothing to this server:
    as many requests, which together bring every event once. Those we had for pages not full come back empty.
    """
    asked = next((entry[2] for entry in entries if entry[2].startswith("/v1/events?")), None)
    if asked is None:
        return entries
    types = [("types[]", value) for name, value in parse_qsl(asked.partition("?")[2]) if name.startswith("types")]
    ids = [row["id"] for row in _list(place, "/v1/events", types)]
    behind = iter([None, *ids[99::100]])

    def anew(path: str) -> str:
        if not path.startswith("/v1/events?"):
            return path
        last = next(behind, ids[-1] if ids else None)
        after = [("starting_after", last)] if last else []
        return "/v1/events?" + urlencode([("limit", "100"), *types, *after])

    return [[side, method, anew(path), headers, body] for side, method, path, headers, body in entries]


def _play(pool: ThreadPoolExecutor, entries: list, base: dict, auth: dict, known: dict[str, str]) -> dict:
    wall = cpu = 0.0
    bad = 0
    for (side, method, _), run in groupby(_in_runs(entries), key=_endpoint):
        made = []
        for _, _, path, headers, body in run:
            made.append(
                (
                    method,
                    base[side] + _renew(path, known),
                    headers | {"Authorization": auth[side]},
                    _renew(body, known),
                    body,
                )
            )
        before_wall, before_cpu = time.perf_counter(), time.process_time()
        answers = list(pool.map(_send, made)) if side == "stripe" else [_send(one) for one in made]
        wall += time.perf_counter() - before_wall
        cpu += time.process_time() - before_cpu
        for answer, one in zip(answers, made, strict=True):
            bad += answer.status_code >= 400
            if method == "POST" and side == "stripe" and answer.status_code < 300:
                _learn(one[1], one[4], answer, known)
    return {
        "wall_s": wall,
        "cpu_s": cpu,
        "calls": len(entries),
        "bad": bad,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _in_runs(entries: list) -> list:
    """Stripe's requests by endpoint; Salesforce's in their order, for the ids it gives are counted up."""
    first = {endpoint: place for place, endpoint in reversed(list(enumerate(map(_endpoint, entries))))}
    stripe = [entry for entry in entries if entry[0] == "stripe"]
    return sorted(stripe, key=lambda entry: first[_endpoint(entry)]) + [e for e in entries if e[0] != "stripe"]


def _endpoint(entry: list) -> tuple[str, str, str]:
    return entry[0], entry[1], ID.sub("*", entry[2].partition("?")[0])


def _renew(text: str | None, known: dict[str, str]) -> str | None:
    return None if text is None else ID.sub(lambda found: known.get(found[0], found[0]), text)


def _learn(url: str, old_body: str | None, answer: requests.Response, known: dict[str, str]) -> None:
    """The old id of a created object is not in its own request: later requests name it; kept by mark."""
    mark = dict(parse_qsl(unquote(old_body or ""))).get("metadata[salesforce_id]")
    collection = url.rsplit("/", 1)[-1]
    if mark and collection in ("customers", "products", "quotes", "invoices"):
        old = OLD.get(f"{collection}:{mark}")
        if old:
            known[old] = answer.json()["id"]


def _send(one: tuple) -> requests.Response:
    session = getattr(LOCAL, "session", None)
    if session is None:
        session = LOCAL.session = requests.Session()
    method, url, headers, body, _ = one
    return session.request(method, url, headers=headers, data=None if body is None else body.encode(), timeout=120)


OLD: dict[str, str] = {}

if __name__ == "__main__":
    _ids = next(Path(value) for name, value in zip(sys.argv, sys.argv[1:], strict=False) if name == "--ids")
    OLD.update({name: old for old, name in json.loads(_ids.read_text()).items()})
    main()
