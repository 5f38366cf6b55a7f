"""Every error of ours leads to one exit code and says what to do."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime

import pytest

from connector.cli.exits import MEANINGS, Exit, exit_of, remedy_of
from connector.core import errors
from connector.core.brake import TrippedBrake
from connector.core.errors import ConnectorError, Problem, RemoteError, UsageError
from connector.core.model import Finding, Severity, Side

NOW = datetime(2026, 11, 21, tzinfo=UTC)

CASES = {
    errors.ConfigError: 64,
    errors.MappingError: 64,
    errors.PrerequisiteError: 64,
    errors.Transient: 69,
    errors.Unreachable: 69,
    errors.Ambiguous: 69,
    errors.Unauthorised: 69,
    errors.Throttled: 75,
    errors.QuotaSpent: 75,
    errors.Unfinished: 75,
    errors.Refused: 1,
    errors.Hidden: 1,
    errors.StoreBusy: 75,
    errors.StoreAway: 75,
    errors.LeaseLost: 75,
    errors.Superseded: 75,
    errors.StoreUnusable: 1,
    errors.SchemaTooNew: 1,
    errors.Unadopted: 1,
    errors.Braked: 1,
    errors.Interrupted: 130,
}


def make(kind: type[ConnectorError]) -> ConnectorError:
    if issubclass(kind, UsageError):
        return kind([Problem(where="x", observed="y", remedy="z")])
    if issubclass(kind, RemoteError):
        return kind("no", side=Side.STRIPE, action="GET /v1/account")
    if kind is errors.Braked:
        return kind([TrippedBrake(name="x", subject="", tripped_at=NOW, observed="y", allowed="z", plan={})])
    if kind is errors.Unadopted:
        told = dict.fromkeys(("code", "subject", "observed", "wanted", "why", "remedy"), "x")
        return kind(Finding(severity=Severity.BLOCKER, **told))
    return kind("no")


@pytest.mark.parametrize(("kind", "code"), CASES.items(), ids=lambda value: getattr(value, "__name__", value))
def test_the_table(kind, code):
    assert exit_of(make(kind)) == code


def test_the_table_is_complete():
    leaves = {
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, ConnectorError) and not kind.__subclasses__()
    }
    # raised itself as well as in its narrower form
    assert leaves | {errors.Transient, errors.Throttled, errors.Refused, errors.LeaseLost} == set(CASES)


@pytest.mark.parametrize("kind", [kind for kind in CASES if issubclass(kind, RemoteError)])
@pytest.mark.parametrize("side", Side)
def test_a_remote_error_says_what_to_do(kind, side):
    remedy = remedy_of(kind("no", side=side, action="GET"))
    assert remedy is not None
    if kind is errors.Unauthorised:
        assert f"CONNECTOR_{side.name}__" in remedy


def test_a_wait_the_system_named_is_passed_on():
    error = errors.Throttled("no", side=Side.STRIPE, action="GET")
    error.retry_after_s = 7
    assert "in 7 s" in remedy_of(error)


def test_every_code_has_a_meaning():
    assert set(MEANINGS) == set(Exit)
