"""The indexes against the plain reading of every object: same objects, same order, whatever happened before."""

from __future__ import annotations

from random import Random

import pytest

from connector.sandbox.stripe.store import Collection, Window, field

COLOURS, SIZES = ["red", "green", "blue", None], [1, 2]


def _history(rng: Random) -> tuple[Collection, list[tuple[int, int, dict]]]:
    """A collection after random inserts, changes, removals and undone steps; and its truth as (position, created, item)."""
    collection = Collection({"colour": field("colour"), "size": field("size")})
    truth: dict[str, tuple[int, int, dict]] = {}
    created, position = 1000, 0
    for number in range(120):
        step = rng.choice(["insert", "insert", "insert", "change", "remove", "undo insert", "undo remove"])
        if step in {"insert", "undo insert"} or not truth:
            created += rng.choice([0, 0, 1, 3])
            item = {"id": f"x{number}", "colour": rng.choice(COLOURS), "size": rng.choice(SIZES)}
            collection.insert(item, created=created)
            if step == "undo insert":
                collection.undo_insert(item["id"])
            else:
                truth[item["id"]] = (position, created, item)
                position += 1
            continue
        chosen = truth[rng.choice(sorted(truth))][2]
        if step == "change":
            chosen["colour"] = rng.choice(COLOURS)
            collection.reindex(chosen["id"])
        else:
            collection.remove(chosen["id"])
            if step == "undo remove":
                collection.undo_remove(chosen)
            else:
                del truth[chosen["id"]]
    return collection, sorted(truth.values(), key=lambda entry: entry[0])


@pytest.mark.parametrize("seed", range(30))
def test_select_gives_what_reading_everything_would(seed):
    rng = Random(seed)
    collection, truth = _history(rng)
    for _ in range(20):
        wanted = {}
        if rng.random() < 0.6:
            wanted["colour"] = rng.sample(COLOURS[:3], rng.randint(1, 3))
        if rng.random() < 0.5:
            wanted["size"] = rng.sample(SIZES, rng.randint(1, 2))
        after, before = rng.choice([None, 10, 40]), rng.choice([None, 30, 60])
        start, end = rng.choice([None, 1010, 1030]), rng.choice([None, 1025, 1060])
        oldest_first = rng.random() < 0.5
        expected = [
            item["id"]
            for position, created, item in truth
            if all(item[name] in values for name, values in wanted.items())
            and (after is None or position > after)
            and (before is None or position < before)
            and (start is None or created >= start)
            and (end is None or created <= end)
        ]
        window = Window(created_from=start, created_to=end, after=after, before=before, oldest_first=oldest_first)
        found = [item["id"] for item in collection.select(wanted, window)]
        assert found == (expected if oldest_first else expected[::-1])
    assert len(collection) == len(truth)


def test_a_clock_set_back_is_not_this_layers_to_hide():
    collection = Collection({})
    collection.insert({"id": "a"}, created=5)
    with pytest.raises(AssertionError, match="backwards"):
        collection.insert({"id": "b"}, created=4)
