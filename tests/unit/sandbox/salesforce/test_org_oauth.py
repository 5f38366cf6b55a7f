"""Tokens: how they are had, and what happens without one."""

from __future__ import annotations

import base64
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connector.sandbox.salesforce.org import Org

TOKEN = "/services/oauth2/token"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def registered(org, key):
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    org.register_jwt_key(public.decode())
    return org


def assertion(org, key, clock, **changes):
    claims = {
        "iss": org.client_id,
        "sub": org.username,
        "aud": "https://test.salesforce.com",
        "exp": int(clock.now().timestamp()) + 180,
        **changes,
    }
    return jwt.encode(claims, key, algorithm="RS256")


def test_a_signed_assertion_is_exchanged_for_a_token(api, registered, key, clock):
    answer = api.form(TOKEN, {"grant_type": JWT_GRANT, "assertion": assertion(registered, key, clock)})
    assert answer.status == 200
    body = answer.body
    assert set(body) == {"access_token", "signature", "scope", "instance_url", "id", "token_type", "issued_at"}
    assert body["instance_url"] == "http://127.0.0.1:8765"
    assert body["access_token"].startswith(registered.org_id[:15] + "!")
    assert body["issued_at"] == str(int(clock.now().timestamp()) * 1000)
    assert api.get("/limits", token=body["access_token"]).status == 200


@pytest.mark.parametrize("audience", ["https://test.salesforce.com/", "http://127.0.0.1:8765"])
def test_the_audience_is_the_login_host_or_the_orgs_own_domain(api, registered, key, clock, audience):
    answer = api.form(TOKEN, {"grant_type": JWT_GRANT, "assertion": assertion(registered, key, clock, aud=audience)})
    assert answer.status == 200


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"iss": "other"}, "invalid_client_id", "client identifier invalid"),
        ({"sub": "other@x.example"}, "invalid_grant", "user hasn't approved this consumer"),
        ({"aud": "https://login.salesforce.com"}, "invalid_grant", "audience is invalid"),
        ({"exp": 1}, "invalid_grant", "expired authorization code"),
        ({"exp": 9999999999}, "invalid_grant", "expired authorization code"),
        ({"exp": None}, "invalid_grant", "expired authorization code"),
    ],
)
def test_a_wrong_claim_is_refused(api, registered, key, clock, changes, error, words):
    signed = assertion(registered, key, clock, **changes)
    answer = api.form(TOKEN, {"grant_type": JWT_GRANT, "assertion": signed})
    assert (answer.status, answer.body) == (400, {"error": error, "error_description": words})


def test_another_key_or_no_registered_key_is_refused(api, org, registered, clock, key):
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for bad in (assertion(registered, stranger, clock), "not.a.jwt", ""):
        answer = api.form(TOKEN, {"grant_type": JWT_GRANT, "assertion": bad})
        assert answer.body["error"] == "invalid_grant"
    unsigned = jwt.encode({"iss": org.client_id, "sub": org.username}, "x" * 32, algorithm="HS256")
    assert api.form(TOKEN, {"grant_type": JWT_GRANT, "assertion": unsigned}).status == 400


def test_an_app_that_is_not_installed_cannot_log_in(api, org, key, clock):
    answer = api.form(TOKEN, {"grant_type": JWT_GRANT, "assertion": assertion(org, key, clock)})
    assert answer.body == {"error": "invalid_client", "error_description": "app must be installed into org"}


def test_client_credentials_in_the_form_or_the_header(api, org):
    secret = {"client_id": org.client_id, "client_secret": org.client_secret}
    assert api.form(TOKEN, {"grant_type": "client_credentials", **secret}).status == 200
    basic = base64.b64encode(f"{org.client_id}:{org.client_secret}".encode()).decode()
    answer = api.form(TOKEN, {"grant_type": "client_credentials"}, {"authorization": f"Basic {basic}"})
    assert api.get("/limits", token=answer.body["access_token"]).status == 200


def test_client_credentials_fail_on_the_login_host_and_with_a_wrong_secret(api, org):
    good = {"grant_type": "client_credentials", "client_id": org.client_id, "client_secret": org.client_secret}
    on_login = api.form(TOKEN, good, {"host": "test.salesforce.com"})
    assert on_login.body == {"error": "invalid_grant", "error_description": "request not supported on this domain"}
    assert api.form(TOKEN, {**good, "client_secret": "x"}).body["error"] == "invalid_client"
    assert api.form(TOKEN, {**good, "client_id": "x"}).body["error"] == "invalid_client_id"
    assert api.form(TOKEN, {**good, "grant_type": "password"}).body["error"] == "unsupported_grant_type"


def test_an_expired_session_is_told_as_an_array(api, org):
    org.expire_tokens()
    answer = api.get("/limits")
    assert (answer.status, answer.body) == (
        401,
        [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}],
    )
    assert api.get("/limits", headers={"authorization": "Basic x"}).status == 401


def test_userinfo_names_the_org_and_the_user(api, org):
    body = api.get("/services/oauth2/userinfo", root="").body
    assert (body["organization_id"], body["preferred_username"]) == (org.org_id, org.username)
    assert api.get("/services/oauth2/userinfo", root="", token="nope").status == 403


def test_credentials_repeat_with_the_seed(clock, org):
    same, other = Org(clock=clock, seed=7), Org(clock=clock, seed=8)
    assert (same.client_id, same.client_secret, same.access_token) == (
        org.client_id,
        org.client_secret,
        org.access_token,
    )
    assert other.client_id != org.client_id
    assert other.org_id != org.org_id


def test_tokens_do_not_die_of_age_here(api, clock):
    # Session length is a setting of the org; tests end sessions by hand instead.
    clock.advance(timedelta(hours=12))
    assert api.get("/limits").status == 200
