"""Which function answers which operation: the one table of what this account can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from connector.sandbox.stripe import (
    account_object,
    attempts,
    catalog,
    charges,
    customers,
    events,
    invoice_items,
    invoice_payments,
    invoice_transitions,
    invoices,
    payment_intents,
    payment_methods,
    payment_records,
    portal,
    quotes,
    reports,
    webhook_endpoints,
)
from connector.sandbox.stripe.engine import Engine, Fields
from connector.sandbox.stripe.paging import Page
from connector.sandbox.stripe.store import Object

if TYPE_CHECKING:
    from connector.sandbox.stripe.expand import Includable

Handler = Callable[[Engine, Fields, dict[str, str]], Object | Page]


def _retrieve(kind: str, name: str) -> Handler:
    def handler(engine: Engine, params: Fields, path: dict[str, str]) -> Object:
        del params
        return engine.get(kind, path[name])

    return handler


HANDLERS: dict[str, Handler] = {
    "GetAccount": account_object.retrieve_account,
    "GetBalanceTransactions": charges.list_balance_transactions,
    "GetBalanceTransactionsId": _retrieve("balance_transaction", "id"),
    "GetBillingPortalConfigurations": portal.listing,
    "PostBillingPortalConfigurations": portal.create,
    "GetBillingPortalConfigurationsConfiguration": _retrieve(portal.KIND, "configuration"),
    "PostBillingPortalConfigurationsConfiguration": portal.update,
    "GetCharges": charges.list_charges,
    "GetChargesCharge": _retrieve("charge", "charge"),
    "PostChargesCharge": charges.update_charge,
    "GetCustomers": customers.listing,
    "PostCustomers": customers.create,
    "GetCustomersCustomer": customers.retrieve,
    "PostCustomersCustomer": customers.update,
    "DeleteCustomersCustomer": customers.delete,
    "GetCustomersCustomerBalanceTransactions": customers.list_balance_transactions,
    "PostCustomersCustomerBalanceTransactions": customers.create_balance_transaction,
    "GetCustomersCustomerBalanceTransactionsTransaction": customers.retrieve_balance_transaction,
    "GetCustomersCustomerPaymentMethods": payment_methods.listing,
    "GetEvents": events.listing,
    "GetEventsId": events.retrieve,
    "GetInvoicePayments": invoice_payments.listing,
    "GetInvoicePaymentsInvoicePayment": _retrieve("invoice_payment", "invoice_payment"),
    "GetInvoiceitems": invoice_items.listing,
    "PostInvoiceitems": invoice_items.create,
    "GetInvoiceitemsInvoiceitem": _retrieve("invoiceitem", "invoiceitem"),
    "PostInvoiceitemsInvoiceitem": invoice_items.update,
    "DeleteInvoiceitemsInvoiceitem": invoice_items.delete,
    "GetInvoices": invoices.listing,
    "PostInvoices": invoices.create,
    "GetInvoicesInvoice": _retrieve("invoice", "invoice"),
    "PostInvoicesInvoice": invoices.update,
    "DeleteInvoicesInvoice": invoices.delete,
    "PostInvoicesInvoiceAddLines": invoice_items.add_lines,
    "PostInvoicesInvoiceUpdateLines": invoice_items.update_lines,
    "PostInvoicesInvoiceRemoveLines": invoice_items.remove_lines,
    "GetInvoicesInvoiceLines": invoices.list_lines,
    "PostInvoicesInvoiceLinesLineItemId": invoice_items.update_line,
    "PostInvoicesInvoiceFinalize": invoice_transitions.finalize,
    "PostInvoicesInvoiceSend": invoice_transitions.send,
    "PostInvoicesInvoicePay": invoice_transitions.pay,
    "PostInvoicesInvoiceVoid": invoice_transitions.void,
    "PostInvoicesInvoiceMarkUncollectible": invoice_transitions.mark_uncollectible,
    "PostInvoicesInvoiceAttachPayment": invoice_transitions.attach_payment,
    "GetPaymentIntents": payment_intents.listing,
    "PostPaymentIntents": payment_intents.create,
    "GetPaymentIntentsIntent": _retrieve("payment_intent", "intent"),
    "PostPaymentIntentsIntent": payment_intents.update,
    "PostPaymentIntentsIntentConfirm": payment_intents.confirm,
    "PostPaymentIntentsIntentCancel": payment_intents.cancel,
    "GetPaymentMethods": payment_methods.listing,
    "PostPaymentMethods": payment_methods.create,
    "GetPaymentMethodsPaymentMethod": payment_methods.retrieve,
    "PostPaymentMethodsPaymentMethod": payment_methods.update,
    "PostPaymentMethodsPaymentMethodAttach": payment_methods.attach,
    "PostPaymentMethodsPaymentMethodDetach": payment_methods.detach,
    "GetPaymentRecords": payment_records.listing,
    "PostPaymentRecordsReportPayment": payment_records.report_payment,
    "GetPaymentRecordsId": _retrieve("payment_record", "id"),
    "PostPaymentRecordsIdReportPaymentAttemptGuaranteed": payment_records.report_guaranteed,
    "PostPaymentRecordsIdReportPaymentAttemptFailed": payment_records.report_failed,
    "PostPaymentRecordsIdReportPaymentAttemptCanceled": payment_records.report_canceled,
    "PostPaymentRecordsIdReportPaymentAttemptInformational": payment_records.report_informational,
    "GetPrices": catalog.list_prices,
    "PostPrices": catalog.create_price,
    "GetPricesPrice": _retrieve("price", "price"),
    "PostPricesPrice": catalog.update_price,
    "GetProducts": catalog.list_products,
    "PostProducts": catalog.create_product,
    "GetProductsId": _retrieve("product", "id"),
    "PostProductsId": catalog.update_product,
    "DeleteProductsId": catalog.delete_product,
    "GetQuotes": quotes.listing,
    "PostQuotes": quotes.create,
    "GetQuotesQuote": _retrieve("quote", "quote"),
    "PostQuotesQuote": quotes.update,
    "PostQuotesQuoteFinalize": quotes.finalize,
    "PostQuotesQuoteAccept": quotes.accept,
    "PostQuotesQuoteCancel": quotes.cancel,
    "GetQuotesQuoteLineItems": quotes.list_line_items,
    "GetQuotesQuoteComputedUpfrontLineItems": quotes.list_upfront_line_items,
    "GetRefunds": charges.list_refunds,
    "PostRefunds": charges.create_refund,
    "GetRefundsRefund": _retrieve("refund", "refund"),
    "PostRefundsRefund": charges.update_refund,
    "GetReportingReportTypes": reports.listing,
    "GetReportingReportTypesReportType": reports.retrieve,
    "GetTaxRates": catalog.list_tax_rates,
    "PostTaxRates": catalog.create_tax_rate,
    "GetTaxRatesTaxRate": _retrieve("tax_rate", "tax_rate"),
    "PostTaxRatesTaxRate": catalog.update_tax_rate,
    "GetWebhookEndpoints": webhook_endpoints.listing,
    "PostWebhookEndpoints": webhook_endpoints.create,
    "GetWebhookEndpointsWebhookEndpoint": _retrieve(webhook_endpoints.KIND, "webhook_endpoint"),
    "PostWebhookEndpointsWebhookEndpoint": webhook_endpoints.update,
    "DeleteWebhookEndpointsWebhookEndpoint": webhook_endpoints.delete,
}

#: What happens when a scheduled time has come.
DUE_ACTIONS: dict[str, Callable[[Engine, str], None]] = {
    "expire_quote": quotes.expire_due,
    "finalize_invoice": invoice_transitions.finalize_due,
    "settle_debit": attempts.settle_debit,
}


def _payments_list(engine: Engine, invoice: Object) -> Fields:
    data = invoice_payments.payments_of(engine, invoice)
    return {"object": "list", "data": data, "has_more": False, "url": f"/v1/invoice_payments?invoice={invoice['id']}"}


def _confirmation_secret(engine: Engine, invoice: Object) -> Fields | None:
    payment = invoice_payments.default_payment(engine, invoice)
    if payment is None:
        return None
    intent = engine.get("payment_intent", payment["payment"]["payment_intent"])
    return {"client_secret": intent["client_secret"], "type": "payment_intent"}


def _quote_items(engine: Engine, quote: Object) -> Fields:
    url = f"/v1/quotes/{quote['id']}/line_items"
    return quotes.list_line_items(engine, {}, {"quote": quote["id"]}).body() | {"url": url}


def _empty_list(path: str) -> Includable:
    def include(engine: Engine, item: Object) -> Fields:
        del engine
        return {"object": "list", "data": [], "has_more": False, "url": path.format(item["id"])}

    return include


def _nothing(engine: Engine, item: Object) -> Any:
    del engine, item


#: Parts that are given only when expanded.
INCLUDABLE: dict[tuple[str, str], Includable] = {
    ("charge", "refunds"): charges.refunds_of,
    ("customer", "cash_balance"): _nothing,
    ("customer", "invoice_credit_balance"): lambda _engine, _customer: {},
    ("customer", "sources"): _empty_list("/v1/customers/{}/sources"),
    ("customer", "subscriptions"): _empty_list("/v1/customers/{}/subscriptions"),
    ("customer", "tax"): lambda _engine, _customer: {
        "automatic_tax": "unrecognized_location",
        "ip_address": None,
        "location": None,
        "provider": "stripe",
    },
    ("customer", "tax_ids"): _empty_list("/v1/customers/{}/tax_ids"),
    ("invoice", "amount_paid_off_stripe"): invoice_payments.paid_off_stripe,
    ("invoice", "confirmation_secret"): _confirmation_secret,
    ("invoice", "payments"): _payments_list,
    ("quote", "line_items"): _quote_items,
}
