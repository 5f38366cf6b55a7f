"""A secret is kept where only its owner reads it, and an interrupted keeping is known afterwards."""

import os
import stat

import pytest

from connector.core.errors import ConfigError
from connector.runtime.secret_file import SecretFile

SECRET = "whsec_0123456789"


def mode_of(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_secret_is_stored_for_its_owner_alone_whatever_the_umask_says(tmp_path):
    keeper = SecretFile(tmp_path / "home" / "webhook.secret")
    before = os.umask(0)
    try:
        keeper.reserve()
    finally:
        os.umask(before)
    assert mode_of(keeper.path) == 0o600
    keeper.store(SECRET)
    assert keeper.path.read_text() == f"{SECRET}\n"
    assert mode_of(keeper.path) == 0o600


def test_a_place_that_was_reserved_and_never_filled_is_owed_a_secret(tmp_path):
    keeper = SecretFile(tmp_path / "webhook.secret")
    assert not keeper.is_owed()
    keeper.reserve()
    assert keeper.is_owed()
    keeper.release()
    assert not keeper.path.exists()
    keeper.reserve()
    keeper.store(SECRET)
    assert not keeper.is_owed()
    keeper.release()
    assert keeper.path.exists()


def test_a_file_that_holds_something_is_never_written_over(tmp_path):
    path = tmp_path / "webhook.secret"
    path.write_text("whsec_in_use")
    assert SecretFile(path).is_taken()
    assert not SecretFile(tmp_path / "other").is_taken()
    with pytest.raises(ConfigError, match="--secret-file") as refused:
        SecretFile(path).reserve()
    assert path.read_text() == "whsec_in_use"
    assert "whsec" not in str(refused.value)


@pytest.mark.parametrize("make", ["folder", "link", "below a file"])
def test_a_place_that_cannot_be_a_file_of_ours_is_refused(tmp_path, make):
    path = tmp_path / "webhook.secret"
    if make == "folder":
        path.mkdir()
    elif make == "link":
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path.write_text("")
        path /= "webhook.secret"
    with pytest.raises(ConfigError):
        SecretFile(path).reserve()
    assert not (tmp_path / "elsewhere").exists()


def test_a_secret_that_could_not_be_written_stays_owed(tmp_path, monkeypatch):
    keeper = SecretFile(tmp_path / "webhook.secret")
    keeper.reserve()

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("connector.runtime.secret_file.os.fsync", full)
    with pytest.raises(ConfigError, match="No space left on device"):
        keeper.store(SECRET)
    assert keeper.is_owed()
