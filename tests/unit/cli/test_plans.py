"""A plan for people and as a file."""

from __future__ import annotations

import io
import json
import stat

import pytest
from rich.console import Console

from connector.cli.plan_file import load_plan, masked, save_plan
from connector.cli.plan_view import print_plan
from connector.core.currencies import CURRENCIES, counted_whole
from connector.core.errors import UsageError
from connector.core.plan import FieldChange, Plan, PlanEntry, PlanLine


def entry(**given):
    defaults = {
        "kind": "invoice",
        "id": "a0Fcw000000000DEAQ",
        "label": "INV-20417",
        "target": "stripe",
        "action": "create",
        "target_id": None,
        "changes": (FieldChange(field="collection_method", old=None, new="send_invoice"),),
        "moves_money": False,
        "destructive": False,
        "amount_minor": None,
        "currency": None,
        "base": {"salesforce": "2026-11-21T12:00:00.000+0000"},
        "digest": "d" * 64,
        "costs": {"stripe": 3},
    }
    return PlanEntry(**(defaults | given))


def plan(*entries, **given):
    defaults = {"org_id": "00D1", "account_id": "acct_1", "pack_digest": "p", "created_at": "2026-11-21T12:00:00+00:00"}
    return Plan(entries=entries, **(defaults | given))


def shown(made, **given):
    stream = io.StringIO()
    console = Console(file=stream, width=200, highlight=False, markup=False)
    print_plan(console, made, **({"stopped": {}, "currencies": CURRENCIES} | given))
    return stream.getvalue()


CALLS = "Calls that write ≈ 0 Salesforce (up to 200 rows each) / {} Stripe"
CREATE = entry(moves_money=True, amount_minor=1240000, currency="usd")
UPDATE = entry(
    kind="customer",
    id="001cw0000000007AAA",
    label="Acme [Corp]",
    action="update",
    target_id="cus_1",
    changes=(
        FieldChange(field="email", old="ap@acme.com", new="billing@acme.com"),
        FieldChange(field="shipping", old=None, new={"phone": "+1 555 0100", "name": "Acme"}),
    ),
    costs={"stripe": 1},
)
VOID = entry(
    action="void", target_id="in_9", changes=(), destructive=True, moves_money=True, amount_minor=70683, currency="jpy"
)


def test_a_create_shows_its_values_and_amount():
    text = shown(plan(CREATE))
    assert '# invoice a0Fcw000000000DEAQ "INV-20417"  Salesforce → Stripe invoice (new)' in text
    assert "+ create invoice  12,400.00 USD [moves money]" in text
    assert '    + collection_method = "send_invoice"' in text


def test_an_update_shows_old_and_new():
    text = shown(plan(UPDATE))
    assert '"Acme [Corp]"' in text  # no markup is read out of data
    assert '~ email: "ap@acme.com" → "billing@acme.com"' in text


def test_a_void_is_marked():
    assert "- void invoice  70,683 JPY [moves money] [destructive]" in shown(plan(VOID))


def test_it_ends_with_what_is_done_per_kind_with_totals_per_currency_and_calls():
    assert shown(plan(UPDATE, CREATE, CREATE, VOID)).splitlines()[-4:] == [
        "Plan: update 1 customer, create 2 invoices, void 1 invoice",
        "Money: create invoice 24,800.00 USD",
        "Money: void invoice 70,683 JPY",
        CALLS.format(10),
    ]


def line(**given):
    defaults = {"description": "Seat", "quantity": None, "amount_minor": 10000, "tax_minor": 0, "product": None}
    return PlanLine(**(defaults | given))


def test_the_lines_of_a_document_stand_below_it():
    lines = (
        line(description="Platform seat", quantity="3", amount_minor=120000, tax_minor=22800),
        line(description="Onboarding [once]", amount_minor=-5000),
    )
    text = shown(plan(entry(action="create", currency="eur", lines=lines)))
    assert text.splitlines()[2:6] == [
        '    + collection_method = "send_invoice"',
        "    2 lines:",
        "      3 x Platform seat  1,200.00 EUR + tax 228.00 EUR",
        "      Onboarding [once]    -50.00 EUR",
    ]


def test_amounts_are_read_as_the_settings_count_the_currency():
    made = plan(entry(currency="ugx", amount_minor=5000, moves_money=True, lines=(line(amount_minor=5000),)))
    assert shown(made).count("50.00 UGX") == 3
    assert shown(made, currencies=counted_whole(["ugx"])).count("5,000 UGX") == 3


def test_a_long_document_shows_ten_lines_and_what_all_of_them_come_to():
    lines = tuple(line(description=f"Seat {number}", amount_minor=100, tax_minor=19) for number in range(47))
    text = shown(plan(entry(currency="usd", lines=lines)))
    assert "    47 lines:" in text
    assert "Seat 9 " in text
    assert "Seat 10" not in text
    assert "      … and 37 more, in all 47.00 USD + tax 8.93 USD" in text


def test_a_long_description_is_cut_on_one_line():
    text = shown(plan(entry(currency="jpy", lines=(line(description="a\nb " + "x" * 500),))))
    assert "      a b xxx" in text
    assert "…  10,000 JPY" in text
    assert max(map(len, text.splitlines())) < 120


def test_what_is_billed_and_what_is_voided_are_never_added_up():
    voided = entry(action="void", destructive=True, moves_money=True, amount_minor=240000, currency="usd")
    lines = shown(plan(CREATE, voided)).splitlines()
    assert "Money: create invoice 12,400.00 USD" in lines
    assert "Money: void invoice 2,400.00 USD" in lines


def test_an_empty_plan_says_so():
    assert shown(plan()).splitlines()[0] == "Plan: no changes"
    assert "Money" not in shown(plan())


def test_moments_are_readable():
    moments = (FieldChange(field="due_date", old=None, new=1796083199), FieldChange(field="quantity", old=None, new=3))
    text = shown(plan(entry(changes=moments)))
    assert "+ due_date = 1796083199  # 2026-11-30 23:59 UTC" in text
    assert "+ quantity = 3\n" in text


def test_what_is_not_done_is_said_too():
    made = plan(
        waiting=(("invoice a1", "its customer"),),
        parked=(("quote q1", "a line is negative"),),
        not_mirrored={"invoice": {"before go-live": 7, "negative": 1}},
    )
    text = shown(made, stopped={"payment": "a field is hidden"})
    for words in (
        "waits  invoice a1: its customer",
        "parked  quote q1: a line is negative",
        "invoice not mirrored: before go-live (7), negative (1)",
        "payment must not run: a field is hidden",
        "1 waiting, 1 parked",
    ):
        assert words in text


def test_a_shortened_plan_counts_what_it_leaves_out():
    text = shown(plan(*[CREATE] * 5, UPDATE), entries_max=2)
    assert text.count("+ create invoice") == 2
    assert "… and 3 more: create invoice" in text
    assert "Money: create invoice 62,000.00 USD" in text


def test_contacts_are_masked_and_digests_kept():
    made = masked(plan(UPDATE))
    assert "ap@acme.com" not in json.dumps(made.as_dict())
    assert "+1 555" not in json.dumps(made.as_dict())
    assert "a***@acme.com" in json.dumps(made.as_dict())
    assert made.entries[0].digest == UPDATE.digest


def test_a_contact_in_a_line_is_masked():
    made = masked(plan(entry(lines=(line(description="Seat of joe@acme.com"),))))
    assert made.entries[0].lines[0].description == "Seat of j***@acme.com"


def test_a_saved_plan_is_read_back_and_nobody_elses(tmp_path):
    path = tmp_path / "nov21.plan"
    made = plan(CREATE, UPDATE, entry(lines=(line(quantity="2"), line())), waiting=(("a", "b"),))
    sha256 = save_plan(made, path)
    assert load_plan(path) == made
    assert len(sha256) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"schema_version": 99}', '{"schema_version": 1}', "\x00", '{"schema_version": 1, "entries": 3}'],
)
def test_what_is_no_plan_is_refused_with_a_remedy(tmp_path, content):
    path = tmp_path / "x.plan"
    path.write_text(content)
    with pytest.raises(UsageError) as caught:
        load_plan(path)
    assert str(path) in str(caught.value)
    assert "connector plan --out" in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        load_plan(tmp_path / "none.plan")


def test_a_folder_that_cannot_be_written(tmp_path):
    with pytest.raises(UsageError, match="cannot be written"):
        save_plan(plan(), tmp_path / "none" / "x.plan")
