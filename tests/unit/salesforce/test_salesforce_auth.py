import threading
from datetime import timedelta
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connector.core.errors import ConfigError, Transient, Unauthorised
from connector.salesforce.auth import TokenProvider, checked_url, may_serve
from connector.salesforce.options import AuthKind, SalesforceOptions
from connector.salesforce.session import GatewaySession
from connector.sandbox.salesforce.org import Org
from tests.support.clock import ManualClock
from tests.support.salesforce import BASE_URL, OneClock, Script, answer, carrier_of, client_options, token_options


def provider_of(app, options, clock=None) -> TokenProvider:
    return TokenProvider(
        options, session=GatewaySession(options, carrier=carrier_of(app)), clock=clock or ManualClock()
    )


def granted(url: str, token: str = "t-1", identity: str = "x"):
    return answer({"access_token": token, "instance_url": url, "token_type": "Bearer", "id": identity})


def credentials(**changes) -> SalesforceOptions:
    settings = {"login_url": "https://acme.my.salesforce.com", "client_id": "id", "client_secret": "hush"} | changes
    return SalesforceOptions(auth=AuthKind.CLIENT_CREDENTIALS, **settings)


@pytest.fixture(scope="module")
def private_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem_of(private_key) -> str:
    return private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public_pem_of(private_key) -> str:
    return (
        private_key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def jwt_options(private_key, **changes) -> SalesforceOptions:
    settings = {"login_url": BASE_URL, "client_id": "consumer", "username": "bot@acme.example"} | changes
    return SalesforceOptions(auth=AuthKind.JWT, private_key_pem=pem_of(private_key), **settings)


def test_the_assertion_names_app_user_and_login_host_and_lives_three_minutes(private_key):
    clock = ManualClock()
    script = Script(granted(BASE_URL))
    provider_of(script, jwt_options(private_key), clock).current()
    form = parse_qs(script.requests[0].body.decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    claims = jwt.decode(
        form["assertion"][0],
        public_pem_of(private_key),
        algorithms=["RS256"],
        audience=BASE_URL,
        options={"verify_exp": False},
    )
    assert claims["iss"] == "consumer"
    assert claims["sub"] == "bot@acme.example"
    assert claims["exp"] == int((clock.now() + timedelta(minutes=3)).timestamp())


def test_an_org_that_knows_the_certificate_accepts_the_assertion(private_key):
    clock = OneClock()
    org = Org(clock=clock.sandbox, seed=1)
    org.register_jwt_key(public_pem_of(private_key))
    options = jwt_options(private_key, client_id=org.client_id, username=org.username)
    assert provider_of(org, options, clock).current().instance_url == BASE_URL


def test_an_org_that_does_not_know_the_certificate_stops_the_side(private_key):
    clock = OneClock()
    org = Org(clock=clock.sandbox, seed=1)
    options = jwt_options(private_key, client_id=org.client_id, username=org.username)
    with pytest.raises(Unauthorised) as caught:
        provider_of(org, options, clock).current()
    assert caught.value.code == "invalid_client"


def test_a_key_that_is_none_is_a_setting_to_fix_and_is_not_quoted():
    options = SalesforceOptions(auth=AuthKind.JWT, login_url=BASE_URL, private_key_pem="-----BEGIN hush-----")
    with pytest.raises(ConfigError) as caught:
        provider_of(Script(), options).current()
    assert "PRIVATE_KEY_FILE" in str(caught.value)
    assert "hush" not in str(caught.value)


def test_client_credentials_are_sent_to_the_login_host():
    script = Script(granted("https://acme.my.salesforce.com"))
    token = provider_of(script, credentials()).current()
    form = parse_qs(script.requests[0].body.decode())
    assert form == {"grant_type": ["client_credentials"], "client_id": ["id"], "client_secret": ["hush"]}
    assert script.requests[0].path == "/services/oauth2/token"
    assert script.requests[0].headers["host"] == "acme.my.salesforce.com"
    assert token.access_token == "t-1"


def test_one_token_serves_until_it_is_stale():
    clock = OneClock()
    org = Org(clock=clock.sandbox, seed=1)
    provider = provider_of(org, client_options(org), clock)
    assert provider.current() == provider.current()
    assert org.counters["by_resource"] == {"oauth": 1}


def test_of_many_threads_with_one_expired_token_a_single_one_signs_in():
    clock = OneClock()
    org = Org(clock=clock.sandbox, seed=1)
    provider = provider_of(org, client_options(org), clock)
    stale = provider.current()
    barrier = threading.Barrier(8)
    tokens = []

    def refresh():
        barrier.wait()
        tokens.append(provider.refresh(stale))

    threads = [threading.Thread(target=refresh) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({token.access_token for token in tokens}) == 1
    assert tokens[0] != stale
    assert org.counters["by_resource"] == {"oauth": 2}


def test_refused_credentials_are_not_tried_again_for_a_while():
    clock = ManualClock()
    refused = answer({"error": "invalid_grant", "error_description": "authentication failure"}, 400)
    script = Script(refused, granted("https://acme.my.salesforce.com"))
    provider = provider_of(script, credentials(), clock)
    for _ in range(3):
        with pytest.raises(Unauthorised, match="authentication failure"):
            provider.current()
    assert len(script.requests) == 1
    clock.advance(timedelta(seconds=31))
    assert provider.current().access_token == "t-1"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer({"error": "invalid_client", "error_description": "app must be installed into org"}, 400), Unauthorised),
        (answer({"error": "something_new"}, 400), Unauthorised),
        (answer(b"<html>Forbidden</html>", 403), Unauthorised),
        (answer(b"<html>Bad Gateway</html>", 502), Transient),
        (answer(b"<html>welcome</html>", 200), Transient),
        (answer([], 200), Transient),
        (answer({"access_token": "t-1"}, 200), Transient),
    ],
)
def test_every_other_answer_of_the_token_endpoint_is_understood(reply, kind):
    with pytest.raises(kind) as caught:
        provider_of(Script(reply), credentials()).current()
    assert "hush" not in str(caught.value)


def test_a_redirect_of_the_token_endpoint_is_not_followed_with_the_secret():
    script = Script(answer(b"", 302, Location="https://evil.example/"))
    with pytest.raises(Unauthorised):
        provider_of(script, credentials()).current()
    assert len(script.requests) == 1


def test_a_static_token_cannot_be_renewed():
    provider = provider_of(Script(), token_options())
    token = provider.current()
    assert token.instance_url == BASE_URL
    with pytest.raises(Unauthorised, match="expired"):
        provider.refresh(token)


def test_secrets_do_not_show_in_representations(private_key):
    for holder in (
        credentials(),
        token_options(),
        jwt_options(private_key),
        provider_of(Script(granted("https://acme.my.salesforce.com", "t-hush")), credentials()).current(),
    ):
        assert "hush" not in repr(holder)
        assert "AQEtest" not in repr(holder)
        assert "PRIVATE" not in repr(holder)


@pytest.mark.parametrize(
    ("login_url", "configured", "named", "allowed"),
    [
        ("https://login.salesforce.com", "", "https://acme.my.salesforce.com", True),
        ("https://login.salesforce.com", "", "https://acme.lightning.force.com", True),
        ("https://acme.my.salesforce.com", "", "https://acme.my.salesforce.com", True),
        ("https://gov.my.salesforce.mil", "", "https://x.my.salesforce.mil", True),
        ("https://gov.my.salesforce.mil", "", "https://x.my.salesforce.com", False),
        ("https://login.salesforce.com", "", "https://evil.example", False),
        ("https://login.salesforce.com", "", "https://salesforce.com.evil.example", False),
        ("https://login.salesforce.com", "", "https://evilsalesforce.com", False),
        ("https://login.salesforce.com", "", "http://acme.my.salesforce.com", False),
        ("https://login.salesforce.com", "", "https://u@acme.my.salesforce.com", False),
        ("https://login.salesforce.com", "", "http://127.0.0.1:8001", False),
        ("http://127.0.0.1:8001", "", "http://127.0.0.1:9000", True),
        ("http://localhost:8001", "", "http://127.0.0.1:8001", True),
        ("https://sso.acme.example", "https://crm.acme.example", "https://crm.acme.example", True),
        ("https://sso.acme.example", "", "https://crm.acme.example", False),
    ],
)
def test_a_reply_may_name_hosts_of_the_settings_or_of_the_login_family_only(login_url, configured, named, allowed):
    options = credentials(login_url=login_url, instance_url=configured)
    assert may_serve(named, options) is allowed


def test_a_reply_that_names_a_foreign_host_gets_no_token_sent_to_it():
    script = Script(granted("https://evil.example"))
    with pytest.raises(Unauthorised, match=r"evil\.example"):
        provider_of(script, credentials()).current()
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "url", ["", "ftp://x", "http://acme.my.salesforce.com", "https://u:p@x.example", "acme.example"]
)
def test_an_address_that_would_leak_the_credentials_is_a_setting_to_fix(url):
    with pytest.raises(ConfigError):
        checked_url(url)


def test_the_port_of_an_address_is_kept():
    assert checked_url("http://127.0.0.1:8001/ignored") == "http://127.0.0.1:8001"


def test_credentials_that_lead_to_another_org_while_we_work_are_refused():
    """What was read is of the org before: nothing of it may be written there."""
    url = "https://acme.my.salesforce.com"
    orgs = [f"{url}/id/00D00000000000{number}EAA/005000000000001AAA" for number in (1, 2)]
    script = Script(granted(url, "t-1", orgs[0]), granted(url, "t-2", orgs[1]))
    provider = provider_of(script, credentials())
    stale = provider.current()
    with pytest.raises(Unauthorised) as caught:
        provider.refresh(stale)
    assert caught.value.code == "org_mismatch"
    assert "00D000000000002EAA" in caught.value.message
    assert provider.current() == stale


def test_the_same_org_gives_a_new_token():
    url = "https://acme.my.salesforce.com"
    identity = f"{url}/id/00D000000000001EAA/005000000000001AAA"
    script = Script(granted(url, "t-1", identity), granted(url, "t-2", identity))
    provider = provider_of(script, credentials())
    assert provider.refresh(provider.current()).access_token == "t-2"
