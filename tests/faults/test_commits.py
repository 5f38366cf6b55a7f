"""The connection is lost at a COMMIT, and nobody can say whether it was stored: the end is the same.

Which COMMITs there are is found by counting those of a pass that nothing happened to. Here it is one of each sort,
`make crash-long` goes through all of them.
"""

from __future__ import annotations

import pytest

from tests.support.postgres_proxy import At
from tests.support.proxied import grounded


@pytest.fixture(scope="module")
def ground(cluster, template, tmp_path_factory):
    with grounded(tmp_path_factory.mktemp("ground"), cluster, template) as made:
        yield made


@pytest.fixture(scope="module")
def told(ground):
    return ground.tell()


def test_a_pass_has_all_sorts_of_transactions(told):
    wrote = frozenset().union(*told.commits)
    assert {"INSERT INTO operation", "UPDATE operation SET", "INSERT INTO cursor", "INSERT INTO signal"} <= wrote
    assert len(set(told.commits)) > 8


def test_one_that_was_stored_without_an_answer_is_not_done_twice(ground, told):
    first_of_sort = {wrote: number for number, wrote in reversed([*enumerate(told.commits, 1)])}
    for number in first_of_sort.values():
        ground.go_through(told, At.STORED, number)


def test_one_that_the_server_never_heard_of_is_done(ground, told):
    last_of_sort = {wrote: number for number, wrote in enumerate(told.commits, 1)}
    for number in last_of_sort.values():
        ground.go_through(told, At.LOST, number)
