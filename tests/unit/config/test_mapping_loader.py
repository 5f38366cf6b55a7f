from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from connector.config.schema import BundledSchema, FieldSchema
from connector.core.mapping import Nature, Owner
from connector.core.model import Side


def test_the_shipped_pack_loads_in_tier_order(pack_folder):
    pack = pack_folder.load()
    assert pack.name == "cpq-billing"
    assert list(pack.kinds) == ["product", "customer", "quote", "invoice", "payment", "offline_payment"]
    assert [mapping.tier for mapping in pack.kinds.values()] == sorted(m.tier for m in pack.kinds.values())


def test_a_kind_becomes_what_its_file_says(pack_folder):
    invoice = pack_folder.load().kinds["invoice"]
    assert (invoice.nature, invoice.born, invoice.needs) == (Nature.DOCUMENT, Side.SALESFORCE, ("customer", "product"))
    assert invoice.salesforce.states["Post In progress"] == "absent"
    assert invoice.salesforce.roles["balance"] == "blng__Balance__c"
    assert invoice.salesforce.watches[0].keys == {"invoice": "blng__Invoice__c"}
    assert invoice.stripe.constants["create"]["auto_advance"] is False
    assert invoice.stripe.constants["create"]["discounts"] == ""
    assert invoice.lines.order == "Name"
    assert invoice.lines.paths.count("blng__Subtotal__c") == 1
    assert invoice.options["lines_max"] == 250
    total = next(rule for rule in invoice.fields if rule.name == "total")
    assert (total.owner, total.check, total.salesforce, total.stripe) == (
        Owner.SALESFORCE,
        True,
        "blng__TotalAmount__c",
        "total",
    )
    lines = (pack_folder.folder / "invoice.yaml").read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if text.startswith("  total: ") and "owner" in text)
    assert total.source.endswith(f"invoice.yaml:{line}")


def test_two_kinds_may_live_on_one_object(pack_folder):
    kinds = pack_folder.load().kinds_on(Side.SALESFORCE, "blng__Payment__c")
    assert {mapping.kind for mapping in kinds} == {"payment", "offline_payment"}


BROKEN = [
    # (kind, what stands there, what the test writes instead, words of the message)
    ("invoice", "{reference: [number],", "{refrence: [number],", "unknown key 'refrence' (did you mean 'reference'?)"),
    (
        "invoice",
        "{reference: [number],",
        "{reference: [numbr],",
        "adopt.reference names 'numbr' (did you mean 'number'?)",
    ),
    ("invoice", "hints: [date], parent", "hints: [dates], parent", "adopt.hints names 'dates' (did you mean 'date'?)"),
    ("invoice", "amount: total, hints", "hints", "adopt of a document compares no amount"),
    ("invoice", "amount: total, hints", "amount: status, hints", "adopt.amount names 'status', which is no money"),
    (
        "invoice",
        "parent: customer}",
        "parent: costumer}",
        "adopt.parent names role 'costumer' (did you mean 'customer'?)",
    ),
    ("product", "adopt: {reference: [code], hints: [name]}", "adopt: {}", "adopt compares nothing"),
    ("invoice", "after_final: park", "aftre_final: park", "unknown key 'aftre_final' (did you mean 'after_final'?)"),
    ("invoice", "after_final: park", "after_final: parc", "after_final is 'parc' (did you mean 'park'?)"),
    ("invoice", "nature: document", "nature: documment", "nature is 'documment' (did you mean 'document'?)"),
    ("invoice", "tier: 2", "tier: two", "tier is 'two'"),
    (
        "invoice",
        "as: [money, minor], check: true",
        "as: [monney, minor], check: true",
        "unknown codec 'monney' (did you",
    ),
    ("invoice", "as: [date, epoch]", "as: [date, minor]", "do not carry the same kind of value"),
    ("invoice", "as: [date, epoch]", "as: [text, one_line]", "'one_line' is not its own inverse"),
    ("invoice", "as: [date, epoch]", "as: [date, epoch, text]", "`as` has 3 codecs"),
    ("invoice", "as: [date, epoch]", "as: {table: dates}", "no table 'dates'"),
    (
        "invoice",
        "{owner: stripe, salesforce: Stripe_Number__c",
        "{owner: strip, salesforce: Stripe_Number__c",
        "owner is",
    ),
    (
        "invoice",
        "owner: stripe, salesforce: Stripe_Amount",
        "owner: either, salesforce: Stripe_Amount",
        "money is never",
    ),
    (
        "invoice",
        "owner: stripe, salesforce: Stripe_Status",
        "owner: either, salesforce: Stripe_Status",
        "status is never",
    ),
    (
        "customer",
        "{owner: salesforce, salesforce: blng__Bill",
        "{owner: either, salesforce: blng__Bill",
        "goes through a",
    ),
    ("customer", "prefer: salesforce, salesforce: Phone", "prefer: newest, salesforce: Phone", "prefer is 'newest'"),
    (
        "product",
        "{owner: salesforce, salesforce: Name",
        "{owner: salesforce, prefer: stripe, salesforce: Name",
        "`prefer`",
    ),
    (
        "payment",
        "{owner: stripe, salesforce: blng__GatewayID",
        "{owner: salesforce, salesforce: blng__GatewayID",
        "a fact",
    ),
    ("payment", "as: [money, minor]}", "as: [money, minor], create_only: true}", "neither checked nor read back"),
    ("invoice", "stripe: amount_remaining, as: [money", "as: [money", "neither checked nor read back"),
    (
        "offline_payment",
        "stripe: amount.value, as",
        "stripe: amonut.value, as",
        "has no 'amonut' (did you mean 'amount'?)",
    ),
    ("invoice", "stripe: hosted_invoice_url", "stripe: hosted_url", "has no 'hosted_url'"),
    ("invoice", "stripe: effective_at", "stripe: hosted_invoice_url", "takes no 'hosted_invoice_url'"),
    (
        "invoice",
        "auto_advance: false\n      coll",
        "auto_advanced: false\n      coll",
        "create takes no 'auto_advanced'",
    ),
    ("invoice", "    finalize: {", "    finalise: {", "no action 'finalise' (did you mean 'finalize'?)"),
    ("payment", "salesforce: blng__GatewayID__c", "salesforce: blng__BankAccountNumber__c", "bank account"),
    ("product", "stripe: metadata.product_code", "stripe: metadata.card_number", "card number"),
    ("offline_payment", "check_number: blng__CheckNumber__c", "cvv: blng__CVV__c", "security code"),
    (
        "invoice",
        "salesforce: Stripe_Number__c",
        "salesforce: Stripe_Nummer__c",
        "has no field 'Stripe_Nummer__c' (did you",
    ),
    ("invoice", "object: blng__Invoice__c", "object: blng__Invoce__c", "no object 'blng__Invoce__c' (did you mean"),
    ("invoice", "product_active: blng__Product__r.", "product_active: blng__Produkt__r.", "has no relationship"),
    ("invoice", "balance: blng__Balance__c", "balance: blng__Ballance__c", "has no field 'blng__Ballance__c' (did you"),
    ("invoice", "balance: blng__Balance__c", "ballance: blng__Balance__c", "asks for role 'balance'"),
    ("invoice", "amount: blng__Subtotal__c", "amuont: blng__Subtotal__c", "asks for role 'amount'"),
    ("invoice", "salesforce: Stripe_Amount_Remaining__c", "salesforce: blng__Payments__c", "cannot be changed"),
    ("payment", "salesforce: blng__Amount__c, stripe", "salesforce: blng__Balance__c, stripe", "cannot be set when"),
    ("invoice", "marker: Stripe_Id__c", "marker: Stripe_Number__c", "is no external id"),
    ("invoice", "as: [money, minor], check: true", "as: integer, check: true", "is money and 'integer' does not read"),
    ("product", "IsActive = true", "IsActive == true", "where has `==`"),
    ("product", "IsActive = true", "IsActiv = true", "has no field 'IsActiv' (did you mean 'IsActive'?)"),
    ("offline_payment", "Stripe_Id__c = null AND ", "", "would be claimed as born in Salesforce"),
    ("invoice", "Posted: live", "Posted: alive", "Posted is 'alive' (did you mean 'live'?)"),
    (
        "invoice",
        "Cancelled: cancelled",
        "Canceled: cancelled",
        "'Canceled' is no value of blng__InvoiceStatus__c (did you",
    ),
    ("invoice", "  state: blng__InvoiceStatus__c\n", "", "`state` and `states` belong together"),
    ("quote", "on_accept: cancel", "on_accept: bill", "option on_accept is 'bill'"),
    ("quote", "on_accept: cancel", "on_acept: cancel", "unknown option 'on_acept' (did you mean 'on_accept'?)"),
    ("quote", "accepted_status: Accepted", "accepted_status: Acepted", "'Acepted' is no value of SBQQ__Status__c"),
    ("invoice", "lines_max: 250", "lines_max: 251", "option lines_max is 251"),
    ("payment", "allocate_to: invoice", "allocate_to: lins", "option allocate_to is 'lins'"),
    ("payment", "posted_status: Posted", "posted_status: Postd", "'Postd' is no value of blng__Status__c"),
    ("payment", "Cash: [cash]", "Csh: [cash]", "'Csh' is no value of blng__PaymentType__c (did you mean 'Cash'?)"),
    ("payment", "Cash: [cash]", "Cash: [cash, card]", "'card' stands for 'Credit Card' and for 'Cash'"),
    (
        "payment",
        "needs: [customer, invoice]",
        "needs: [customer, invoce]",
        "'invoce', which the pack does not have (did you",
    ),
    ("quote", "tier: 2", "tier: 1", "'quote' (tier 1) needs 'customer' (tier 1)"),
    ("product", "tier: 0", "tier: 0\nneeds: [invoice]", "in a circle"),
    ("quote", "currency: CurrencyIsoCode\n", "", "carries money and names no currency"),
    ("quote", "keys: {quote:", "keys: {qote:", "names kind 'qote' (did you mean 'quote'?)"),
    ("product", "kind: product", "kind: prodct", "kind is 'prodct' in product.yaml"),
    ("product", "kind: product", "kind: product\nkind: product", "'kind' is written twice"),
    ("product", 'where: "IsActive', 'where: &a "IsActive', "anchors"),
    ("invoice", "shape: invoice_line", "shape: invoice_lines", "unknown shape 'invoice_lines' (did you mean"),
    (
        "offline_payment",
        "      invoice: blng__InvoiceLine__r.blng__Invoice__c\n",
        "",
        "shape 'allocation' asks for role 'invoice'",
    ),
    ("customer", "stripe: phone", "stripe: name", "writes stripe 'name', and so does 'name'"),
    ("invoice", "salesforce: Stripe_Number__c", "salesforce: Stripe_Id__c", "the marker is written by the program"),
    ("invoice", "as: [money, minor], check: true", "as: [money, minor], check: true, create_only: true", "keep one"),
    ("invoice", "check: true}", "check: true, on_drift: revert}", "is not sent again"),
    ("customer", "stripe: phone, as", "as", "`either` needs a path on both sides"),
    ("product", "salesforce: IsActive, stripe: active, as", "as", "names a path on neither side"),
    ("product", "{owner: salesforce, salesforce: IsActive, stripe: active, as: boolean}", "text", "is not a mapping"),
    ("quote", "needs: [customer, product]", "needs: [quote]", "needs itself"),
    ("quote", "needs: [customer, product]", "needs: customer", "write a list of texts"),
    ("invoice", "lines_max: 250\n", "", "option 'lines_max' is missing"),
    ("invoice", "salesforce: Stripe_Status__c", "salesforce: blng__InvoiceStatus__c", "changes only by the lifecycle"),
    ("invoice", "object: invoice\n", "object: invoices\n", "object is 'invoices' (did you mean 'invoice'?)"),
    ("customer", "stamp: blng__BillToContact__r.S", "stamp: blng__BilToContact__r.S", "has no relationship"),
    ("payment", "invoice: blng__Invoice__c", "invoice: blng__Invoce__c", "has no field 'blng__Invoce__c' (did you"),
    ("payment", "constants: {blng__Type__c:", "constants: {blng__Typ__c:", "has no field 'blng__Typ__c' (did you"),
    ("product", "as: boolean", "as: boolean, on_drift: rever", "on_drift is 'rever' (did you mean 'revert'?)"),
]


@pytest.mark.parametrize(("kind", "old", "new", "words"), BROKEN, ids=lambda value: str(value)[:40])
def test_a_broken_place_is_found_named_and_located(pack_folder, kind, old, new, words):
    pack_folder.replace(kind, old, new)
    found = [(where, remedy) for where, observed, remedy in pack_folder.problems() if words in observed + remedy]
    assert found, pack_folder.problems()
    assert all(where.startswith(f"{kind}.yaml:") and remedy for where, remedy in found)


def test_the_line_is_the_one_to_edit(pack_folder):
    line = pack_folder.replace("invoice", "lines_max: 250", "lines_max: many")
    assert [where for where, _, _ in pack_folder.problems()] == [f"invoice.yaml:{line}"]


def test_every_problem_of_every_file_is_reported_in_one_run(pack_folder):
    lines = [
        ("invoice.yaml", pack_folder.replace("invoice", "lines_max: 250", "lines_max: many")),
        ("quote.yaml", pack_folder.replace("quote", "on_accept: cancel", "on_accept: bill")),
        ("product.yaml", pack_folder.replace("product", "as: boolean", "as: bolean")),
        ("product.yaml", pack_folder.replace("product", "stripe: description", "stripe: descripton")),
    ]
    assert sorted(where for where, _, _ in pack_folder.problems()) == sorted(f"{file}:{line}" for file, line in lines)


def test_a_longer_circle_is_named_once(pack_folder):
    pack_folder.replace("customer", "tier: 1", "tier: 1\nneeds: [invoice]")
    circles = [observed for _, observed, _ in pack_folder.problems() if "circle" in observed]
    assert len(circles) == 1
    assert "customer" in circles[0]
    assert "invoice" in circles[0]


def test_two_kinds_born_in_one_salesforce_object_must_exclude_each_other(pack_folder):
    pack_folder.replace("payment", "born: stripe", "born: salesforce")
    found = [where for where, observed, _ in pack_folder.problems() if "no record meets both" in observed]
    assert found == ["offline_payment.yaml:12"]
    where = "marker: Stripe_Id__c\n  where: \"blng__PaymentMode__c = 'Electronic'\"\n  currency"
    pack_folder.replace("payment", "marker: Stripe_Id__c\n  currency", where)
    assert not [where for where, observed, _ in pack_folder.problems() if "no record meets both" in observed]


def test_files_and_the_pack_s_list_must_agree(pack_folder):
    pack_folder.write("refund.yaml", "kind: refund\n")
    pack_folder.replace("pack", "offline_payment]", "ofline_payment]")
    problems = pack_folder.problems()
    assert ("refund.yaml", "not named by pack.yaml", "add it to `kinds`, or remove it") in problems
    assert any(
        "no file ofline_payment.yaml (did you mean 'offline_payment'?)" in observed for _, observed, _ in problems
    )


def test_a_folder_without_a_pack_is_said_to_be_so(tmp_path, pack_folder):
    pack_folder.folder = tmp_path
    problems = pack_folder.problems()
    assert problems[0][1] == "no mapping pack here"
    assert "CONNECTOR_MAPPINGS" in problems[0][2]


@pytest.mark.parametrize(("text", "words"), [("", "empty"), ("kind: [", "not YAML"), ("- a\n", "not a mapping")])
def test_a_file_that_holds_no_kind_is_one_clear_problem(pack_folder, text, words):
    pack_folder.write("product.yaml", text)
    found = [observed for where, observed, _ in pack_folder.problems() if where.startswith("product.yaml")]
    assert any(words in observed for observed in found)


def test_a_file_that_is_not_utf8_is_named(pack_folder):
    (pack_folder.folder / "product.yaml").write_bytes(b"kind: \xff\xfe")
    assert any(
        where == "product.yaml" and "cannot be read" in observed for where, observed, _ in pack_folder.problems()
    )


def test_an_unknown_pack_version_is_refused(pack_folder):
    pack_folder.replace("pack", "version: 1", "version: 2")
    assert any("version 2 is not known" in observed for _, observed, _ in pack_folder.problems())


def test_settings_override_options_and_are_held_to_the_same_rules(pack_folder):
    pack = pack_folder.load(overrides={"payment": {"posted_status": "Processed", "allocate_to": "lines"}})
    assert pack.kinds["payment"].options["posted_status"] == "Processed"
    assert pack.kinds["payment"].options["allocate_to"] == "lines"
    assert pack.digest != pack_folder.load().digest
    problems = pack_folder.problems(overrides={"payment": {"allocate_to": "moon"}, "refund": {}})
    assert any("allocate_to is 'moon'" in observed for _, observed, _ in problems)
    assert any("override kind 'refund'" in observed for _, observed, _ in problems)


def test_the_digest_changes_with_meaning_and_not_with_comments_or_examples(pack_folder):
    digest = pack_folder.load().digest
    pack_folder.replace("product", "kind: product", "# a comment\nkind: product")
    pack_folder.replace("product", "name: a product without a description", "name: renamed")
    assert pack_folder.load().digest == digest
    pack_folder.replace("product", "IsActive = true", "IsActive = false")
    assert pack_folder.load().digest != digest


class LiveSchema(BundledSchema):
    """An org's own describe: its payment status has no `Posted`."""

    is_live = True

    def describe(self, object_name):
        schema = super().describe(object_name)
        if object_name != "blng__Payment__c":
            return schema
        status = dataclasses.replace(
            schema.fields["blng__Status__c"],
            picklist_values=("Draft", "Processed", "Cancelled", "Failed"),
            restricted_picklist=True,
        )
        return dataclasses.replace(schema, fields={**schema.fields, "blng__Status__c": status})


def test_a_live_org_s_picklists_decide_about_statuses_that_are_written(pack_folder):
    problems = pack_folder.problems(schema=LiveSchema())
    assert [observed.split(" (")[0] for _, observed, _ in problems] == ["'Posted' is no value of blng__Status__c"]
    pack = pack_folder.load(schema=LiveSchema(), overrides={"payment": {"posted_status": "Processed"}})
    assert pack.kinds["payment"].options["posted_status"] == "Processed"


class Lossy:
    samples = ("Acme",)

    def decode(self, wire, context):
        return wire.lower()

    def encode(self, value, context):
        return value


class Upper:
    """Writes upper case only, and reads it back as it was promised to be written: in lower case."""

    samples = ("acme", "acme-2")

    def decode(self, wire, context):
        return wire.lower()

    def encode(self, value, context):
        if value != value.lower():
            raise ValueError(f"{value!r} is not lower case")
        return value.upper()


def test_a_user_s_codec_is_used_when_it_is_its_own_inverse(pack_folder):
    from connector.core.codecs import BUILT_IN

    pack_folder.replace("product", "as: [text, metadata]", "as: shout")
    assert any("unknown codec 'shout'" in observed for _, observed, _ in pack_folder.problems())
    pack = pack_folder.load(codecs={**BUILT_IN, "shout": Upper()})
    rule = next(rule for rule in pack.kinds["product"].fields if rule.name == "code")
    assert rule.stripe_codec.encode("acme", None) == "ACME"
    problems = pack_folder.problems(codecs={**BUILT_IN, "shout": Lossy()})
    assert any(
        "'shout' is not its own inverse: 'Acme' is written as 'Acme' and read as 'acme'" in o for _, o, _ in problems
    )


def test_the_bundled_schema_holds_the_published_fields_and_the_shipped_ones():
    schema = BundledSchema()
    invoice = schema.describe("blng__Invoice__c")
    assert invoice.fields["blng__Balance__c"].createable is False
    assert invoice.fields["Stripe_Id__c"] == FieldSchema(
        name="Stripe_Id__c", type="string", createable=True, updateable=True, external_id=True
    )
    assert invoice.relationships["blng__Account__r"].reference_to == ("Account",)
    assert schema.describe("Nothing__c") is None


def test_money_constants_stay_exact(pack_folder):
    pack_folder.replace(
        "product", "stripe:\n  object: product", "stripe:\n  object: product\n  constants: {create: {url: 1.10}}"
    )
    assert pack_folder.load().kinds["product"].stripe.constants == {"create": {"url": Decimal("1.10")}}
