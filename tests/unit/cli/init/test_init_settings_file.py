"""config/connector.yaml as `connector init` writes it: readable by the loader, no secret in it, nothing lost."""

from __future__ import annotations

import json
import stat
from datetime import date

import pytest

from connector.cli.init.checks import Given
from connector.cli.init.settings_file import (
    SETTINGS_FILE,
    changed_secrets,
    difference,
    merged,
    read_old,
    readable_by_others,
    settings_of,
    shown,
    text_of,
    write_all,
)
from connector.config.settings_check import check_complete
from connector.config.settings_loader import load_settings
from connector.core.errors import ConfigError

KEY = "sk_test_" + "k3Y9" * 5
FIRST_DAY = date(2026, 10, 1)
ANSWERS = {
    "org": "sandbox",
    "auth": "client_credentials",
    "login_url": "https://example--uat.sandbox.my.salesforce.com",
    "client_id": "3MVG9example",
    "client_secret": "file:secrets/salesforce_client_secret",
    "stripe_key": "file:secrets/stripe_api_key",
    "go_live": "2026-11-01",
    "time_zone": "Europe/Berlin",
    "currency": "EUR",
    "profile": "connector-only",
}


@pytest.fixture
def given(tmp_path):
    typed = {"client_secret": "hush", "stripe_key": KEY}
    return Given(base=tmp_path, folder=tmp_path, environment={}, answers=dict(ANSWERS), typed=typed)


def new_settings(given):
    return settings_of(given, first_day=FIRST_DAY)


def test_the_loader_reads_what_was_written_and_nothing_is_missing(given):
    write_all(given, new_settings(given))
    settings = load_settings({}, folder=given.base)
    check_complete(settings, kinds={"invoice"})
    assert settings.salesforce.login_url == ANSWERS["login_url"]
    assert settings.salesforce.client_secret.get_secret_value() == "hush"
    assert settings.stripe.api_key.get_secret_value() == KEY
    assert (settings.go_live.isoformat(), settings.time_zone.key) == ("2026-11-01", "Europe/Berlin")
    assert settings.salesforce.currency == "eur"
    assert settings.verify.profile == "connector-only"


@pytest.mark.parametrize(("org", "address"), [("sandbox", "test"), ("production", "login")])
def test_a_certificate_signs_in_at_the_shared_host(given, org, address):
    answers = {"auth": "jwt", "org": org, "username": "robot@example.com", "private_key_file": "salesforce.key"}
    given.answers = {**ANSWERS, **answers, "currency": "multi"}
    del given.answers["login_url"], given.answers["client_secret"]
    settings = new_settings(given)
    assert settings["salesforce.login_url"] == f"https://{address}.salesforce.com"
    assert settings["salesforce.private_key_file"] == "salesforce.key"
    assert "salesforce.currency" not in settings
    assert "salesforce.client_secret" not in settings


def test_the_bundled_sandbox_is_taken_from_its_line(given):
    said = {
        "salesforce": {
            "instance_url": "http://127.0.0.1:1",
            "login_url": "http://127.0.0.1:1",
            "client_id": "id",
            "client_secret": "s1",
            "api_version": "67.0",
        },
        "stripe": {"api_base": "http://127.0.0.1:2", "api_key": KEY},
    }
    (given.base / "sandbox.json").write_text(json.dumps(said))
    given.answers = {"org": "bundled", "sandbox": "sandbox.json", "profile": "connector-only"}
    write_all(given, new_settings(given))
    settings = load_settings({}, folder=given.base)
    check_complete(settings, kinds={"invoice"})
    assert settings.go_live == FIRST_DAY
    assert settings.stripe.api_base == "http://127.0.0.1:2"
    given.answers |= {"go_live": "2026-11-05", "time_zone": "Europe/Berlin"}
    said = new_settings(given)
    assert (said["go_live"], said["time_zone"]) == ("2026-11-05", "Europe/Berlin")


def test_secrets_stand_in_files_only_their_owner_reads_and_nowhere_else(given):
    written = write_all(given, new_settings(given))
    assert written == ["secrets/salesforce_client_secret", "secrets/stripe_api_key", str(SETTINGS_FILE)]
    for name in written[:2]:
        assert stat.S_IMODE((given.base / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((given.base / "secrets").stat().st_mode) == 0o700
    text = (given.base / SETTINGS_FILE).read_text()
    assert KEY not in text
    assert "hush" not in text


def test_writing_the_same_again_writes_nothing(given):
    write_all(given, new_settings(given))
    assert changed_secrets(given) == []
    assert write_all(given, new_settings(given)) == []


def test_another_secret_in_a_file_is_noticed_before_it_is_replaced(given):
    write_all(given, new_settings(given))
    given.typed["stripe_key"] = KEY + "z"
    assert changed_secrets(given) == ["secrets/stripe_api_key"]


def test_settings_init_does_not_ask_about_are_kept(given):
    path = given.base / SETTINGS_FILE
    path.parent.mkdir()
    path.write_text("shards: 8\nlog:\n  level: debug\nsalesforce:\n  api_version: 67.0\n  username: old@example.com\n")
    settings = merged(read_old(path), new_settings(given))
    assert (settings["shards"], settings["log.level"], settings["salesforce.api_version"]) == (8, "debug", "67.0")
    assert "salesforce.username" not in settings
    write_all(given, settings)
    assert load_settings({}, folder=given.base).shards == 8


def test_the_difference_shows_both_values_and_no_order_or_comment(given):
    path = given.base / SETTINGS_FILE
    path.parent.mkdir()
    path.write_text(
        "# mine\nstripe: {api_key: file:secrets/stripe_api_key}\n"
        + text_of({**new_settings(given), "go_live": "2026-10-01"}).split("stripe:")[0]
        + "verify: {profile: connector-only}\n"
    )
    lines = difference(read_old(path), new_settings(given))
    assert [line for line in lines if line[0] in "+-" and line[1] not in "+-"] == [
        "-go_live: '2026-10-01'",
        "+go_live: '2026-11-01'",
    ]


def test_equal_settings_make_no_difference(given):
    write_all(given, new_settings(given))
    assert difference(read_old(given.base / SETTINGS_FILE), new_settings(given)) == []


def test_a_secret_in_an_old_file_is_masked_wherever_it_is_shown(given):
    old = {**new_settings(given), "stripe.api_key": KEY, "database.url": "postgresql://u:hidden@db/x"}
    lines = difference(old, merged(old, new_settings(given)))
    assert "-  api_key: '***'" in lines
    assert KEY not in str(lines)
    assert "hidden" not in str(shown(old))


def test_two_secrets_in_the_file_that_differ_are_a_difference_without_words(given):
    old = {"stripe.api_key": KEY}
    assert difference(old, {"stripe.api_key": KEY + "z"}) == [
        "a secret that stands in the file itself becomes another one"
    ]


def test_a_file_that_cannot_be_read_is_not_overwritten(given):
    path = given.base / SETTINGS_FILE
    path.parent.mkdir()
    path.write_text("a: [1\n")
    with pytest.raises(ConfigError):
        read_old(path)


def test_a_folder_that_cannot_be_written_is_said_with_its_name(given):
    (given.base / "secrets").write_text("a file where a folder should be")
    with pytest.raises(ConfigError, match="secrets"):
        write_all(given, new_settings(given))


def test_files_others_can_read_are_named(given):
    given.typed.clear()
    (given.base / "stripe.key").write_text(KEY)
    (given.base / "stripe.key").chmod(0o644)
    (given.base / "client").write_text("hush")
    (given.base / "client").chmod(0o600)
    given.answers.update(stripe_key="file:stripe.key", client_secret="file:client")
    assert readable_by_others(given) == ["stripe.key"]
