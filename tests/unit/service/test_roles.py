"""Which role a configuration has use for."""

from __future__ import annotations

import pytest

from connector.config.settings import Settings
from connector.core.errors import ConfigError
from connector.service.roles import Role, check

SHARED = {"dispatch": "procrastinate"}
HEARS = {"stripe": {"webhook_secrets": "whsec_1"}}


@pytest.mark.parametrize(
    ("role", "given", "wrong"),
    [
        ("all", {}, None),
        ("all", SHARED, None),
        ("worker", SHARED, None),
        ("clock", SHARED, None),
        ("web", {**SHARED, **HEARS}, None),
        ("worker", {}, "CONNECTOR_DISPATCH=embedded one process does everything"),
        ("clock", {}, "CONNECTOR_DISPATCH=embedded one process does everything"),
        ("web", SHARED, "no secret to verify webhooks with"),
    ],
)
def test_a_role_without_use_is_refused_with_what_to_set(role, given, wrong):
    settings = Settings(**given)
    if wrong is None:
        check(settings, Role(role))
    else:
        with pytest.raises(ConfigError, match=wrong):
            check(settings, Role(role))


def test_who_does_what():
    does = {role.value: {name for name in ("ticks", "works", "hears") if getattr(role, name)} for role in Role}
    assert does == {"all": {"ticks", "works", "hears"}, "clock": {"ticks"}, "worker": {"works"}, "web": {"hears"}}
