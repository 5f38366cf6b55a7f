"""SOQL as the REST API answers it: what matches, in which order, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from connector.sandbox.salesforce.ids import as_18


@pytest.fixture
def people(org, account):
    """Six contacts: name, e-mail, title, birthday; made one second apart would be one stamp too few, so all in one."""
    rows = [
        ("Abel", "abel@a.example", "CFO", "2026-11-21"),
        ("baker", "BAKER@a.example", "cfo", "2026-11-20"),
        ("Cole", None, None, "2026-10-22"),
        ("Dorn", "dorn_x@b.example", "CTO", "2026-01-01"),
        ("Eve's", "eve%@b.example", "CTO", "2025-12-31"),
        ("Fox", "fox@b.example", "CEO", None),
    ]
    return [
        org.create(
            "Contact", {"LastName": name, "Email": email, "Title": title, "Birthdate": born, "AccountId": account}
        )
        for name, email, title, born in rows
    ]


MATCHES = [
    ("Name = 'ABEL'", ["Abel"]),
    ("Title = 'cfo'", ["Abel", "baker"]),
    ("Title != 'CFO'", ["Cole", "Dorn", "Eve's", "Fox"]),
    ("Title <> 'CFO' AND Title != null", ["Dorn", "Eve's", "Fox"]),
    ("Email = null", ["Cole"]),
    ("Email = ''", []),
    ("Title IN ('CFO', 'CEO')", ["Abel", "baker", "Fox"]),
    ("Title NOT IN ('CFO', 'CEO')", ["Cole", "Dorn", "Eve's"]),
    ("Email LIKE '%@A.example'", ["Abel", "baker"]),
    ("Email LIKE '___@%'", ["Fox"]),
    (r"Email LIKE 'dorn\_x%'", ["Dorn"]),
    (r"Email LIKE 'eve\%@%'", ["Eve's"]),
    (r"LastName = 'Eve\'s'", ["Eve's"]),
    ("NOT Title = 'CFO'", ["Cole", "Dorn", "Eve's", "Fox"]),
    ("(Title = 'CFO' OR Title = 'CEO') AND LastName > 'B'", ["baker", "Fox"]),
    ("Birthdate = TODAY", ["Abel"]),
    ("Birthdate = YESTERDAY", ["baker"]),
    ("Birthdate = LAST_N_DAYS:30", ["Abel", "baker", "Cole"]),
    ("Birthdate = THIS_MONTH", ["Abel", "baker"]),
    ("Birthdate = LAST_MONTH", ["Cole"]),
    ("Birthdate < THIS_YEAR", ["Eve's"]),
    ("Birthdate >= 2026-10-22 AND Birthdate < 2026-11-21", ["baker", "Cole"]),
    ("Birthdate = null", ["Fox"]),
    ("CreatedDate = 2026-11-21T12:00:00Z", ["Abel", "baker", "Cole", "Dorn", "Eve's", "Fox"]),
    ("CreatedDate > 2026-11-21T13:00:00+02:00 AND LastName < 'b'", ["Abel"]),
    ("CreatedDate > 2026-11-21T12:00:00.000+0000", []),
    ("Account.Name = 'brightwater labs' AND Title = 'CEO'", ["Fox"]),
    ("Account.CreatedBy.LastName = 'Admin' AND LastName = 'Fox'", ["Fox"]),
    ("HasOptedOutOfEmail = false AND LastName = 'Fox'", ["Fox"]),
    ("AccountId IN (SELECT Id FROM Account WHERE Name LIKE 'Bright%') AND Title = 'CEO'", ["Fox"]),
    ("AccountId NOT IN (SELECT Id FROM Account)", []),
]


@pytest.mark.parametrize(("where", "expected"), MATCHES, ids=[where for where, _ in MATCHES])
def test_a_condition_selects(api, people, where, expected):
    assert api.names(f"SELECT Name FROM Contact WHERE {where} ORDER BY LastName") == expected


ORDERS = [
    ("LastName DESC", ["Fox", "Eve's", "Dorn", "Cole", "baker", "Abel"]),
    ("Title, LastName", ["Cole", "Fox", "Abel", "baker", "Dorn", "Eve's"]),
    ("Title DESC, LastName DESC", ["Eve's", "Dorn", "baker", "Abel", "Fox", "Cole"]),
    ("Title NULLS LAST, LastName LIMIT 2", ["Fox", "Abel"]),
    ("Title DESC NULLS FIRST, LastName LIMIT 2", ["Cole", "Dorn"]),
    ("LastName LIMIT 2 OFFSET 3", ["Dorn", "Eve's"]),
]


@pytest.mark.parametrize(("order", "expected"), ORDERS, ids=[order for order, _ in ORDERS])
def test_order_limit_and_offset(api, people, order, expected):
    assert api.names(f"SELECT Name FROM Contact ORDER BY {order}") == expected


REFUSED = [
    ("SELECT Id FROM Contact WHERE Title = 'a' AND Title = 'b' OR Title = 'c'", "MALFORMED_QUERY", "token: 'OR'"),
    ("SELECT Id FROM Contact FOR VIEW", "MALFORMED_QUERY", "FOR"),
    ("SELECT Id FROM Contact WITH SECURITY_ENFORCED", "MALFORMED_QUERY", "WITH"),
    ("SELECT Id FROM Contact USING SCOPE mine", "MALFORMED_QUERY", "USING"),
    ("SELECT Id FROM Contact ALL ROWS", "MALFORMED_QUERY", "ALL"),
    ("SELECT Id FROM Contact FOR", "MALFORMED_QUERY", "FOR"),
    ("SELECT Id FROM Contact with WHERE Id = null", "MALFORMED_QUERY", "with"),
    ("SELECT Id FROM Contact WHERE Title = 'a", "MALFORMED_QUERY", "unexpected token"),
    ("SELECT Id FROM Contact LIMIT 1 GARBAGE", "MALFORMED_QUERY", "GARBAGE"),
    ("SELECT Id FROM Contact ORDER BY Id ORDER BY Id", "MALFORMED_QUERY", "ORDER BY"),
    ("SELECT Id, Id FROM Contact", "MALFORMED_QUERY", "duplicate field selected: Id"),
    ("SELECT FIELDS(ALL) FROM Contact", "MALFORMED_QUERY", "LIMIT of at most 200"),
    ("SELECT FIELDS(CUSTOM) FROM Account LIMIT 201", "MALFORMED_QUERY", "LIMIT of at most 200"),
    ("SELECT toLabel(Title) FROM Contact", "MALFORMED_QUERY", "TOLABEL"),
    ("SELECT * FROM Contact", "MALFORMED_QUERY", "unexpected token"),
    ("SELECT Nope FROM Contact", "INVALID_FIELD", "No such column 'Nope' on entity 'Contact'"),
    ("SELECT Account.Nope FROM Contact", "INVALID_FIELD", "No such column 'Nope' on entity 'Account'"),
    ("SELECT Nope__r.Name FROM Contact", "INVALID_FIELD", "Didn't understand relationship 'Nope__r'"),
    ("SELECT Id FROM Nope__c", "INVALID_TYPE", "sObject type 'Nope__c' is not supported"),
    ("SELECT Id, (SELECT Id FROM Nopes) FROM Contact", "INVALID_TYPE", "Didn't understand relationship 'Nopes'"),
    ("SELECT Id FROM Contact WHERE Title = 5", "INVALID_FIELD", "must be of type string"),
    ("SELECT Id FROM Contact WHERE Birthdate = '2026-01-01'", "INVALID_FIELD", "must be of type date"),
    ("SELECT Id FROM Contact WHERE Birthdate = 2026-01-01T00:00:00Z", "INVALID_FIELD", "must be of type date"),
    ("SELECT Id FROM Contact WHERE CreatedDate > 2026-01-01", "INVALID_FIELD", "must be of type dateTime"),
    ("SELECT Id FROM Contact WHERE Title = TODAY", "INVALID_FIELD", "date literal"),
    (
        "SELECT Id FROM Contact WHERE AccountId = 'nonsense'",
        "INVALID_QUERY_FILTER_OPERATOR",
        "invalid ID field: nonsense",
    ),
    ("SELECT Id FROM Contact WHERE HasOptedOutOfEmail > true", "INVALID_QUERY_FILTER_OPERATOR", "boolean"),
    ("SELECT Id FROM Contact WHERE Birthdate LIKE '2026%'", "INVALID_FIELD", "must be of type date"),
    ("SELECT Id FROM Contact WHERE Description = 'a'", "INVALID_FIELD", "can not be filtered"),
    ("SELECT Id FROM Contact ORDER BY Description", "MALFORMED_QUERY", "can not be sorted"),
    ("SELECT Title, COUNT(Id) FROM Contact", "MALFORMED_QUERY", "must be grouped or aggregated: Title"),
    ("SELECT SUM(Title) FROM Contact", "MALFORMED_QUERY", "does not support aggregate operator SUM"),
    ("SELECT Id FROM Contact WHERE COUNT(Id) > 1", "MALFORMED_QUERY", "COUNT"),
    ("SELECT Id FROM Contact OFFSET 2001", "MALFORMED_QUERY", "2000"),
    ("SELECT Id FROM Contact WHERE Id IN (SELECT LastName FROM Contact)", "MALFORMED_QUERY", "LastName"),
]


@pytest.mark.parametrize(("soql", "code", "words"), REFUSED, ids=[soql for soql, _, _ in REFUSED])
def test_what_the_real_parser_refuses_is_refused(api, soql, code, words):
    answer = api.query(soql)
    assert (answer.status, answer.code) == (400, code)
    assert words in answer.message


def test_the_message_points_at_the_place(api):
    message = api.query("SELECT Id,\nNope FROM Contact").message
    assert "ERROR at Row:2:Column:1" in message
    assert "\nNope FROM Contact\n^\n" in message


def test_names_are_found_in_any_case_and_written_as_in_the_schema(api, people):
    (row,) = api.rows("select LASTNAME, account.NAME from CONTACT where lastname = 'Fox'")
    assert row["LastName"] == "Fox"
    assert row["Account"]["Name"] == "Brightwater Labs"


def test_objects_and_fields_named_like_keywords_need_no_quoting(api, org, account):
    org.create("Order", {"AccountId": account, "EffectiveDate": "2026-11-01", "Status": "Draft"})
    assert len(api.rows("SELECT Id, Type FROM Order WHERE Status = 'Draft' ORDER BY EffectiveDate")) == 1


def test_an_alias_may_stand_before_fields(api, people):
    assert api.names("SELECT c.Name FROM Contact c WHERE c.Title = 'CEO' AND Contact.LastName = 'Fox'") == ["Fox"]


def test_ids_compare_in_both_lengths(api, people):
    assert as_18(people[0][:15]) == people[0]
    for given in (people[0], people[0][:15]):
        assert api.names(f"SELECT Name FROM Contact WHERE Id = '{given}'") == ["Abel"]


def test_a_wrong_checksum_suffix_is_no_id(api, people):
    wrong = people[0][:15] + ("AAB" if people[0].endswith("AAA") else "AAA")
    assert api.query(f"SELECT Id FROM Contact WHERE Id = '{wrong}'").code == "INVALID_QUERY_FILTER_OPERATOR"


def test_case_sensitive_external_ids_compare_with_their_case(api, org):
    for marker in ("cus_Ab", "cus_aB"):
        org.create("Account", {"Name": marker, "Stripe_Id__c": marker})
    assert api.names("SELECT Name FROM Account WHERE Stripe_Id__c = 'cus_aB'") == ["cus_aB"]
    assert api.names("SELECT Name FROM Account WHERE Stripe_Id__c LIKE 'cus_ab'") == ["cus_Ab", "cus_aB"]


def test_rows_nest_parents_and_children(api, org, account, people):
    soql = (
        "SELECT Name, (SELECT LastName, Account.Name FROM Contacts WHERE Title = 'CTO' ORDER BY LastName DESC LIMIT 1) "
    )
    (row,) = api.rows(soql + "FROM Account")
    assert row["attributes"] == {"type": "Account", "url": f"/services/data/v67.0/sobjects/Account/{account}"}
    children = row["Contacts"]
    assert (children["totalSize"], children["done"]) == (1, True)
    assert children["records"][0]["LastName"] == "Eve's"
    assert children["records"][0]["Account"]["Name"] == "Brightwater Labs"


def test_no_children_and_no_parent_are_null(api, org):
    org.create("Account", {"Name": "Alone"})
    org.create("Contact", {"LastName": "Nobody"})
    assert api.rows("SELECT Id, (SELECT Id FROM Contacts) FROM Account")[0]["Contacts"] is None
    assert api.rows("SELECT Account.Name FROM Contact")[0]["Account"] is None


def test_count_has_a_size_and_no_rows(api, people):
    assert api.query("SELECT COUNT() FROM Contact WHERE Title = 'CTO'").body == {
        "totalSize": 2,
        "done": True,
        "records": [],
    }


def test_groups_with_having_and_aliases(api, people):
    rows = api.rows(
        "SELECT Title, COUNT(Id) people, MAX(LastName), COUNT(Email) FROM Contact WHERE Title != null "
        "GROUP BY Title HAVING COUNT(Id) > 1 ORDER BY Title DESC"
    )
    assert rows == [
        {"attributes": {"type": "AggregateResult"}, "Title": "CTO", "people": 2, "expr0": "Eve's", "expr1": 2},
        {"attributes": {"type": "AggregateResult"}, "Title": "CFO", "people": 2, "expr0": "baker", "expr1": 2},
    ]


def test_sums_are_exact(api, org, account):
    for amount in ("0.10", "0.20", "0.70"):
        org.create("blng__Payment__c", {"blng__Account__c": account, "blng__Amount__c": amount})
    answer = api.query("SELECT SUM(blng__Amount__c), MIN(blng__Amount__c), AVG(blng__Amount__c) FROM blng__Payment__c")
    (row,) = answer.body["records"]
    assert row["expr0"] == Decimal("1.0")
    assert row["expr1"] == Decimal("0.1")
    assert b'"expr0":1.0,' in answer.raw


def test_fields_all_lists_every_field_and_fields_standard_needs_no_limit(api, org, account):
    described = {field["name"] for field in api.get("/sobjects/Account/describe").body["fields"]}
    assert set(api.rows("SELECT FIELDS(ALL) FROM Account LIMIT 1")[0]) - {"attributes"} == described
    standard = set(api.rows("SELECT FIELDS(STANDARD) FROM Account")[0])
    assert "Name" in standard
    assert "Stripe_Id__c" not in standard


def test_the_keyset_over_modstamps_visits_every_row_once(api, org, clock):
    made = []
    for _ in range(4):
        made += [org.create("Account", {"Name": "A"}) for _ in range(3)]
        clock.advance(timedelta(seconds=1))
    org.update("Account", made[0], {"Name": "moved"})
    seen, stamp, last = [], "2026-01-01T00:00:00Z", "000000000000000AAA"
    while True:
        rows = api.rows(
            f"SELECT Id, SystemModstamp FROM Account WHERE SystemModstamp > {stamp} OR (SystemModstamp = {stamp} "
            f"AND Id > '{last}') ORDER BY SystemModstamp, Id LIMIT 5"
        )
        if not rows:
            break
        seen += [row["Id"] for row in rows]
        stamp, last = rows[-1]["SystemModstamp"], rows[-1]["Id"]
        stamp = stamp.replace("+0000", "Z")
    assert seen == [*made[1:], made[0]]


@pytest.mark.parametrize("order", ["SystemModstamp", "SystemModstamp, Id", "Id", "SystemModstamp DESC"])
def test_an_index_never_changes_the_answer(api, org, clock, order):
    for number in range(20):
        org.create("Account", {"Name": f"A{number % 3}"})
        clock.advance(timedelta(milliseconds=300))
    where = "SystemModstamp >= 2026-11-21T12:00:01Z AND SystemModstamp < 2026-11-21T12:00:05Z AND Name = 'A1'"
    fast = api.rows(f"SELECT Id, SystemModstamp FROM Account WHERE {where} ORDER BY {order}")
    everything = api.rows(f"SELECT Id, SystemModstamp, Name FROM Account ORDER BY {order}")
    slow = [
        row["Id"]
        for row in everything
        if "T12:00:01" <= row["SystemModstamp"][10:19] < "T12:00:05" and row["Name"] == "A1"
    ]
    assert fast
    assert [row["Id"] for row in fast] == slow
