"""Packages against what was pinned."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.core.verify.checks import Verdict
from connector.core.verify.memory import PackagePin
from connector.core.verify.org import InstalledPackage, Packages
from tests.support.verify import NOT_READABLE, judged, situation

BEFORE = datetime(2026, 11, 1, tzinfo=UTC)


def _pin(namespace="SBQQ", version=(262, 1, 0, 4), package_id="033A"):
    return PackagePin(namespace=namespace, package_id=package_id, version_id="04tA", version=version, pinned_at=BEFORE)


def _installed(namespace="SBQQ", version=(262, 1, 0, 4), package_id="033A"):
    return InstalledPackage(
        namespace=namespace, name=f"package {namespace}", package_id=package_id, version_id="04tA", version=version
    )


def _judged(*rows, pins):
    about = situation(pins=None if pins is None else tuple(pins))
    return judged("SF-PKG-09", packages=Packages(rows=rows), about=about)


def test_the_first_look_pins_and_passes():
    found = _judged(_installed(), pins=[])
    assert found.verdict is Verdict.PASS
    assert "remembered from now on" in found.observed


def test_the_same_packages_pass():
    found = _judged(_installed(), _installed("blng"), pins=[_pin(), _pin("blng")])
    assert (found.verdict, found.observed) == (Verdict.PASS, "2 packages are as they were")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (None, "SBQQ 262.1.0.4 is not installed any more"),
        (_installed(version=(258, 0, 0, 1)), "SBQQ went back from 262.1.0.4 to 258.0.0.1"),
        (_installed(package_id="033X"), "SBQQ is another package than 033A: package SBQQ (033X)"),
    ],
)
def test_removed_downgraded_or_exchanged_is_a_failure(row, says):
    found = _judged(*([row] if row else []), pins=[_pin()])
    assert (found.verdict, found.observed) == (Verdict.FAIL, says)
    assert found.evidence == ("pinned on 2026-11-01: SBQQ 262.1.0.4",)


def test_an_upgrade_is_a_warning_until_it_is_accepted():
    found = _judged(_installed(version=(264, 0, 0, 1)), pins=[_pin()])
    assert (found.verdict, found.observed) == (Verdict.WARN, "SBQQ was upgraded from 262.1.0.4 to 264.0.0.1")
    assert "--accept-packages" in found.fix


def test_a_failure_beside_an_upgrade_is_a_failure_and_both_are_told():
    found = _judged(_installed(version=(264, 0, 0, 1)), pins=[_pin(), _pin("blng")])
    assert found.verdict is Verdict.FAIL
    assert "blng" in found.observed
    assert "upgraded" in found.observed


def test_packages_nobody_here_depends_on_may_come_and_go():
    assert _judged(_installed(), pins=[_pin(), _pin("acme")]).verdict is Verdict.PASS


def test_a_namespace_the_operator_named_is_watched():
    about = situation(pins=(_pin("acmestripe"),), stripe_namespaces=("acmestripe",))
    assert judged("SF-PKG-09", packages=Packages(rows=()), about=about).verdict is Verdict.FAIL


def test_of_two_packages_in_a_namespace_each_is_compared_with_itself():
    rows = [_installed(version=(1, 0, 0, 0), package_id="033B"), _installed()]
    pins = [_pin(), _pin(version=(1, 0, 0, 0), package_id="033B")]
    assert _judged(*rows, pins=pins).verdict is Verdict.PASS
    assert _judged(rows[0], pins=pins).verdict is Verdict.FAIL


def test_what_could_not_be_read_is_not_called_a_change():
    bare = _installed(version=None, package_id=None)
    assert _judged(bare, pins=[_pin()]).verdict is Verdict.PASS
    assert _judged(_installed(), pins=[_pin(version=None, package_id=None)]).verdict is Verdict.PASS


def test_without_packages_or_without_memory_it_is_unknown():
    assert judged("SF-PKG-09", packages=NOT_READABLE).verdict is Verdict.UNKNOWN
    found = _judged(_installed(), pins=None)
    assert found.verdict is Verdict.UNKNOWN
    assert "CONNECTOR_DATABASE__URL" in found.fix
