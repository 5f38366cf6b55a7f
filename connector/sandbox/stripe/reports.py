"""Report types: which reports can be run, and how far their data reaches. Reports themselves cannot be run yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connector.sandbox.stripe.errors import missing_resource
from connector.sandbox.stripe.paging import Page

if TYPE_CHECKING:
    from connector.sandbox.stripe.engine import Engine, Fields
    from connector.sandbox.stripe.store import Object

KIND = "reporting.report_type"
_DAY_S = 86_400
#: id -> name and default columns (platform.md C7, "Reports": itemized columns as seen there, the rest inferred)
_TYPES: dict[str, tuple[str, tuple[str, ...]]] = {
    "balance.summary.1": ("Balance summary", ("category", "description", "net_amount", "currency")),
    "balance_change_from_activity.itemized.3": (
        "Itemized balance change from activity",
        ("balance_transaction_id", "created_utc", "currency", "gross", "net", "fee", "reporting_category", "source_id"),
    ),
    "balance_change_from_activity.summary.1": (
        "Balance change from activity summary",
        ("reporting_category", "currency", "count", "gross", "fee", "net"),
    ),
    "payout_reconciliation.itemized.5": (
        "Itemized payout reconciliation",
        ("automatic_payout_id", "automatic_payout_effective_at", "balance_transaction_id", "currency", "gross", "net"),
    ),
    "payout_reconciliation.summary.1": (
        "Payout reconciliation summary",
        ("reporting_category", "currency", "count", "gross", "fee", "net"),
    ),
}


def listing(engine: Engine, params: Fields, path: dict[str, str]) -> Page:
    """All of them at once: this list has no pages (derived API description)."""
    del params, path
    found = [_report_type(engine, type_id) for type_id in _TYPES if type_id not in engine.facts.missing_reports]
    return Page(data=found, has_more=False, url="/v1/reporting/report_types")


def retrieve(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
    del params
    type_id = path["report_type"]
    if type_id not in _TYPES or type_id in engine.facts.missing_reports:
        raise missing_resource(KIND, type_id)
    return _report_type(engine, type_id)


def _report_type(engine: Engine, type_id: str) -> Object:
    name, columns = _TYPES[type_id]
    midnight = engine.now - engine.now % _DAY_S - engine.facts.reports_behind_days * _DAY_S
    return {
        "id": type_id,
        "object": KIND,
        "data_available_end": midnight,
        "data_available_start": midnight - 365 * _DAY_S,
        "default_columns": list(columns),
        "livemode": engine.livemode,
        "name": name,
        "updated": midnight,
        "version": int(type_id.rpartition(".")[2]),
    }
