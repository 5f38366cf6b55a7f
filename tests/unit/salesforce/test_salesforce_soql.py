from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.salesforce import soql

ID_18 = "0015500001QdRaYAAV"  # an Account id recorded from a real org


def test_an_id_is_given_its_long_form():
    assert soql.record_id(ID_18[:15]) == ID_18
    assert soql.record_id(ID_18) == ID_18


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pi_3OabcdefGHIJKLmno",
        ID_18[:14],
        ID_18[:17] + "X",
        ID_18.replace("Q", "q"),
        "0015500001Qd' OR Id!='",
        ID_18 + "\n",
    ],
)
def test_what_is_no_id_or_has_a_wrong_checksum_is_refused(text):
    with pytest.raises(ValueError, match="not a Salesforce id"):
        soql.record_id(text)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=15, max_size=15))
def test_the_checksum_tells_ids_that_differ_in_case_apart(id_15):
    long_form = soql.record_id(id_15)
    swapped = id_15.swapcase()
    assert len(long_form) == 18
    assert soql.record_id(long_form) == long_form
    if swapped != id_15:
        assert soql.record_id(swapped)[15:] != long_form[15:]


@pytest.mark.parametrize("name", ["", "1Name", "Name, Id", "Na me", "Name--", "Account..Name", "Naïve", "Id FROM User"])
def test_a_name_that_is_no_identifier_never_gets_into_a_query(name):
    with pytest.raises(ValueError, match="not a Salesforce name"):
        soql.select(["Id", name], "Account")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (Decimal("12.30"), "12.30"),
        (Decimal("1E+3"), "1000"),
        (date(2026, 2, 28), "2026-02-28"),
        (datetime(2026, 2, 28, 1, 2, 3, tzinfo=timezone(timedelta(hours=1))), "2026-02-28T00:02:03Z"),
        ("O'Neill", r"'O\'Neill'"),
        ("a\\' OR Id != '", r"'a\\\' OR Id != \''"),
        ('say "x"\n', r"'say \"x\"\n'"),
    ],
)
def test_values_become_typed_literals(value, text):
    assert soql.literal(value) == text


def test_infinity_has_no_literal():
    with pytest.raises(ValueError, match="no SOQL literal"):
        soql.literal(Decimal("Infinity"))


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        soql.literal(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


@given(st.text())
def test_no_text_ends_its_own_literal(text):
    body = soql.literal(text)[1:-1]
    unescaped = body.replace("\\\\", "")
    assert "'" not in unescaped.replace("\\'", "")
    assert "\n" not in body


@pytest.mark.parametrize(
    "wire", ["2024-09-24T03:26:07.000+0000", "2024-09-24T03:26:07Z", "2024-09-24T05:26:07.0+02:00"]
)
def test_stamps_are_read_in_every_spelling(wire):
    assert soql.parse_stamp(wire) == datetime(2024, 9, 24, 3, 26, 7, tzinfo=UTC)


def test_a_stamp_keeps_its_milliseconds_there_and_back():
    moment = soql.parse_stamp("2024-09-24T03:26:07.125+0000")
    assert soql.stamp_literal(moment) == "2024-09-24T03:26:07.125Z"


def test_the_keyset_condition_continues_behind_a_row_of_the_same_stamp():
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert soql.after("SystemModstamp", moment, ID_18) == (
        f"(SystemModstamp > 2026-01-01T00:00:00Z OR (SystemModstamp = 2026-01-01T00:00:00Z AND Id > '{ID_18}'))"
    )


def test_a_field_is_selected_once_whatever_its_case():
    assert soql.unique_paths(["Id", "Name", None, "id", "NAME", "Owner.Name"]) == ("Id", "Name", "Owner.Name")


@pytest.mark.parametrize("value", ["a" * 100, "a-" * 50, "ü" * 20, "it's " * 20])
def test_a_chunk_of_values_fills_a_url_and_does_not_pass_it(value):
    groups = list(soql.value_chunks([value] * 400, fixed_text="SELECT Id"))
    sizes = [len(quote("SELECT Id" + ",".join(map(soql.literal, group)))) for group in groups[:-1]]
    one = len(quote(soql.literal(value))) + len("%2C")
    assert all(soql.URL_QUERY_BYTES_MAX - one <= size + len("%2C") <= soql.URL_QUERY_BYTES_MAX for size in sizes), sizes


def test_chunks_of_values_have_at_most_200_and_fit_into_a_url():
    long_values = [f"{'ü' * 40}{place}" for place in range(500)]
    groups = list(soql.value_chunks(long_values, fixed_text="x" * 2000))
    assert [value for group in groups for value in group] == long_values
    assert len(groups) > 3
    short = list(soql.value_chunks([ID_18] * 401, fixed_text="SELECT Id FROM Account"))
    assert [len(group) for group in short] == [200, 200, 1]
    for group in groups:
        assert len(quote(soql.is_in("Name", group))) + 2000 < 16_384
