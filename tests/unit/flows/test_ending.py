"""How a subject comes to rest: what is stored of it, and what is left for another look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.core import settle
from connector.core.model import Side
from connector.core.view import Settled
from connector.flows.ending import Ending, end
from connector.flows.report import PassReport
from connector.flows.subject import Subject
from tests.support.flows import BORN, FakeStripe, create, workspace_of
from tests.support.views import PACK, record_of

if TYPE_CHECKING:
    from connector.ports import Store
    from tests.support.clock import ManualClock


def test_a_pair_loaded_while_another_worker_wrote_is_not_settled_over_that_write(
    store: Store, clock: ManualClock
) -> None:
    """The link in hand says that an operation is under way. Stored after its end it would say so for ever,
    and nobody would write for this pair again. Found by simulation (seed 6).
    """
    subject, act = create()
    under_way = settle.begin(subject.link, act)
    read = Subject(
        mapping=PACK.kinds["customer"],
        link=under_way,
        stored=under_way,
        records={Side.SALESFORCE: record_of(Side.SALESFORCE, "customer", BORN.id, {"Id": BORN.id, "Name": "Acme"})},
    )
    ending = Ending()
    workspace = workspace_of(store, clock, FakeStripe(lambda _: None))  # type: ignore[arg-type, return-value]
    end(workspace, read, Settled(), ending, PassReport())
    assert read.keep_signals
    assert (ending.settlements, ending.seen) == ([], [])
