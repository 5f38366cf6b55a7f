"""Who else collects money in the org: payment schedulers, payment runs, AutoPay payment methods.

Fields: schema of blng__PaymentScheduler__c, blng__PaymentRun__c, blng__PaymentMethod__c. Nothing of a card
or a bank account is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connector.core.mapping import read_path
from connector.core.verify.org_automation import AutoPayMethod, Collectors, PaymentScheduler
from connector.core.verify.org_needs import Need
from connector.salesforce import soql
from connector.salesforce.inspect import probe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.salesforce.inspect.probe import Answer, Ask, Known

#: states of a run that is under way (schema of blng__PaymentRun__c)
_UNDER_WAY: Final = ("Started", "Processing")
_SCHEDULERS: Final = soql.select(
    ["Name", "blng__Type__c", "blng__Startdateandtime__c"], "blng__PaymentScheduler__c", order=["Name"]
)
_RUNS: Final = soql.select(
    ["Name", "blng__Status__c"],
    "blng__PaymentRun__c",
    where=[soql.is_in("blng__Status__c", _UNDER_WAY)],
    order=["Name"],
)


def asks(known: Known) -> list[Ask]:
    paths = ["Name", "blng__Account__c", "blng__Account__r.Name"]
    marker = _marker(known)
    paths += [] if marker is None else [marker]
    methods = soql.select(
        paths,
        "blng__PaymentMethod__c",
        where=["blng__AutoPay__c = true", "blng__Active__c = true"],
        order=["Name"],
    )
    return [
        probe.soql(_SCHEDULERS, permission="Read on Payment Schedulers"),
        probe.soql(_RUNS, permission="Read on Payment Runs"),
        probe.soql(methods, permission="Read on Payment Methods"),
    ]


def _marker(known: Known) -> str | None:
    """The path from a payment method to its Account's mark; None where no Account can carry one yet."""
    customer = known.pack.kinds.get("customer")
    if customer is None:
        return None
    spec = customer.salesforce
    missing = {lack.where for lack in known.value("org_needs").of(Need.FIELD)}
    return None if f"{spec.object}.{spec.marker}" in missing else f"blng__Account__r.{spec.marker}"


def read(known: Known, answers: Sequence[Answer]) -> Collectors:
    schedulers, runs, methods = answers
    marker = _marker(known)
    return Collectors(
        schedulers=tuple(
            PaymentScheduler(
                name=str(row["Name"]),
                type=str(row["blng__Type__c"]),
                starts_at=None
                if row["blng__Startdateandtime__c"] is None
                else soql.parse_stamp(row["blng__Startdateandtime__c"]),
            )
            for row in schedulers.rows()
        ),
        runs=tuple((str(row["Name"]), str(row["blng__Status__c"])) for row in runs.rows()),
        auto_pay=tuple(
            AutoPayMethod(
                name=str(row["Name"]),
                account_id=str(row["blng__Account__c"]),
                account_name=str(read_path(row, "blng__Account__r.Name")),
                is_linked=marker is not None and read_path(row, marker) is not None,
            )
            for row in methods.rows()
        ),
        auto_pay_total=int(methods.content()["totalSize"]),
    )


PROBES: Final = (probe.Probe(name="collectors", asks=asks, read=read, after=("org_needs",)),)
