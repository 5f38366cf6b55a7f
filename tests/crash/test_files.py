"""Death around every change of a file: settings, secrets and plans are whole or not there, and the command can be repeated."""

from __future__ import annotations

import json
import shutil
from itertools import count
from typing import TYPE_CHECKING

import pytest

from tests.support.crash_flows import CORE
from tests.support.crash_moments import COMMITS, FILES, SENDS
from tests.support.crash_view import Holdings, assert_one_to_one

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.crash import Answer, Ground

URL = "https://connector.example.com/stripe/events"
EVERYTHING = (FILES, SENDS, COMMITS)
[FIRST_SYNC] = [flow for flow in CORE if flow.name == "first sync"]


@pytest.fixture
def ground(ground: Ground) -> Iterator[Ground]:
    """The files of these commands lie in the working folder: they are taken away again."""
    ground.clear()
    before = set(ground.folder.iterdir())
    yield ground
    _take_away(ground, before)


def _take_away(ground: Ground, before: set[Path]) -> None:
    for path in set(ground.folder.iterdir()) - before:
        if path.name.startswith("state.db"):
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _at_every_moment(
    ground: Ground, command: tuple[str, ...], check: Callable[[Answer], None], **settings: dict
) -> int:
    """Kills the command at its n-th moment and hands what is left to `check`; how many deaths there were."""
    before = set(ground.folder.iterdir())
    start = ground.snapshot()
    for kill_at in count(1):
        _take_away(ground, before)
        ground.restore(start)
        answer = ground.run(*command, kill_at=kill_at, counts=EVERYTHING, **settings)
        try:
            check(answer)
        except AssertionError as error:
            raise AssertionError(f"killed at moment {kill_at}: {answer.moments[-1]}: {error}") from error
        if not answer.died:
            assert answer.status == 0, answer.err
            return kill_at - 1
    raise AssertionError("unreachable: count() has no end")


def test_settings_and_secrets_written_by_init(ground: Ground) -> None:
    access = {"salesforce": _salesforce(ground), "stripe": _stripe(ground)}
    (ground.folder / "sandbox.json").write_text(json.dumps(access))
    command = ("init", "--org", "bundled", "--sandbox", "sandbox.json", "--profile", "connector-only")
    written: dict[str, bytes] = {}

    def check(_answer: Answer) -> None:
        again = ground.run(*command, "--yes", "--no-verify", "--json", settings={})
        assert again.status == 0, again.err
        files = {
            path.relative_to(ground.folder).as_posix(): path.read_bytes()
            for folder in ("config", "secrets")
            for path in sorted((ground.folder / folder).rglob("*"))
            if path.is_file()
        }
        written.update(written or files)
        assert files == written, f"{sorted(files)} instead of {sorted(written)}, or other contents"
        modes = {path.stat().st_mode & 0o777 for path in (ground.folder / "secrets").iterdir()}
        assert modes == {0o600}

    deaths = _at_every_moment(ground, (*command, "--yes", "--no-verify", "--json"), check, settings={})
    assert deaths > 8


def test_the_secret_of_a_webhook_endpoint(ground: Ground) -> None:
    """Stripe shows it once: an endpoint whose secret was not kept is replaced, never used."""
    command = ("setup", "stripe", "--apply", "--url", URL, "--secret-file", "webhook.secret", "--json")

    def check(_answer: Answer) -> None:
        again = ground.run(*command)
        assert again.status == 0, again.err
        enabled = [row for row in ground.world.stripe_list("/v1/webhook_endpoints") if row["status"] == "enabled"]
        assert len(enabled) == 1, f"{len(enabled)} endpoints would each send every event"
        kept = (ground.folder / "webhook.secret").read_text(encoding="ascii").strip()
        assert kept == ground.world.account._engine.hidden[enabled[0]["id"]]["secret"]
        settled = ground.run(*command)
        assert (settled.status, settled.json["changes"]) == (0, [])

    assert _at_every_moment(ground, command, check) > 5


def test_a_plan_that_was_not_finished_is_refused_and_nothing_was_written(ground: Ground) -> None:
    FIRST_SYNC.happens(ground.world)
    command = ("plan", "--out", "plan.json", "--json")
    before = Holdings.of(ground.world).told()

    def check(answer: Answer) -> None:
        assert Holdings.of(ground.world).told() == before
        plan = ground.folder / "plan.json"
        if answer.died and plan.exists():
            applied = ground.run("apply", "plan.json", "--json")
            assert applied.status in (0, 64), applied.err
            held = Holdings.of(ground.world)
            assert_one_to_one(held)
            assert applied.status == 0 or held.told() == before

    assert _at_every_moment(ground, command, check) > 5


def _salesforce(ground: Ground) -> dict[str, str]:
    org, url = ground.world.org, ground.settings["CONNECTOR_SALESFORCE__INSTANCE_URL"]
    return {
        "instance_url": url,
        "login_url": url,
        "access_token": org.access_token,
        "client_id": org.client_id,
        "client_secret": org.client_secret,
        "username": org.username,
        "api_version": org.api_version,
    }


def _stripe(ground: Ground) -> dict[str, str]:
    account = ground.world.account
    return {
        "api_base": ground.settings["CONNECTOR_STRIPE__API_BASE"],
        "api_key": account.api_key,
        "webhook_secret": account.webhook_secret,
    }
