"""The shipped rules hang together with the code and with each other."""

from __future__ import annotations

import re
import string

import pytest

from connector.core.model import Side
from connector.flows.verify.conditions import CONDITIONS
from connector.flows.verify.report import topic_of
from connector.flows.verify.run import side_of
from connector.runtime.machine import own_looks
from connector.salesforce.inspect.probes import PROBES as SALESFORCE_PROBES
from connector.stripe.inspect.probes import PROBES as STRIPE_PROBES
from tests.support.clock import ManualClock
from tests.support.verify import shipped_rules

CHECKS = shipped_rules().checks


def test_a_condition_that_no_check_asks_is_dead():
    assert set(CONDITIONS) == {check.condition for check in CHECKS}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
class TestEveryCheck:
    def test_has_its_evidence_looked_for(self, check, tmp_path):
        own = own_looks(home=tmp_path, database_url="sqlite:///x", servers=(), clock=ManualClock())
        known = {Side.SALESFORCE: SALESFORCE_PROBES, Side.STRIPE: STRIPE_PROBES, None: own}
        for name in check.evidence:
            assert name in known[side_of(name)], name

    def test_belongs_to_a_topic_that_has_a_name(self, check):
        assert topic_of(check.id, shipped_rules()) in shipped_rules().topics.values()

    def test_says_everything_in_plain_words(self, check):
        for text in (check.title, check.expected, check.why, check.fix):
            assert text.strip() == text
            assert text[0] in string.printable
            assert not re.search(r"\b(TODO|TBD|FIXME)\b", text)

    def test_links_to_a_page_below_the_orgs_address_or_a_whole_one(self, check):
        assert check.link is None or check.link.startswith(("/", "https://"))
        if check.link is not None and check.link.startswith("/"):
            assert check.side is Side.SALESFORCE, "only the org's address is put before it"
