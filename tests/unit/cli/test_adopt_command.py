"""`connector adopt` with arguments that cannot be meant: said before anything is connected."""

from __future__ import annotations

import pytest

from connector.cli.adopt_file import with_accepted
from connector.cli.main import run
from connector.core.adoption import Choice
from tests.support.adoptions import adoption, entry

WRONG = [
    ((), "say --plan, or --apply FILE"),
    (("--plan", "--apply", "x.json"), "say --plan, or --apply FILE"),
    (("--apply", "x.json", "--out", "y.json"), "--out goes with --plan"),
    (("--apply", "nowhere.json"), "cannot be read"),
    (("--plan", "--accept", "cus_1"), "joined by ="),
    (("--plan", "--accept", "cus_1=cus_2"), "joined by ="),
    (("--plan", "--accept", "001000000000001AAA=cus_1=cus_2"), "joined by ="),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG)
def test_wrong_arguments(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["adopt", *arguments]) == 64
    said = capsys.readouterr().err
    assert words in said
    assert "fix:" in said


def test_who_accepts_one_candidate_declares_the_others_different():
    made = adoption(entry("1", "cus_1"), entry("1", "cus_2"), entry("2", "cus_1"), entry("3", "cus_3"))
    chosen = {each.name: each.choice for each in with_accepted(made, [("1", "cus_1")]).entries}
    assert chosen == {
        "customer 1=cus_1": Choice.LINK,
        "customer 1=cus_2": Choice.SEPARATE,
        "customer 2=cus_1": Choice.SEPARATE,
        "customer 3=cus_3": Choice.UNDECIDED,
    }
