"""`connector init` as a new administrator meets it: an empty folder, a terminal, and in the end two systems in step."""

from __future__ import annotations

import json
import stat

import pytest

from tests.acceptance.program import Program, go_live, sandbox
from tests.acceptance.terminal import terminal

TYPED = "Typed-Consumer-Secret-1234567890"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "new").mkdir()
    return tmp_path / "new"


@pytest.fixture
def fresh(folder):
    """No settings at all; the working folder is the empty one."""
    return Program(folder / "home", {})


def secrets_of(box):
    return box.salesforce["client_secret"], box.salesforce["access_token"], box.stripe["api_key"], TYPED


def files_in(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_from_an_empty_folder_to_ready_at_a_terminal(fresh, folder, box):
    (folder / "sandbox.json").write_text(json.dumps({"salesforce": box.salesforce, "stripe": box.stripe}))
    with terminal(fresh, "init", folder=folder) as screen:
        screen.answer("Which Salesforce org?", "nowhere")
        screen.expect("write one of sandbox, production, my-domain, bundled")
        screen.answer("answer", "4")
        screen.answer("File with the line of", "")
        screen.answer("What is Stripe's package in this org?", "connector-only")
        screen.expect("To be written, config/connector.yaml")
        screen.expect("Write this?")
        screen.type("y")
        screen.expect("wrote config/connector.yaml")
        code = screen.end()
    assert code == 0, screen.screen
    assert "Ready." in screen.screen
    assert "connector plan" in screen.screen
    for secret in secrets_of(box):
        assert secret not in screen.screen
    assert stat.S_IMODE((folder / "secrets/stripe_api_key").stat().st_mode) == 0o600

    shown = fresh.run("config", "show", "--json")
    assert shown.code == 0
    synced = fresh.run("sync", "--once", "--json")
    assert synced.json["kinds"]["invoice"]["created"] > 0


def test_from_an_org_without_our_fields_to_ready(fresh, folder, tmp_path):
    """init says what is missing, setup salesforce mends it, verify says ready, a sync mirrors."""
    with sandbox(tmp_path, "--org", "no-fields", "--stripe-rate", "0") as box:
        (folder / "sandbox.json").write_text(json.dumps({"salesforce": box.salesforce, "stripe": box.stripe}))
        first = run(fresh, folder, "--sandbox", "sandbox.json", "--yes", "--json")
        assert (first.code, first.json["ready"]) == (1, False)
        assert first.json["next"][0] == "connector setup salesforce --plan"
        failed = [check["id"] for check in first.json["verify"]["checks"] if check["outcome"] == "fail"]
        assert failed == ["SF-ACC-04"], "one cause, one finding"

        assert fresh.run("setup", "salesforce").code == 0
        applied = fresh.run("setup", "salesforce", "--apply")
        assert applied.code == 0, applied.err

        verified = fresh.run("verify")
        assert verified.code == 0, verified.out
        assert "Ready." in verified.out
        synced = fresh.run("sync", "--once", "--json")
        assert synced.json["stopped_kinds"] == {}
        assert synced.json["kinds"]["invoice"]["created"] > 0
        for said in (first, applied, verified, synced):
            for secret in secrets_of(box):
                assert secret not in said.out + said.err


def test_typed_secrets_never_appear_and_a_wrong_key_is_asked_for_again(fresh, folder, box):
    with terminal(fresh, "init", "--no-verify", folder=folder) as screen:
        screen.answer("Which Salesforce org?", "my-domain")
        screen.answer("How does the connector sign in", "client_credentials")
        screen.answer("My Domain address?", "https://example.lightning.force.com")
        screen.expect("ends with .my.salesforce.com")
        screen.answer("answer", box.salesforce["login_url"])
        screen.answer("Consumer key", box.salesforce["client_id"])
        screen.answer("Consumer secret", TYPED)
        screen.answer("Key of the Stripe account?", "pk_test_" + "w" * 24)
        screen.expect("this is a publishable key")
        screen.answer("not shown", box.stripe["api_key"])
        screen.answer("First invoice date", go_live())
        screen.answer("Time zone", "Europe/Berlin")
        screen.answer("Currency", "multi")
        screen.answer("What is Stripe's package", "")
        screen.expect("Write this?")
        screen.type("")
        assert screen.end() == 0
    for secret in (*secrets_of(box), "w" * 24):
        assert secret not in screen.screen
    assert (folder / "secrets/salesforce_client_secret").read_text() == TYPED + "\n"
    assert TYPED not in (folder / "config/connector.yaml").read_text()


def test_a_no_at_the_end_and_ctrl_c_write_nothing(fresh, folder, box):
    (folder / "sandbox.json").write_text(json.dumps({"salesforce": box.salesforce, "stripe": box.stripe}))
    before = files_in(folder)
    with terminal(fresh, "init", "--sandbox", "sandbox.json", folder=folder) as screen:
        screen.answer("What is Stripe's package", "")
        screen.expect("Write this?")
        screen.type("n")
        assert screen.end() == 1
    assert "nothing was written" in screen.screen
    with terminal(fresh, "init", folder=folder) as screen:
        screen.answer("Which Salesforce org?", "sandbox")
        # at the prompt: Ctrl-C while the question is being printed may fall into a moment that swallows it
        screen.answer("How does the connector sign in", "\x03")
        assert screen.end() == 130
    assert files_in(folder) == before


def test_what_is_there_is_replaced_only_after_a_yes(fresh, folder, box):
    (folder / "sandbox.json").write_text(json.dumps({"salesforce": box.salesforce, "stripe": box.stripe}))
    assert run(fresh, folder, "--sandbox", "sandbox.json", "--yes", "--no-verify").code == 0
    config = folder / "config/connector.yaml"
    config.write_text(config.read_text().replace("time_zone: UTC", "time_zone: Asia/Tokyo"))
    with terminal(fresh, "init", "--sandbox", "sandbox.json", "--no-verify", folder=folder) as screen:
        screen.answer("What is Stripe's package", "")
        screen.expect("-time_zone: Asia/Tokyo")
        screen.expect("+time_zone: UTC")
        screen.expect("Replace config/connector.yaml?")
        screen.type("")
        assert screen.end() == 1
    assert "Asia/Tokyo" in config.read_text()
    refused = run(fresh, folder, "--sandbox", "sandbox.json", "--yes", "--no-verify")
    assert refused.code == 64
    assert "--force" in refused.err
    forced = run(fresh, folder, "--sandbox", "sandbox.json", "--yes", "--no-verify", "--force", "--json")
    assert forced.code == 0
    assert forced.json["written"] == ["config/connector.yaml"]
    assert "UTC" in config.read_text()


def run(program, folder, *arguments):
    assert folder == program.home.parent
    return program.run("init", *arguments)


def test_without_a_terminal_every_missing_answer_is_named(fresh, folder):
    said = run(fresh, folder, "--json")
    assert said.code == 64
    where = [problem["where"] for problem in said.json["error"]["problems"]]
    assert where[0] == "--org"
    assert {"--client-id", "--stripe-key", "--go-live", "--time-zone", "--currency"} <= set(where)
    assert files_in(folder) == set()


def test_a_file_of_answers_sets_everything_up_and_verify_runs(fresh, folder, box):
    (folder / "stripe.key").write_text(box.stripe["api_key"])
    (folder / "client.secret").write_text(box.salesforce["client_secret"])
    (folder / "answers.yaml").write_text(
        f"""\
org: my-domain
auth: client_credentials
login_url: {box.salesforce["login_url"]}
client_id: {box.salesforce["client_id"]}
client_secret: file:client.secret
stripe_key: file:stripe.key
go_live: {go_live()}
time_zone: UTC
currency: multi
"""
    )
    # a real Stripe account would be reached at its own address: the sandbox's is named by a variable
    program = Program(fresh.home, {"CONNECTOR_STRIPE__API_BASE": box.stripe["api_base"]})
    said = run(program, folder, "--answers", "answers.yaml", "--json")
    assert said.code == 0, said.err
    assert said.json["ready"] is True
    assert said.json["verify"]["summary"]["fails"] is False
    assert said.json["settings"]["stripe.api_key"] == "file:stripe.key"
    for secret in secrets_of(box):
        assert secret not in said.out + said.err


def test_a_key_on_the_command_line_is_refused_and_not_repeated(fresh, folder, box):
    said = run(
        fresh, folder, "--stripe-key", box.stripe["api_key"], "--client-secret", TYPED, "--auth", "client_credentials"
    )
    assert said.code == 64
    assert "file:PATH or env:NAME" in said.err
    for secret in secrets_of(box):
        assert secret not in said.out + said.err


def test_a_variable_that_wins_over_the_file_is_named(fresh, folder, box):
    (folder / "sandbox.json").write_text(json.dumps({"salesforce": box.salesforce, "stripe": box.stripe}))
    program = Program(fresh.home, {"CONNECTOR_TIME_ZONE": "Asia/Tokyo"})
    said = run(program, folder, "--sandbox", "sandbox.json", "--yes", "--no-verify", "--json")
    assert said.json["overridden"] == ["time_zone"]
    assert "time_zone is set elsewhere" in said.err


def test_a_home_of_its_own_gets_the_files_and_paths_count_from_where_one_is(folder, box):
    (folder / "stripe.key").write_text(box.stripe["api_key"])
    (folder / "sandbox.json").write_text(json.dumps({"salesforce": box.salesforce, "stripe": box.stripe}))
    (folder / "home").mkdir()
    program = Program(folder / "home", {"CONNECTOR_HOME": str(folder / "home")})
    said = run(program, folder, "--sandbox", "sandbox.json", "--yes", "--no-verify")
    assert said.code == 0, said.err
    assert str(folder / "home/config/connector.yaml") in said.err
    assert {"home/config/connector.yaml", "home/secrets/stripe_api_key"} <= files_in(folder)
    assert program.run("setup", "salesforce", "--json").json["changes"] == []
