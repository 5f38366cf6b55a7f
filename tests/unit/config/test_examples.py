"""An example that does not hold must be said so: otherwise the golden tests would prove nothing."""

from __future__ import annotations

import pytest

from connector.config.examples import load_examples, run_examples
from connector.core.errors import MappingError

HEAD = "examples:\n"


@pytest.fixture
def run(pack_folder):
    """Runs one example written into the shipped invoice mapping and returns its faults."""

    def run_one(text):
        path = pack_folder.folder / "invoice.yaml"
        mapping = path.read_text(encoding="utf-8")
        indented = "\n".join(f"    {line}" for line in text.strip().splitlines())
        head = mapping[: mapping.index(HEAD)]
        path.write_text(f"{head}{HEAD}  - name: tried\n{indented}\n", encoding="utf-8")
        pack = pack_folder.load()
        results = [result for result in run_examples(pack_folder.folder, pack) if result.example.kind == "invoice"]
        assert len(results) == 1
        assert results[0].passed is (results[0].faults == ())
        return results[0].faults

    return run_one


RECORD = "salesforce: {Name: INV-1, blng__TotalAmount__c: 10.50, CurrencyIsoCode: USD}\n"


@pytest.mark.parametrize(
    ("expected", "faults"),
    [
        ("stripe: {number: INV-1}", ()),
        ("values: {total: 1050}", ()),
        ("stripe: {number: INV-2}", ("number: is 'INV-1', the example says 'INV-2'",)),
        ("stripe: {}", ("number: is 'INV-1', the example does not have it",)),
        (
            "stripe: {number: INV-1, due_date: 5}",
            ("due_date: is not given, the example says 5",),
        ),
        ("values: {total: 1051}", ("values.total: is 1050, the example says 1051",)),
        ("values: {total: true}", ("values.total: is 1050, the example says True",)),
        ("values: {totl: 1}", ("values.totl: no field of this name is read from salesforce",)),
        ("refused: nothing", ("should be refused with 'nothing' and is not",)),
    ],
)
def test_what_differs_is_named(run, expected, faults):
    assert run(RECORD + expected) == faults


def test_a_refusal_must_be_expected_in_its_own_words(run):
    record = "salesforce: {blng__TotalAmount__c: 10.505, CurrencyIsoCode: USD}\n"
    assert run(record + "refused: more decimals than USD") == ()
    (fault,) = run(record + "refused: unknown currency")
    assert fault.startswith("is refused with 'total: 10.505 has more decimals")
    (fault,) = run(record + "values: {number: null}")
    assert fault.startswith("is refused: total: 10.505")


def test_an_amount_keeps_its_decimals(run):
    back = "from: stripe\nstripe: {currency: usd, amount_remaining: 1050}\n"
    assert run(back + "salesforce: {Stripe_Amount_Remaining__c: 10.50}") == ()
    (fault,) = run(back + "salesforce: {Stripe_Amount_Remaining__c: 10.5}")
    assert "Decimal('10.50')" in fault


def test_every_ill_formed_example_is_named_with_its_line(pack_folder):
    path = pack_folder.folder / "invoice.yaml"
    mapping = path.read_text(encoding="utf-8")
    head = mapping[: mapping.index(HEAD)]
    line = head.count("\n") + 2
    path.write_text(
        f"{head}{HEAD}"
        "  - {name: a, salesforce: {}}\n"
        "  - {name: b, stripe: {}}\n"
        "  - {name: c, salesforce: {}, stripe: {}, wehn: now}\n"
        "  - {name: d, salesforce: {}, stripe: {}, time_zone: Mars}\n"
    )
    with pytest.raises(MappingError) as error:
        load_examples(pack_folder.folder)
    found = [(problem.where, problem.observed) for problem in error.value.problems]
    assert found == [
        (f"{path}:{line}", "example 'a' expects nothing"),
        (f"{path}:{line + 1}", "example 'b' has no salesforce record to start from"),
        (f"{path}:{line + 2}", "invoice.examples[2]: unknown key 'wehn'"),
        (f"{path}:{line + 3}", "no time zone 'Mars'"),
    ]
