"""What people do on both sides, chosen by chance among what there is to do it to.

Each action names what it did for the trace, or gives None when there was nothing to do it to. Records that
people brought into a contradiction on purpose are `contested`: there the program may stop and say so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import requests

from connector.sandbox.salesforce.errors import ApiError
from tests.simulation.contents import marked, salesforce_rows, stripe_objects
from tests.support import builders as b

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from random import Random

    from tests.support.world import World

NAMES: Final = (
    "Acme GmbH",
    "Birke AG",
    "Cedar Ltd",
    "Dorn KG",
    "Esche & Söhne",
    "  Fjord AS ",
    "Gräf <Bau>",
    "山田商事",
)
CODES: Final = ("EUR", "EUR", "USD", "JPY")
#: every poll reads the last minute before its cursor again, and stays 5 s behind
READ_AGAIN: Final = timedelta(seconds=65)
INVOICE, PAYMENT, QUOTE = "blng__Invoice__c", "blng__Payment__c", "SBQQ__Quote__c"


@dataclass
class People:
    """Everybody who works in the two systems."""

    world: World
    #: Salesforce ids of records that people brought into a contradiction
    contested: set[str] = field(default_factory=set)
    #: account -> currency of all its documents
    codes: dict[str, str] = field(default_factory=dict)
    #: invoices over which a cheque and a card may meet
    cheques: set[str] = field(default_factory=set)
    #: invoices whose bank debit takes its days
    debits: set[str] = field(default_factory=set)
    #: customers at Stripe who paid what a debit was on its way for: Stripe credits them, and takes it off later invoices
    credited: set[str] = field(default_factory=set)
    #: id at Stripe -> whose copy it was, where somebody took off the mark
    tidied: dict[str, str] = field(default_factory=dict)
    #: when a change that was just made pretends to have been made, less what every poll reads again
    hidden_before: datetime | None = None

    def act(self, action: str, chance: Random) -> str | None:
        """What was done. What a system refuses was not done."""
        try:
            return (ACTIONS | RARE)[action](self, chance)
        except (requests.HTTPError, ApiError) as error:
            return f"{action} refused: {str(error)[:60]}"

    # -- what there is ------------------------------------------------------------------------------------------

    def accounts(self) -> list[str]:
        return self.world.org.ids("Account")

    def invoices(self, *statuses: str) -> list[dict[str, Any]]:
        return [row for row in salesforce_rows(self.world, INVOICE) if row["blng__InvoiceStatus__c"] in statuses]

    def open_at_stripe(self) -> list[dict[str, Any]]:
        return [row for row in stripe_objects(self.world, "invoice") if row["status"] == "open" and marked(row)]

    def code_of(self, account: str) -> str:
        return self.codes.get(account, "USD")


def _pick(chance: Random, rows: Sequence[Any]) -> Any:
    return chance.choice(rows) if rows else None


def _amount(chance: Random, code: str) -> str:
    # less than Stripe charges at all is paid by nobody: an invoice over it is a matter of its own
    whole = chance.randint(100, 900)
    return f"{whole}" if code == "JPY" else f"{whole}.{chance.choice(('00', '05', '33', '99'))}"


# -- Salesforce ---------------------------------------------------------------------------------------------------


def new_account(people: People, chance: Random) -> str:
    code = chance.choice(CODES)
    name = f"{chance.choice(NAMES)} {chance.randint(1, 99)}"
    email = chance.choice(("ap@acme.example", " AP@Birke.example ", None))
    fields = b.ADDRESS if chance.random() < 0.5 else {}
    account = b.account(people.world, name, email=email, **fields)
    people.codes[account] = code
    return f"account {account} {name!r} {code}"


def new_product(people: People, chance: Random) -> str:
    return f"product {b.product(people.world, f'Seat {chance.randint(1, 99)}')}"


def new_invoice(people: People, chance: Random, status: str = "Posted") -> str:
    accounts = people.accounts()
    if not accounts:
        new_account(people, chance)
        accounts = people.accounts()
    account = chance.choice(accounts)
    code = people.code_of(account)
    products = [None, *(row["Id"] for row in salesforce_rows(people.world, "Product2"))]
    items = [
        b.Item(
            subtotal=_amount(chance, code),
            tax=_amount(chance, code) if chance.random() < 0.4 else "0",
            name=f"Line {number}",
            quantity=chance.choice(("1", "3", "2.5")),
            product=chance.choice(products),
        )
        for number in range(chance.randint(1, 3))
    ]
    found = b.invoice(people.world, *items, account_id=account, status=status, code=code)
    return f"invoice {found} of {account} {status}"


def new_draft(people: People, chance: Random) -> str:
    return new_invoice(people, chance, "Draft")


def post_draft(people: People, chance: Random) -> str | None:
    row = _pick(chance, people.invoices("Draft"))
    if row is None:
        return None
    people.world.org.update(INVOICE, row["Id"], {"blng__InvoiceStatus__c": "Posted"})
    return f"posted {row['Id']}"


def edit_account(people: People, chance: Random) -> str | None:
    account = _pick(chance, people.accounts())
    if account is None:
        return None
    field_name = chance.choice(("Name", "Phone", "BillingCity"))
    value = (
        f"{chance.choice(NAMES)} {chance.randint(100, 999)}"
        if field_name != "Phone"
        else f"+49 {chance.randint(1, 999)}"
    )
    people.world.org.update("Account", account, {field_name: value})
    return f"account {account} {field_name} = {value!r}"


def edit_product(people: People, chance: Random) -> str | None:
    row = _pick(chance, salesforce_rows(people.world, "Product2"))
    if row is None:
        return None
    name = f"Seat {chance.randint(100, 999)}"
    people.world.org.update("Product2", row["Id"], {"Name": name})
    return f"product {row['Id']} = {name!r}"


def withdraw(people: People, chance: Random) -> str | None:
    """Cancelled or rebilled: contested where money may be on its way."""
    row = _pick(chance, people.invoices("Posted"))
    if row is None:
        return None
    status = chance.choice(("Cancelled", "Rebilled"))
    mate = row["Stripe_Id__c"]
    at_stripe = [
        item for item in stripe_objects(people.world, "invoice") if item["id"] == mate or marked(item) == row["Id"]
    ]
    touched = any(item["amount_paid"] or item["status"] in ("paid", "void", "uncollectible") for item in at_stripe)
    on_its_way = row["Id"] in people.cheques | people.debits
    if touched or row["blng__Balance__c"] != row["blng__TotalAmount__c"] or on_its_way:
        people.contested.add(row["Id"])
    people.world.org.update(INVOICE, row["Id"], {"blng__InvoiceStatus__c": status})
    if status == "Rebilled":
        new_invoice(people, chance)
    return f"{status} {row['Id']}"


def tamper(people: People, chance: Random) -> str | None:
    """A line added to a posted invoice: the package does not allow it, data loaders do."""
    row = _pick(chance, [each for each in people.invoices("Posted") if each["Id"] not in people.contested])
    if row is None:
        return None
    people.contested.add(row["Id"])
    code = row.get("CurrencyIsoCode") or "USD"
    b.add_lines(people.world, row["Id"], [b.Item(subtotal="7", name="Late fee")], code=code)
    return f"line added to {row['Id']}"


def cheque(people: People, chance: Random) -> str | None:
    """For what Salesforce still asks for; whoever pays by card at the same time makes it contested."""
    rows = [row for row in people.invoices("Posted") if row["blng__Balance__c"] > 0 and row["Stripe_Id__c"]]
    row = _pick(chance, [each for each in rows if each["Id"] not in people.contested])
    if row is None:
        return None
    mate = next((item for item in stripe_objects(people.world, "invoice") if item["id"] == row["Stripe_Id__c"]), None)
    code = row.get("CurrencyIsoCode") or "USD"
    balance = row["blng__Balance__c"]
    share = balance if chance.random() < 0.5 or code == "JPY" else (balance / 2).quantize(Decimal("0.01"))
    if share <= 0:
        return None
    on_its_way = row["Id"] in people.cheques | people.debits
    if mate is None or mate["status"] != "open" or on_its_way or mate["amount_paid"]:
        people.contested.add(row["Id"])
    people.cheques.add(row["Id"])
    found = b.offline_payment(people.world, {row["Id"]: str(share)}, account_id=row["blng__Account__c"], code=code)
    return f"cheque {found} of {share} for {row['Id']}"


def unbook_cheque(people: People, chance: Random) -> str | None:
    """A fact that was reported is taken back: told, never followed."""
    rows = [row for row in salesforce_rows(people.world, PAYMENT) if row["blng__PaymentMode__c"] == "External"]
    row = _pick(chance, rows)
    if row is None:
        return None
    people.contested.add(row["Id"])
    for allocation in salesforce_rows(people.world, "blng__PaymentAllocationInvoice__c"):
        if allocation["blng__Payment__c"] == row["Id"]:
            people.contested.add(allocation["blng__Invoice__c"])
    people.world.org.update(PAYMENT, row["Id"], {"blng__Status__c": "Cancelled"})
    return f"cheque {row['Id']} cancelled"


def new_quote(people: People, chance: Random) -> str | None:
    account = _pick(chance, people.accounts())
    if account is None:
        return None
    code = people.code_of(account)
    offer = b.Offer(product=b.product(people.world), price=_amount(chance, code), quantity=chance.choice(("1", "4")))
    return f"quote {b.quote(people.world, offer, account_id=account, code=code)}"


def move_quote(people: People, chance: Random) -> str | None:
    row = _pick(
        chance, [each for each in salesforce_rows(people.world, QUOTE) if each["SBQQ__Status__c"] != "Accepted"]
    )
    if row is None:
        return None
    status = chance.choice(("Draft", "Presented", "Accepted", "Rejected"))
    people.world.org.update(QUOTE, row["Id"], {"SBQQ__Status__c": status})
    return f"quote {row['Id']} {status}"


def delete_quote(people: People, chance: Random) -> str | None:
    row = _pick(chance, salesforce_rows(people.world, QUOTE))
    if row is None:
        return None
    people.contested.add(row["Id"])
    people.world.org.delete(QUOTE, row["Id"])
    return f"quote {row['Id']} deleted"


def delete_draft(people: People, chance: Random) -> str | None:
    row = _pick(chance, people.invoices("Draft"))
    if row is None:
        return None
    people.world.org.delete(INVOICE, row["Id"])
    return f"draft {row['Id']} deleted"


def edit_copy(people: People, chance: Random) -> str | None:
    """Somebody edits what Stripe owns."""
    row = _pick(chance, [each for each in people.invoices("Posted") if each["Stripe_Id__c"]])
    if row is None:
        return None
    people.contested.add(row["Id"])
    people.world.org.update(INVOICE, row["Id"], {"Stripe_Status__c": "paid in cash"})
    return f"copied status of {row['Id']} edited"


def empty_marker(people: People, chance: Random) -> str | None:
    sobject = chance.choice(("Account", "Product2", INVOICE))
    row = _pick(chance, [each for each in salesforce_rows(people.world, sobject) if each["Stripe_Id__c"]])
    if row is None:
        return None
    people.world.org.update(sobject, row["Id"], {"Stripe_Id__c": None})
    return f"marker of {row['Id']} emptied"


def commit_late(people: People, chance: Random) -> str | None:
    """A long transaction: visible only now, stamped when it began."""
    account = _pick(chance, people.accounts())
    if account is None:
        return None
    name = f"Late {chance.randint(100, 999)}"
    people.world.org.update("Account", account, {"Name": name})
    ago = timedelta(seconds=chance.choice((20, 200, 3_600, 7_200)))
    stamp = people.world.clock.now() - ago
    people.world.org.commit_late("Account", account, stamp)
    people.hidden_before = stamp + READ_AGAIN
    return f"account {account} = {name!r}, committed {int(ago.total_seconds())} s late"


def many_at_once(people: People, chance: Random) -> str:
    """More rows with one stamp than a page holds."""
    number = chance.choice((2_500, 300, 300))
    money = b.currency(people.world, "USD")
    people.world.org.create_many([("Account", {"Name": f"Loaded {place}", **money}) for place in range(number)])
    return f"{number} accounts loaded"


# -- Stripe -------------------------------------------------------------------------------------------------------


def _notice_paid_twice(people: People, row: Mapping[str, Any]) -> None:
    """A cheque, or the end of the invoice, is on its way from Salesforce while the customer pays, or a bank debit is."""
    born_id = marked(row)
    if born_id in people.debits:
        people.credited.add(str(row["customer"]))
    withdrawn = {row["Id"] for row in people.invoices("Cancelled", "Rebilled")}
    if born_id in people.cheques or born_id in withdrawn:
        people.contested.add(str(born_id))


def pay_by_card(people: People, chance: Random) -> str | None:
    row = _pick(chance, people.open_at_stripe())
    if row is None:
        return None
    _notice_paid_twice(people, row)
    b.pay(people.world, row["id"], chance.choice(("pm_card_visa", "pm_card_visa", "pm_card_chargeDeclined")))
    return f"{row['id']} paid by card"


def pay_in_part(people: People, chance: Random) -> str | None:
    row = _pick(chance, people.open_at_stripe())
    if row is None or row["amount_remaining"] < 100:
        return None
    _notice_paid_twice(people, row)
    amount = max(50, row["amount_remaining"] // 3)
    b.pay_with_intent(people.world, amount, row["id"], code=row["currency"])
    return f"{row['id']} paid {amount} in part"


def pay_by_debit(people: People, chance: Random) -> str | None:
    row = _pick(chance, [each for each in people.open_at_stripe() if each["currency"] == "usd"])
    if row is None:
        return None
    _notice_paid_twice(people, row)
    people.debits.add(str(marked(row)))
    b.pay(people.world, row["id"], "pm_usBankAccount_success")
    return f"{row['id']} paid by bank debit"


def rename_customer(people: People, chance: Random) -> str | None:
    row = _pick(chance, [each for each in stripe_objects(people.world, "customer") if marked(each)])
    if row is None:
        return None
    people.world.stripe_api("POST", f"/v1/customers/{row['id']}", {"phone": f"+1 {chance.randint(100, 999)}"})
    return f"phone of {row['id']} edited at Stripe"


def void_at_stripe(people: People, chance: Random) -> str | None:
    row = _pick(chance, [each for each in people.open_at_stripe() if not each["amount_paid"]])
    if row is None:
        return None
    people.contested.add(str(marked(row)))
    people.world.stripe_api("POST", f"/v1/invoices/{row['id']}/void")
    return f"{row['id']} voided at Stripe"


def accept_quote(people: People, chance: Random) -> str | None:
    row = _pick(chance, [each for each in stripe_objects(people.world, "quote") if each["status"] == "open"])
    if row is None:
        return None
    people.world.stripe_api("POST", f"/v1/quotes/{row['id']}/accept")
    return f"{row['id']} accepted at Stripe"


def invoice_by_hand(people: People, chance: Random) -> str | None:
    """A record that is none of ours."""
    row = _pick(chance, stripe_objects(people.world, "customer"))
    if row is None:
        return None
    found = people.world.stripe_api("POST", "/v1/invoices", {"customer": row["id"], "auto_advance": "false"})
    return f"{found['id']} made by hand"


def take_off_mark(people: People, chance: Random) -> str | None:
    """At Stripe, of a copy that its record in Salesforce still names: where neither names the other any more and
    the database is lost, nobody could know.
    """
    sort, sobject = chance.choice((("customer", "Account"), ("product", "Product2"), ("invoice", INVOICE)))
    named = {row["Stripe_Id__c"] for row in salesforce_rows(people.world, sobject)}
    row = _pick(chance, [each for each in stripe_objects(people.world, sort) if marked(each) and each["id"] in named])
    if row is None:
        return None
    people.tidied[row["id"]] = str(marked(row))
    people.world.stripe_api("POST", f"/v1/{sort}s/{row['id']}", {"metadata": {"salesforce_id": ""}})
    return f"mark of {row['id']} taken off"


#: by weight
ACTIONS: Final[dict[str, Callable[[People, Random], str | None]]] = {
    "new account": new_account,
    "new product": new_product,
    "new invoice": new_invoice,
    "new draft": new_draft,
    "post draft": post_draft,
    "edit account": edit_account,
    "edit product": edit_product,
    "withdraw": withdraw,
    "tamper": tamper,
    "cheque": cheque,
    "unbook cheque": unbook_cheque,
    "new quote": new_quote,
    "move quote": move_quote,
    "delete quote": delete_quote,
    "delete draft": delete_draft,
    "edit copy": edit_copy,
    "empty marker": empty_marker,
    "commit late": commit_late,
    "many at once": many_at_once,
    "pay by card": pay_by_card,
    "pay in part": pay_in_part,
    "pay by debit": pay_by_debit,
    "rename customer": rename_customer,
    "void at Stripe": void_at_stripe,
    "accept quote": accept_quote,
    "invoice by hand": invoice_by_hand,
}
#: what only some stories tell
RARE: Final = {"take off mark": take_off_mark}
COMMON: Final = ("new invoice", "new invoice", "pay by card", "pay in part", "cheque", "edit account", "new account")
