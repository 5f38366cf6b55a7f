"""What a busy machine does to a property is no failure of it."""

from __future__ import annotations

from hypothesis import HealthCheck, settings


def test_no_example_has_to_be_quick():
    assert settings.default.deadline is None
    assert HealthCheck.too_slow in settings.default.suppress_health_check
