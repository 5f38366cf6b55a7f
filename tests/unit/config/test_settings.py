from __future__ import annotations

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connector.config.settings_check import check_complete, read_private_key
from connector.config.settings_loader import load_settings
from connector.config.settings_names import leaves
from connector.config.settings_report import describe
from connector.core.errors import ConfigError

ROOT = Path(__file__).parents[3]
SECRET = "sk_test_51NeverShown"


@pytest.fixture
def place(tmp_path):
    """A working folder: `place(yaml=..., dotenv=..., CONNECTOR_X=...)` gives the settings of a process there."""

    def load(*, yaml=None, dotenv=None, **environment):
        if yaml is not None:
            (tmp_path / "config").mkdir(exist_ok=True)
            (tmp_path / "config" / "connector.yaml").write_text(yaml, encoding="utf-8")
        if dotenv is not None:
            (tmp_path / ".env").write_text(dotenv, encoding="utf-8")
        return load_settings(environment, folder=tmp_path)

    load.folder = tmp_path
    return load


def problems_of(load, **given):
    with pytest.raises(ConfigError) as error:
        load(**given)
    assert all(problem.remedy for problem in error.value.problems)
    assert SECRET not in str(error.value)
    return [(problem.where, problem.observed) for problem in error.value.problems]


def test_without_anything_given_the_defaults_hold(place):
    settings = place()
    assert settings.home == place.folder / ".connector"
    assert settings.database_url == f"sqlite:///{place.folder}/.connector/state.sqlite"
    assert (settings.mappings / "pack.yaml").is_file()
    assert settings.salesforce.api_version == "67.0"
    assert settings.salesforce.auth == "jwt"
    assert settings.time_zone == ZoneInfo("UTC")
    assert settings.go_live is None
    assert settings.shards == 4


def test_the_environment_wins_over_dotenv_which_wins_over_the_file_which_wins_over_defaults(place):
    yaml = "shards: 2\nstripe: {concurrency: 2, overlap_s: 2}\nlog: {level: debug}\n"
    dotenv = "CONNECTOR_STRIPE__OVERLAP_S=3\nCONNECTOR_STRIPE__CONCURRENCY=3\n"
    settings = place(yaml=yaml, dotenv=dotenv, CONNECTOR_STRIPE__CONCURRENCY="4")
    assert (settings.shards, settings.stripe.overlap_s, settings.stripe.concurrency) == (2, 3, 4)
    assert settings.log.level == "debug"
    assert settings.stripe.endpoint_rate_per_second == 25


def test_values_get_their_types(place):
    settings = place(
        CONNECTOR_GO_LIVE="2026-11-01",
        CONNECTOR_TIME_ZONE="Europe/Berlin",
        CONNECTOR_SALESFORCE__CURRENCY="USD",
        CONNECTOR_SALESFORCE__INSTANCE_URL="http://127.0.0.1:8080/",
        CONNECTOR_STRIPE__WEBHOOK_SECRETS="whsec_a, whsec_b",
        CONNECTOR_SALESFORCE__TIMEOUT_S="2.5",
        CONNECTOR_STRIPE__WHOLE_UNIT_CURRENCIES="UGX, isk",
        CONNECTOR_PAYMENT__ALLOCATE_TO="lines",
        CONNECTOR_SALESFORCE__CLIENT_ID="12345",
    )
    assert settings.go_live == date(2026, 11, 1)
    assert settings.time_zone == ZoneInfo("Europe/Berlin")
    assert settings.salesforce.currency == "usd"
    assert settings.salesforce.instance_url == "http://127.0.0.1:8080"
    assert [secret.get_secret_value() for secret in settings.stripe.webhook_secrets] == ["whsec_a", "whsec_b"]
    assert settings.salesforce.timeout_s == 2.5
    assert settings.stripe.whole_unit_currencies == ("ugx", "isk")
    assert settings.salesforce.client_id == "12345"
    assert settings.pack_overrides() == {"payment": {"allocate_to": "lines"}}


def test_yaml_values_mean_what_they_look_like(place):
    settings = place(
        yaml="go_live: 2026-11-01\nsalesforce:\n  api_version: 67.0\n  username: 4711\nstripe:\n  webhook_secrets: [a, b]\n"
    )
    assert settings.go_live == date(2026, 11, 1)
    assert settings.salesforce.api_version == "67.0"
    assert settings.salesforce.username == "4711"
    assert len(settings.stripe.webhook_secrets) == 2


@pytest.mark.parametrize("code", ["usd", "jpy", "zzz"])
def test_only_currencies_sources_disagree_about_may_be_counted_otherwise(place, code):
    ((where, observed),) = problems_of(place, CONNECTOR_STRIPE__WHOLE_UNIT_CURRENCIES=code)
    assert where.startswith("stripe.whole_unit_currencies")
    assert f"'{code}' is counted as published; only isk, ugx" in observed


def test_an_empty_variable_is_not_set(place):
    assert place(yaml="shards: 2\n", CONNECTOR_SHARDS="").shards == 2


def test_files_are_looked_for_under_the_home(tmp_path):
    home = tmp_path / "home"
    (home / "config").mkdir(parents=True)
    (home / "config" / "connector.yaml").write_text("shards: 7\nmappings: pack\n")
    (home / ".env").write_text("CONNECTOR_STRIPE__OVERLAP_S=6\n")
    settings = load_settings({"CONNECTOR_HOME": "home"}, folder=tmp_path)
    assert (settings.home, settings.shards, settings.stripe.overlap_s) == (home, 7, 6)
    assert settings.mappings == home / "pack"


def test_a_secret_may_be_a_file_or_another_variable(place):
    (place.folder / "stripe.key").write_text(f"{SECRET}\n")
    settings = place(
        CONNECTOR_STRIPE__API_KEY="file:stripe.key",
        CONNECTOR_SALESFORCE__CLIENT_SECRET="env:VAULT_SECRET",
        CONNECTOR_STRIPE__WEBHOOK_SECRETS=f"file:{place.folder}/stripe.key,env:VAULT_SECRET",
        VAULT_SECRET="from the vault",
    )
    assert settings.stripe.api_key.get_secret_value() == SECRET
    assert settings.salesforce.client_secret.get_secret_value() == "from the vault"
    assert [s.get_secret_value() for s in settings.stripe.webhook_secrets] == [SECRET, "from the vault"]


def test_a_reference_to_nothing_is_a_problem_by_name(place):
    (place.folder / "empty").write_text("\n")
    found = problems_of(
        place,
        CONNECTOR_STRIPE__API_KEY="file:nowhere.key",
        CONNECTOR_SALESFORCE__CLIENT_SECRET="env:NOT_THERE",
        CONNECTOR_SALESFORCE__ACCESS_TOKEN="file:empty",
    )
    assert ("stripe.api_key (environment)", "nowhere.key cannot be read: No such file or directory") in found
    assert ("salesforce.client_secret (environment)", "the variable NOT_THERE is not set") in found
    assert ("salesforce.access_token (environment)", "empty is empty") in found


def test_every_problem_of_every_source_is_reported_at_once(place):
    found = problems_of(
        place,
        yaml="shard: 4\nstripe:\n  concurrency: many\nlog: loud\n",
        dotenv="CONNECTOR_SHARDZ=3\n",
        CONNECTOR_STRIPE__API_KY=SECRET,
        CONNECTOR_TIME_ZONE="Europe/Berln",
        CONNECTOR_SALESFORCE__CURRENCY="XTS",
        CONNECTOR_GO_LIVE="soon",
    )
    file = place.folder / "config" / "connector.yaml"
    assert (f"{file}:1", "unknown setting shard (did you mean 'shards'?)") in found
    assert (f"{file}:4", "log is not a mapping") in found
    assert (".env", "unknown setting CONNECTOR_SHARDZ (did you mean 'CONNECTOR_SHARDS'?)") in found
    assert (
        "environment",
        "unknown setting CONNECTOR_STRIPE__API_KY (did you mean 'CONNECTOR_STRIPE__API_KEY'?)",
    ) in found
    by_name = {where.split(" ")[0]: (where, observed) for where, observed in found}
    assert by_name["stripe.concurrency"][0] == f"stripe.concurrency ({file}:3)"
    assert "'many'" in by_name["stripe.concurrency"][1]
    assert "time zone database" in by_name["time_zone"][1]
    assert "unknown currency 'xts'" in by_name["salesforce.currency"][1]
    assert "'soon'" in by_name["go_live"][1]


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("CONNECTOR_STRIPE__API_BASE", "http://api.stripe.com", "in the clear"),
        ("CONNECTOR_SALESFORCE__LOGIN_URL", "login.salesforce.com", "write an address"),
        ("CONNECTOR_SALESFORCE__LOGIN_URL", "https://login.salesforce.com/services", "only scheme and host"),
        ("CONNECTOR_SALESFORCE__API_VERSION", "v67", "match pattern"),
        ("CONNECTOR_SALESFORCE__AUTH", "password", "'jwt', 'client_credentials' or 'token'"),
        ("CONNECTOR_STRIPE__RATE_PER_SECOND", "0", "greater than 0"),
        ("CONNECTOR_STRIPE__CONCURRENCY", "65", "less than or equal to 64"),
        ("CONNECTOR_PAYMENT__ALLOCATE_TO", "moon", "'invoice' or 'lines'"),
    ],
)
def test_a_value_of_the_wrong_form_is_refused(place, variable, value, says):
    found = problems_of(place, **{variable: value})
    assert len(found) == 1
    assert says in found[0][1]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CONNECTOR_SALESFORCE__API_VERSION", SECRET),
        ("CONNECTOR_SALESFORCE__LOGIN_URL", f"https://user:{SECRET}@example.com"),
        ("CONNECTOR_LOG__LEVEL", SECRET),
    ],
)
def test_a_secret_in_the_wrong_place_is_not_shown(place, variable, value):
    assert len(problems_of(place, **{variable: value})) == 1  # problems_of looks for the secret


def test_variables_that_others_set_with_our_prefix_are_left_alone(place):
    place(
        CONNECTOR_SERVICE_HOST="10.0.0.1",
        CONNECTOR_PORT="tcp://10.0.0.1:80",
        CONNECTOR_PORT_80_TCP_ADDR="10.0.0.1",
        CONNECTOR_TEST_POSTGRES_URL="postgresql://x",
    )


def test_the_settings_file_is_held_to_the_same_yaml_rules(place):
    found = problems_of(place, yaml="shards: 1\nshards: 2\n")
    assert found == [(f"{place.folder}/config/connector.yaml:2", "'shards' is written twice")]


def test_the_report_shows_values_sources_and_no_secret(place):
    settings = place(
        yaml="shards: 2\ndatabase: {url: 'postgresql://me:hunter2@db/state'}\n",
        dotenv="CONNECTOR_STRIPE__OVERLAP_S=3\n",
        CONNECTOR_STRIPE__API_KEY=SECRET,
        CONNECTOR_SALESFORCE__ACCESS_TOKEN="00D-hunter2",
    )
    rows = {row.name: row for row in describe(settings)}
    assert (rows["shards"].value, rows["shards"].source) == ("2", f"{place.folder}/config/connector.yaml:1")
    assert (rows["stripe.overlap_s"].value, rows["stripe.overlap_s"].source) == ("3", ".env")
    assert (rows["stripe.api_key"].value, rows["stripe.api_key"].source) == ("sk_test_***", "environment")
    assert rows["stripe.api_key"].variable == "CONNECTOR_STRIPE__API_KEY"
    assert rows["salesforce.access_token"].value == "***"
    assert rows["database.url"].value == "postgresql://me:***@db/state"
    assert (rows["salesforce.currency"].value, rows["salesforce.currency"].source) == (None, "default")
    assert rows["time_zone"].value == "UTC"
    everything = f"{rows}{settings!r}"
    assert SECRET not in everything
    assert "hunter2" not in everything
    assert set(rows) == {leaf.name for leaf in leaves()}


COMPLETE = {
    "CONNECTOR_SALESFORCE__AUTH": "token",
    "CONNECTOR_SALESFORCE__ACCESS_TOKEN": "t",
    "CONNECTOR_SALESFORCE__INSTANCE_URL": "http://localhost:1",
    "CONNECTOR_STRIPE__API_KEY": SECRET,
    "CONNECTOR_GO_LIVE": "2026-11-01",
}


def test_what_a_run_needs_is_named_all_at_once(place):
    with pytest.raises(ConfigError) as error:
        check_complete(place(), kinds=["invoice"])
    assert {problem.where for problem in error.value.problems} == {
        "salesforce.client_id",
        "salesforce.username",
        "salesforce.private_key_file",
        "stripe.api_key",
        "go_live",
    }
    assert any("CONNECTOR_GO_LIVE" in problem.remedy for problem in error.value.problems)


def test_a_complete_configuration_passes(place):
    check_complete(place(**COMPLETE), kinds=["invoice"])


def test_go_live_is_needed_only_for_invoices(place):
    settings = place(**{name: value for name, value in COMPLETE.items() if name != "CONNECTOR_GO_LIVE"})
    check_complete(settings, kinds=["customer"])
    with pytest.raises(ConfigError, match="go_live"):
        check_complete(settings, kinds=["customer", "invoice"])


def test_client_credentials_need_the_org_s_own_host(place):
    given = COMPLETE | {
        "CONNECTOR_SALESFORCE__AUTH": "client_credentials",
        "CONNECTOR_SALESFORCE__CLIENT_ID": "id",
        "CONNECTOR_SALESFORCE__CLIENT_SECRET": "secret",
    }
    with pytest.raises(ConfigError, match="My Domain"):
        check_complete(place(**given), kinds=[])
    given["CONNECTOR_SALESFORCE__LOGIN_URL"] = "https://acme.my.salesforce.com"
    check_complete(place(**given), kinds=[])


def test_the_private_key_is_read_from_its_file(place):
    pem = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"
    (place.folder / "good.key").write_text(pem)
    (place.folder / "bad.key").write_text("hello")
    assert read_private_key(place(CONNECTOR_SALESFORCE__PRIVATE_KEY_FILE="good.key")) == pem
    for name, says in (("bad.key", "holds no private key"), ("no.key", "No such file")):
        with pytest.raises(ConfigError, match=says):
            read_private_key(place(CONNECTOR_SALESFORCE__PRIVATE_KEY_FILE=name))
    with pytest.raises(ConfigError, match="is not set"):
        read_private_key(place())


def test_the_shipped_files_change_no_default_and_name_only_settings():
    settings = load_settings({}, folder=ROOT)
    assert {row.source for row in describe(settings)} == {"default"}
    example = (ROOT / "deploy" / "example.env").read_text(encoding="utf-8")
    used = {line.split("=")[0] for line in example.splitlines() if line and not line.startswith("#")}
    assert used
    assert used <= {leaf.variable for leaf in leaves()}


def test_every_line_offered_in_the_shipped_file_is_a_real_setting(place):
    lines = (ROOT / "config" / "connector.yaml").read_text(encoding="utf-8").splitlines()
    offered = [line.removeprefix("# ") for line in lines if line.startswith("# ") and ":" in line.split("#")[1]]
    yaml = "\n".join(line for line in offered if line.split(":")[0].strip().replace("_", "").isalnum())
    yaml = yaml.replace("file:/etc/connector/stripe.key", "sk_test_x")
    settings = place(yaml=yaml)
    assert settings.salesforce.username == "connector@example.com"
    assert settings.log.format == "console"


def test_every_setting_is_documented_and_no_other():
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    for leaf in leaves():
        row = next((line for line in text.splitlines() if line.startswith(f"| `{leaf.variable}`")), "")
        assert leaf.description in row, leaf.variable
    documented = {line.split("`")[1] for line in text.splitlines() if line.startswith("| `CONNECTOR_")}
    assert documented == {leaf.variable for leaf in leaves()}


def test_the_retry_file_is_the_usual_one_or_the_one_that_is_named(tmp_path, place):
    assert len(place().retry_files) == 1
    usual = tmp_path / "config" / "retry.yaml"
    usual.parent.mkdir(exist_ok=True)
    usual.write_text("rules: []\n")
    assert place().retry_files[1:] == (usual.resolve(),)
    assert place(CONNECTOR_RETRY_FILE="mine.yaml").retry_files[1:] == ((tmp_path / "mine.yaml").resolve(),)
