from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from connector.config.codec_registry import GROUP, NamedCodec, load_codecs, pair_fault
from connector.core.codecs import BUILT_IN
from connector.core.errors import MappingError

#: what the entry points of these tests point at
PLUGIN = BUILT_IN["text"]
NO_CODEC = object()


def point(name, value):
    return EntryPoint(name=name, value=value, group=GROUP)


def pair(salesforce, stripe):
    return pair_fault(
        NamedCodec(name=salesforce, codec=BUILT_IN[salesforce]), NamedCodec(name=stripe, codec=BUILT_IN[stripe])
    )


def test_a_plug_in_s_codec_stands_beside_the_built_in_ones():
    codecs = load_codecs([point("tax_number", f"{__name__}:PLUGIN")])
    assert codecs["tax_number"] is PLUGIN
    assert set(codecs) == {*BUILT_IN, "tax_number"}


def test_every_plug_in_that_cannot_be_used_is_named():
    with pytest.raises(MappingError) as error:
        load_codecs(
            [
                point("text", f"{__name__}:PLUGIN"),
                point("lost", "no_such_module_of_anybody:CODEC"),
                point("thing", f"{__name__}:NO_CODEC"),
                point("fine", f"{__name__}:PLUGIN"),
            ]
        )
    found = [(problem.where.split(" (")[0], problem.observed) for problem in error.value.problems]
    assert found == [
        ("codec 'text'", "takes the name of a built-in codec"),
        ("codec 'lost'", "cannot be loaded: No module named 'no_such_module_of_anybody'"),
        ("codec 'thing'", "is no codec"),
    ]


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_every_built_in_codec_fits_itself(name):
    assert pair(name, name) is None


@pytest.mark.parametrize(
    ("salesforce", "stripe"),
    [("money", "minor"), ("date", "epoch"), ("date", "epoch_end_of_day"), ("country", "text"), ("text", "metadata")],
)
def test_pairs_that_carry_the_same_value_fit(salesforce, stripe):
    assert pair(salesforce, stripe) is None


@pytest.mark.parametrize(
    ("salesforce", "stripe"), [("money", "text"), ("date", "minor"), ("boolean", "text"), ("integer", "epoch")]
)
def test_pairs_that_carry_different_values_do_not_fit(salesforce, stripe):
    assert "do not carry the same kind of value" in pair(salesforce, stripe)


class Rounding:
    samples = (105,)

    def decode(self, wire, context):
        return int(wire)

    def encode(self, value, context):
        return value // 10 * 10


class Silent:
    def decode(self, wire, context):
        return wire

    def encode(self, value, context):
        return value


class Crashing(Silent):
    samples = ("x",)

    def decode(self, wire, context):
        raise ValueError("cannot read my own writing")


def test_a_codec_that_loses_something_is_refused():
    rounding = NamedCodec(name="rounding", codec=Rounding())
    fault = pair_fault(rounding, NamedCodec(name="minor", codec=BUILT_IN["minor"]))
    assert fault == "'rounding' is not its own inverse: 105 is written as 100 and read as 100"


def test_a_codec_that_cannot_read_what_it_wrote_is_refused():
    crashing = NamedCodec(name="crashing", codec=Crashing())
    assert "cannot read my own writing" in pair_fault(crashing, crashing)


def test_a_pair_without_samples_cannot_be_tried_and_is_refused():
    silent = NamedCodec(name="silent", codec=Silent())
    assert "offers samples" in pair_fault(silent, silent)
