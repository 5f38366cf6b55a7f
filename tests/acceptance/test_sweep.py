"""Comparing everything, as a user does it: green, a difference that is named, green again."""

from __future__ import annotations

import pytest


def test_the_certificate_says_whether_both_systems_agree(program, box):
    before = program.run("status", "--json")
    assert before.json["certificate"]["is_green"] is False
    assert "never swept" in before.json["certificate"]["words"]
    assert "There is no certificate yet" in program.run("certificate", "show").out

    whole = program.run("sync", "--once", "--sweep", "--json")
    assert whole.code == 0, whole.err
    assert whole.json["sweep"]["is_complete"] is True
    assert whole.json["certificate"]["is_green"] is True
    assert "Certified: both systems agree as of" in program.run("status").out

    product = box.stripe_list("/v1/products")[0]
    box.stripe_post(f"/v1/products/{product['id']}", name="Another name")
    swept = program.run_cold("sweep", "--json")
    assert swept.code == 1
    [found] = [each for each in swept.json["differences"] if each["explained"] is None]
    assert (found["kind"], found["mate"], found["field"], found["stripe"]) == (
        "product",
        product["id"],
        "name",
        "Another name",
    )
    told = program.run("certificate", "show")
    assert told.code == 1
    assert "Not complete: 1 record differs without a known reason." in told.out
    assert f"/ {product['id']}: name is" in told.out
    assert "Not certified: 1 record differs" in program.run("status").out

    box.stripe_post(f"/v1/products/{product['id']}", name=product["name"])
    again = program.run("sync", "--once", "--sweep")
    assert again.code == 0, again.out
    assert "Complete: nothing differs that is not explained." in again.out
    rows = program.run("certificate", "list", "--json").json["certificates"]
    assert [row["is_complete"] for row in rows] == [True, False, True]
    assert program.run("certificate", "show", str(rows[1]["number"]), "--json").json["certificate"]["unexplained"] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["sweep", "--period", "2026-13"], 64, "is not a month"),
        (["sweep", "--period", "yesterday"], 64, "is not a month"),
        (["sweep", "--kind", "refund"], 64, "is not a kind of this mapping"),
        (["sync", "--once", "--sweep", "--dry-run"], 64, "--sweep compares everything"),
        (["sync", "--once", "--sweep", "--only", "in_1"], 64, "--sweep compares everything"),
        (["certificate", "show", "0"], 64, "0 is not in the range"),
        (["certificate", "show", "77"], 1, "there is no certificate 77\n    fix: `connector certificate list`"),
    ],
)
def test_bad_input_is_told(program, arguments, code, words):
    answer = program.run(*arguments)
    assert answer.code == code, answer.err
    assert words in answer.err
