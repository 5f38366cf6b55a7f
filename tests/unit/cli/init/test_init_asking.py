"""Which questions are asked, how a person is asked again, and what is said where nobody can be asked."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from connector.cli.commands.init import init
from connector.cli.init.asking import gather, read_answers
from connector.cli.init.checks import Given
from connector.cli.init.questions import FIXED, to_ask
from connector.core.errors import ConfigError

PROFILES = {"connector-only": "No Stripe package", "legacy": "The old package"}
KEY = "sk_test_" + "k3Y9" * 5
SECRET = "Very-Secret-Consumer-Secret"
COMPLETE = {
    "org": "sandbox",
    "auth": "client_credentials",
    "login_url": "https://example--uat.sandbox.my.salesforce.com",
    "client_id": "3MVG9example",
    "client_secret": "env:CLIENT",
    "stripe_key": "env:STRIPE",
    "go_live": "2026-11-01",
    "time_zone": "UTC",
    "currency": "multi",
}


def given_of(tmp_path, **answers):
    return Given(base=tmp_path, folder=tmp_path, environment={"STRIPE": KEY, "CLIENT": SECRET}, answers=answers)


def ids(answers):
    return [question.id for question in to_ask(answers, PROFILES)]


def ask(given, *lines):
    """What a person sees who types these lines."""

    @click.command()
    def command():
        gather(given, PROFILES, terminal=True, say=lambda text: click.echo(text, err=True))

    result = CliRunner().invoke(command, input="".join(f"{line}\n" for line in lines))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


# -- which questions --------------------------------------------------------------------------------------------------


def test_a_certificate_needs_a_username_and_a_key_file():
    assert ids({"org": "sandbox", "auth": "jwt"}) == [
        "org",
        "auth",
        "client_id",
        "username",
        "private_key_file",
        "stripe_key",
        "go_live",
        "time_zone",
        "currency",
        "profile",
    ]


def test_client_credentials_need_the_my_domain_and_the_secret():
    asked = ids({"org": "sandbox", "auth": "client_credentials"})
    assert {"login_url", "client_secret"} <= set(asked)
    assert not {"username", "private_key_file"} & set(asked)


def test_an_org_by_its_own_address_is_asked_for_the_address():
    assert "login_url" in ids({"org": "my-domain", "auth": "jwt"})


def test_the_bundled_sandbox_asks_for_its_file_and_the_profile_only():
    assert ids({"org": "bundled"}) == ["org", "sandbox", "profile"]


def test_a_day_and_a_time_zone_that_are_said_hold_for_the_bundled_sandbox_too():
    said = {"org": "bundled", "go_live": "2026-11-01", "time_zone": "Europe/Berlin", "currency": "USD"}
    assert ids(said) == ["org", "sandbox", "go_live", "time_zone", "profile"]


def test_every_question_is_an_option_too():
    options = {name for option in init.params for name in option.opts}
    assert {question.option for question in FIXED} | {"--profile"} <= options


def test_every_question_is_explained_in_one_line():
    for question in FIXED:
        assert question.text.endswith("?")
        assert "\n" not in question.why


# -- without a person -------------------------------------------------------------------------------------------------


def problems_of(given):
    with pytest.raises(ConfigError) as caught:
        gather(given, PROFILES, terminal=False, say=lambda _: None)
    return {problem.where: problem for problem in caught.value.problems}


def test_every_missing_answer_is_named_at_once(tmp_path):
    found = problems_of(given_of(tmp_path))
    assert list(found) == [
        "--org",
        "--client-id",
        "--username",
        "--private-key-file",
        "--stripe-key",
        "--go-live",
        "--time-zone",
        "--currency",
    ]
    assert "one of sandbox, production, my-domain, bundled" in found["--org"].remedy


def test_wrong_answers_are_named_together_with_missing_ones(tmp_path):
    answers = {**COMPLETE, "go_live": "soon", "currency": "EURO"}
    del answers["client_id"]
    assert list(problems_of(given_of(tmp_path, **answers))) == ["--client-id", "--go-live", "--currency"]


def test_a_secret_as_an_answer_is_refused_and_not_repeated(tmp_path):
    found = problems_of(given_of(tmp_path, **{**COMPLETE, "stripe_key": KEY, "client_secret": SECRET}))
    assert list(found) == ["--client-secret", "--stripe-key"]
    for problem in found.values():
        assert KEY not in str(problem)
        assert SECRET not in str(problem)
        assert "file:PATH or env:NAME" in problem.remedy


def test_a_key_that_strayed_into_another_answer_is_not_repeated(tmp_path):
    (problem,) = problems_of(given_of(tmp_path, **{**COMPLETE, "go_live": KEY})).values()
    assert KEY not in str(problem)


def test_defaults_are_taken_where_there_are_any(tmp_path):
    given = given_of(tmp_path, **COMPLETE)
    gather(given, PROFILES, terminal=False, say=lambda _: None)
    assert given.answers["profile"] == "connector-only"


def test_answers_nobody_needs_are_left_out_and_said(tmp_path):
    said = []
    given = given_of(tmp_path, **COMPLETE, username="robot@example.com")
    gather(given, PROFILES, terminal=False, say=said.append)
    assert "username" not in given.answers
    assert said == ["not needed here, and left out: username"]


def test_a_file_of_answers_is_read_with_its_lines(tmp_path):
    path = tmp_path / "answers.yaml"
    path.write_text("org: sandbox\ngo_live: 2026-11-01\ncurrency: EURO\n")
    given = given_of(tmp_path)
    read_answers(path, given)
    assert given.answers == {"org": "sandbox", "go_live": "2026-11-01", "currency": "EURO"}
    assert f"{path}:3" in problems_of(given)


def test_a_misspelt_question_in_the_file_is_named_with_the_nearest(tmp_path):
    path = tmp_path / "answers.yaml"
    path.write_text("golive: 2026-11-01\n")
    with pytest.raises(ConfigError, match="did you mean 'go_live'"):
        read_answers(path, given_of(tmp_path))


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        read_answers(tmp_path / "nothing.yaml", given_of(tmp_path))


# -- with a person ----------------------------------------------------------------------------------------------------


def test_a_person_is_asked_what_is_missing_with_a_line_of_explanation(tmp_path):
    given = given_of(tmp_path, **{name: answer for name, answer in COMPLETE.items() if name != "go_live"})
    result = ask(given, "2026-11-01", "")
    assert given.answers["go_live"] == "2026-11-01"
    assert "First invoice date that is mirrored?" in result.output
    assert "Older invoices are never billed again" in result.output
    assert "connector-only" in result.output
    assert given.answers["profile"] == "connector-only"


def test_a_wrong_answer_is_said_and_asked_again(tmp_path):
    given = given_of(tmp_path, **{name: answer for name, answer in COMPLETE.items() if name != "go_live"})
    result = ask(given, "tomorrow", "2026-11-01", "legacy")
    assert "write a day such as 2026-11-01" in result.output
    assert given.answers["profile"] == "legacy"


def test_a_typed_secret_is_not_echoed_and_a_wrong_one_is_forgotten(tmp_path):
    answers = {name: answer for name, answer in COMPLETE.items() if name not in {"stripe_key", "client_secret"}}
    given = given_of(tmp_path, **answers)
    wrong = "pk_test_" + "w" * 20
    result = ask(given, SECRET, wrong, KEY, "")
    assert given.answers["stripe_key"] == "file:secrets/stripe_api_key"
    assert given.typed == {"client_secret": SECRET, "stripe_key": KEY}
    assert "this is a publishable key" in result.output
    for secret in (SECRET, KEY, wrong):
        assert secret not in result.output


def test_a_reference_may_be_typed_instead_of_the_secret(tmp_path):
    given = given_of(tmp_path, **{name: answer for name, answer in COMPLETE.items() if name != "stripe_key"})
    ask(given, "env:STRIPE", "")
    assert given.answers["stripe_key"] == "env:STRIPE"
    assert given.typed == {}


def test_a_wrong_option_is_asked_for_again_not_fatal(tmp_path):
    given = given_of(tmp_path, **{**COMPLETE, "go_live": "soon"})
    result = ask(given, "2026-11-01", "")
    assert given.answers["go_live"] == "2026-11-01"
    assert "'soon' will not do" in result.output


def test_choices_answer_by_number_too(tmp_path):
    given = given_of(tmp_path, **{name: answer for name, answer in COMPLETE.items() if name != "org"})
    ask(given, "1", "")
    assert given.answers["org"] == "sandbox"
