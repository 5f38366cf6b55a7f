"""What is set up once per account: webhook endpoints, report types, the hosted portal, and open invoices."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from connector.core.verify.account import (
    OpenInvoice,
    OpenInvoices,
    Portal,
    PortalConfiguration,
    ReportType,
    ReportTypes,
    Webhooks,
)
from connector.stripe.client import PAGE_SIZE
from connector.stripe.events import HEARD_TYPES
from connector.stripe.inspect.probe import Probe, get
from connector.stripe.webhooks import endpoint_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.stripe.inspect.probe import Answer, Ask, Known

ENDPOINTS: Final = get("/v1/webhook_endpoints", right="Read on Webhook endpoints", limit=PAGE_SIZE)
#: takes no limit: all types come at once (derived API description)
REPORT_TYPES: Final = get("/v1/reporting/report_types", right="Read on Reporting")
PORTAL: Final = get(
    "/v1/billing_portal/configurations", right="Read on Customer portal", active="true", limit=PAGE_SIZE
)
OPEN_INVOICES: Final = get("/v1/invoices", right="Read on Invoices", status="open", limit=PAGE_SIZE)


def read_webhooks(_: Known, answers: Sequence[Answer]) -> Webhooks:
    (answer,) = answers
    return Webhooks(endpoints=tuple(endpoint_of(row) for row in answer.rows()), needed=HEARD_TYPES)


def read_report_types(_: Known, answers: Sequence[Answer]) -> ReportTypes:
    (answer,) = answers
    return ReportTypes(
        rows=tuple(
            ReportType(
                id=row["id"],
                name=row["name"],
                data_available_end=datetime.fromtimestamp(row["data_available_end"], tz=UTC),
            )
            for row in answer.rows()
        )
    )


def read_portal(_: Known, answers: Sequence[Answer]) -> Portal:
    (answer,) = answers
    return Portal(
        configurations=tuple(
            PortalConfiguration(
                id=row["id"],
                name=row.get("name") or "",
                is_default=row["is_default"],
                features=tuple(name for name, feature in row["features"].items() if feature["enabled"]),
            )
            for row in answer.rows()
        )
    )


def _ask_open_invoices(known: Known) -> Sequence[Ask]:
    """Nothing, as long as no limit is set: a page of invoices is the largest answer of all."""
    return (OPEN_INVOICES,) if known.options.get("profile", {}).get("card_limits") else ()


def read_open_invoices(_: Known, answers: Sequence[Answer]) -> OpenInvoices:
    rows = tuple(_open_invoice(row) for answer in answers for row in answer.rows())
    return OpenInvoices(rows=rows, more=any(answer.content().get("has_more") for answer in answers))


def _open_invoice(row: Mapping[str, Any]) -> OpenInvoice:
    methods = (row.get("payment_settings") or {}).get("payment_method_types")
    return OpenInvoice(
        id=row["id"],
        number=row.get("number"),
        currency=row["currency"],
        remaining_minor=row["amount_remaining"],
        payment_methods=None if methods is None else tuple(methods),
    )


PROBES: Final = (
    Probe(name="stripe_webhooks", asks=lambda _: (ENDPOINTS,), read=read_webhooks),
    Probe(name="stripe_report_types", asks=lambda _: (REPORT_TYPES,), read=read_report_types),
    Probe(name="stripe_portal", asks=lambda _: (PORTAL,), read=read_portal),
    Probe(name="stripe_open_invoices", asks=_ask_open_invoices, read=read_open_invoices),
)
