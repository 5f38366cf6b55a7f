"""Every example beside a mapping of the shipped pack, through the compiled mapping."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.config.examples import load_examples, run_example, run_examples
from connector.config.mapping_loader import load_pack

FOLDER = Path(__file__).parents[2] / "mappings" / "cpq-billing"
PACK = load_pack(FOLDER)
EXAMPLES = load_examples(FOLDER)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.kind}: {example.name}")
def test_example(example):
    result = run_example(example, PACK.kinds[example.kind])
    assert result.faults == (), f"{example.where}: {'; '.join(result.faults)}"


def test_every_kind_has_examples_of_both_directions():
    for kind in PACK.kinds:
        sides = {example.source for example in EXAMPLES if example.kind == kind}
        assert len(sides) == 2, f"{kind} has examples from {sides}"


def test_kinds_with_money_show_yen_dinars_and_a_refused_currency():
    for kind in ("quote", "invoice", "payment", "offline_payment"):
        examples = [example for example in EXAMPLES if example.kind == kind]
        currencies = {
            str(example.record.get("CurrencyIsoCode") or example.record.get("currency")).lower() for example in examples
        }
        assert {"jpy", "kwd", "xts"} <= currencies
        assert any("unknown currency" in (example.refused or "") for example in examples)


def test_every_mapped_field_stands_in_an_example():
    for kind, mapping in PACK.kinds.items():
        shown = set()
        for example in EXAMPLES:
            if example.kind == kind:
                held = [rule for rule in mapping.fields if rule.path(example.source) is not None]
                shown |= {rule.name for rule in held if _reaches(example.record, rule.path(example.source))}
        assert shown == {rule.name for rule in mapping.fields}, kind


def test_the_command_s_function_runs_them_all():
    results = run_examples(FOLDER, PACK)
    assert len(results) == len(EXAMPLES) > 30
    assert all(result.passed for result in results)


def _reaches(record, path):
    for step in path.split("."):
        if not isinstance(record, dict) or step not in record:
            return False
        record = record[step]
    return record is not None
