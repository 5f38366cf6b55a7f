from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.core.codecs import BUILT_IN, Table
from connector.core.countries import CODE_BY_SPELLING, NAME_BY_CODE
from connector.core.mapping import Context

BERLIN = Context(currency="eur", time_zone=ZoneInfo("Europe/Berlin"))
ZONES = ["Europe/Berlin", "America/Los_Angeles", "Pacific/Auckland", "Asia/Kolkata", "UTC", "Africa/Cairo"]

PAYMENT_TYPE = Table(name="payment_type", rows={"Credit Card": ("card", "link"), "Check": ("custom",)})


def decode(name, wire, context=BERLIN):
    return BUILT_IN[name].decode(wire, context)


def encode(name, value, context=BERLIN):
    return BUILT_IN[name].encode(value, context)


@pytest.mark.parametrize("name", sorted(BUILT_IN))
@pytest.mark.parametrize("zone", ZONES)
def test_every_codec_reads_back_what_it_wrote(name, zone):
    codec = BUILT_IN[name]
    context = Context(currency="kwd", time_zone=ZoneInfo(zone))
    assert codec.samples
    for value in codec.samples:
        assert codec.decode(codec.encode(value, context), context) == value


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_nothing_stays_nothing(name):
    assert decode(name, None) is None
    assert encode(name, None) is None


@pytest.mark.parametrize(
    ("name", "wire", "value"),
    [
        ("text", "  Acme ", "Acme"),
        ("text", "", None),
        ("text", " \n ", None),
        ("text", "two\nlines", "two\nlines"),
        ("email", " AP@acme.example ", "AP@acme.example"),
        ("email", "", None),
        ("one_line", "Hauptstr. 1\r\n\r\n Hinterhaus ", "Hauptstr. 1, Hinterhaus"),
        ("one_line", "\n", None),
        ("country", "Germany", "DE"),
        ("country", "deutschland", "DE"),
        ("country", "USA", "US"),
        ("country", "us", "US"),
        ("country", "Narnia", "Narnia"),
        ("metadata", "SEAT-1", "SEAT-1"),
        ("boolean", False, False),
        ("integer", Decimal("12.000"), 12),
        ("minor", 1050, 1050),
        ("money", Decimal("10.50"), 1050),
        ("money", 10, 1000),
        ("date", "2026-01-31", "2026-01-31"),
    ],
)
def test_a_wire_value_means(name, wire, value):
    assert decode(name, wire) == value
    assert type(decode(name, wire)) is type(value)


@pytest.mark.parametrize(
    ("name", "wire", "says"),
    [
        ("text", 5, "5 is not text"),
        ("email", "nobody", "'nobody' is not an e-mail address"),
        ("email", "a b@acme.example", "not an e-mail address"),
        ("boolean", "true", "not true or false"),
        ("boolean", 1, "not true or false"),
        ("integer", Decimal("1.5"), "not a whole number"),
        ("integer", True, "not a whole number"),
        ("minor", Decimal("1.5"), "not a whole number"),
        ("money", 10.5, "not an exact amount"),
        ("money", "10.50", "not an exact amount"),
        ("money", True, "not an exact amount"),
        ("money", Decimal("10.505"), "more decimals than EUR"),
        ("date", "20260131", "not a date like"),
        ("date", "2026-02-30", "not a date like"),
        ("date", "2026-01-31T00:00:00Z", "not a date like"),
        ("date", date(2026, 1, 31), "not a date like"),
        ("epoch", "1", "not a time"),
        ("epoch", 10**30, "not a time"),
    ],
)
def test_a_value_of_another_form_is_refused_by_name(name, wire, says):
    with pytest.raises(ValueError) as error:
        decode(name, wire)
    assert says in str(error.value)


def test_money_depends_on_the_record_s_currency():
    yen = Context(currency="jpy", time_zone=BERLIN.time_zone)
    dinar = Context(currency="kwd", time_zone=BERLIN.time_zone)
    assert decode("money", Decimal("1200.00"), yen) == 1200
    assert decode("money", Decimal("1.25"), dinar) == 1250
    assert str(encode("money", 1200, yen)) == "1200"
    assert str(encode("money", 1250, dinar)) == "1.250"
    assert str(encode("money", 1250)) == "12.50"


def test_money_without_a_known_currency_is_refused():
    for currency, says in ((None, "needs the record's currency"), ("xxx", "unknown currency 'xxx'")):
        with pytest.raises(ValueError, match=says):
            decode("money", Decimal(1), Context(currency=currency, time_zone=BERLIN.time_zone))


def test_money_is_never_written_from_anything_but_whole_minor_units():
    for value in (10.5, "1050", True):
        with pytest.raises(ValueError):
            encode("money", value)


def test_metadata_is_refused_above_its_limit_and_never_cut():
    assert encode("metadata", "x" * 500) == "x" * 500
    with pytest.raises(ValueError, match="501 characters are more than metadata holds"):
        encode("metadata", "x" * 501)


def test_a_country_comes_back_under_its_name():
    assert encode("country", "DE") == "Germany"
    assert encode("country", "Narnia") == "Narnia"


def test_every_country_name_finds_its_own_code_again():
    assert len(NAME_BY_CODE) == 250  # ISO 3166-1 has 249; Stripe adds XK
    for code, name in NAME_BY_CODE.items():
        assert CODE_BY_SPELLING[name.casefold()] == code
        assert CODE_BY_SPELLING[code.casefold()] == code


def test_a_date_is_written_as_noon_of_the_org_s_day():
    assert encode("epoch", "2026-01-31") == int(datetime(2026, 1, 31, 11, tzinfo=UTC).timestamp())
    assert encode("epoch", "2026-07-31") == int(datetime(2026, 7, 31, 10, tzinfo=UTC).timestamp())


def test_a_last_valid_day_is_written_as_its_last_second():
    assert encode("epoch_end_of_day", "2026-01-31") == int(datetime(2026, 1, 31, 22, 59, 59, tzinfo=UTC).timestamp())


def test_any_second_of_the_org_s_day_is_that_day():
    first = int(datetime(2026, 1, 30, 23, 0, 0, tzinfo=UTC).timestamp())
    assert decode("epoch", first - 1) == "2026-01-30"
    assert decode("epoch", first) == "2026-01-31"
    assert decode("epoch", first + 24 * 3600 - 1) == "2026-01-31"
    assert decode("epoch", first + 24 * 3600) == "2026-02-01"


@given(st.dates(date(2010, 1, 1), date(2040, 12, 31)), st.sampled_from(ZONES))
def test_a_day_is_the_same_day_after_a_visit_to_stripe(day, zone):
    context = Context(currency=None, time_zone=ZoneInfo(zone))
    for name in ("epoch", "epoch_end_of_day"):
        assert decode(name, encode(name, day.isoformat(), context), context) == day.isoformat()


@given(st.text())
def test_text_codecs_are_stable_after_one_visit(text):
    for name in ("text", "one_line", "country"):
        once = decode(name, text)
        assert decode(name, encode(name, once)) == once


def test_a_table_reads_many_stripe_values_and_writes_the_first():
    assert PAYMENT_TYPE.decode("link", BERLIN) == "Credit Card"
    assert PAYMENT_TYPE.encode("Credit Card", BERLIN) == "card"
    assert PAYMENT_TYPE.decode(None, BERLIN) is None
    assert PAYMENT_TYPE.encode(None, BERLIN) is None


def test_a_value_outside_its_table_is_named():
    with pytest.raises(ValueError, match="'bitcoin' stands for nothing in table 'payment_type'"):
        PAYMENT_TYPE.decode("bitcoin", BERLIN)
    with pytest.raises(ValueError, match="'Shells' is no row of table 'payment_type'"):
        PAYMENT_TYPE.encode("Shells", BERLIN)
