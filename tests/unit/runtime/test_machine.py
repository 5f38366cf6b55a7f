"""The machine we run on, looked at: by real files, and by servers and certificates given to it."""

import os
import ssl
import threading
from datetime import UTC, datetime

import pytest
import requests

from connector.core.model import Identity, Key, Link, Side
from connector.core.verify.evidence import Broken, NotReadable, Seen, Unreadable
from connector.runtime.machine import (
    OwnInspector,
    Server,
    certificate_until,
    look_at_addresses,
    look_at_clocks,
    look_at_customers,
    look_at_database,
    look_at_disk,
    own_looks,
)
from connector.store import open_store
from tests.support.clock import ManualClock
from tests.support.salesforce import Script, answer, carrier_of

IDENTITY = Identity(org_id="00D000000000001AAA", is_sandbox=True, account_id="acct_1", livemode=False)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'state.sqlite'}"


def server(*steps, url="https://acme.my.salesforce.com"):
    return Server(system="Salesforce", url=url, clock_path="/services/data", session=carrier_of(Script(*steps)))


# -- database ---------------------------------------------------------------------------------------------------------


def test_a_new_database_belongs_to_nobody(url):
    state = look_at_database(url, clock=ManualClock())
    assert (state.trouble, state.org_id, state.account_id) == ("", None, None)


def test_a_used_one_says_whom_it_belongs_to(url):
    store = open_store(url, clock=ManualClock())
    store.pin_identity(IDENTITY)
    store.close()
    state = look_at_database(url, clock=ManualClock())
    assert (state.org_id, state.account_id) == (IDENTITY.org_id, IDENTITY.account_id)


def test_a_file_that_is_no_database_is_told_as_trouble(tmp_path):
    path = tmp_path / "state.sqlite"
    path.write_bytes(b"not a database at all, but long enough to look at" * 40)
    assert look_at_database(f"sqlite:///{path}", clock=ManualClock()).trouble


def test_an_address_that_is_none_is_told_without_repeating_it():
    state = look_at_database("mysql://someone:secret@host/db", clock=ManualClock())
    assert "not supported" in state.trouble
    assert "secret" not in state.trouble


def test_customers_are_those_with_a_mate(url):
    store = open_store(url, clock=ManualClock())
    store.pin_identity(IDENTITY)
    links = [
        Link(born=Key(side=Side.SALESFORCE, kind="customer", id=f"00100000000000{number}AAA"), mate_id=mate)
        for number, mate in enumerate(["cus_1", None, "cus_3"])
    ]
    store.begin(links, [])
    store.close()
    known = look_at_customers(url, clock=ManualClock())
    assert known.mates == {"001000000000000AAA": "cus_1", "001000000000002AAA": "cus_3"}
    assert known.is_complete


def test_customers_of_a_database_that_cannot_be_used_are_unreadable():
    with pytest.raises(NotReadable):
        look_at_customers("mysql://host/db", clock=ManualClock())


# -- disk -------------------------------------------------------------------------------------------------------------


def test_a_folder_that_does_not_exist_yet_is_looked_at_where_it_would_be(tmp_path):
    disk = look_at_disk(tmp_path / "state" / "deep")
    assert (disk.folder, disk.trouble) == (str(tmp_path), "")
    assert disk.free_bytes > 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_says_why(tmp_path):
    tmp_path.chmod(0o500)
    assert look_at_disk(tmp_path).trouble


def test_looking_leaves_nothing_behind(tmp_path):
    look_at_disk(tmp_path)
    assert list(tmp_path.iterdir()) == []


# -- clock ------------------------------------------------------------------------------------------------------------


def test_the_servers_clock_comes_from_its_answer_whatever_it_answers():
    clock = ManualClock()
    reply = answer(b"gone", 404, Date="Mon, 02 Nov 2026 09:05:00 GMT")
    clocks = look_at_clocks([server(reply)], clock=clock)
    reading = clocks.read["Salesforce"]
    assert reading.server == datetime(2026, 11, 2, 9, 5, tzinfo=UTC)
    assert (reading.before, reading.after) == (clock.now(), clock.now())


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (requests.ConnectionError(), "no answer (ConnectionError)"),
        (requests.Timeout(), "no answer (Timeout)"),
        (answer(b"", 200, Date="yesterday"), "its answer has no date"),
    ],
)
def test_a_server_that_does_not_tell_is_named_with_its_reason(step, reason):
    assert look_at_clocks([server(step)], clock=ManualClock()).unread == {"Salesforce": reason}


# -- addresses --------------------------------------------------------------------------------------------------------


def test_certificates_are_asked_for_only_where_there_are_some():
    asked = []

    def until(host, port):
        asked.append((host, port))

    rows = look_at_addresses(
        [server(), server(url="http://127.0.0.1:7101"), server(url="https://localhost:7102")], certificate_until=until
    ).rows
    assert asked == [("acme.my.salesforce.com", 443)]
    assert [row.is_loopback for row in rows] == [False, True, True]


def test_a_trusted_certificate_tells_its_end(tls_server):
    port, context, ends = tls_server
    assert certificate_until("127.0.0.1", port, context=context) == ends


def test_a_certificate_nobody_trusts_and_a_closed_port_tell_nothing(tls_server):
    port, _, _ = tls_server
    assert certificate_until("127.0.0.1", port) is None
    assert certificate_until("127.0.0.1", 1) is None


@pytest.fixture
def tls_server(tmp_path):
    """(port, a context that trusts it, the end of its certificate); answers one handshake after the other."""
    import socket

    ends = datetime(2100, 1, 1, tzinfo=UTC)
    path = tmp_path / "server.pem"
    path.write_bytes(self_signed(ends))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1], ssl.create_default_context(cafile=str(path)), ends
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(60)


def self_signed(ends: datetime) -> bytes:
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    return certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain
    )


# -- together ---------------------------------------------------------------------------------------------------------


def test_what_breaks_costs_its_neighbours_nothing():
    def broken():
        raise RuntimeError("secret")

    def unreadable():
        raise NotReadable(Unreadable(source="database", reason="locked"))

    found = OwnInspector({"own_a": lambda: 1, "own_b": broken, "own_c": unreadable}).inspect(
        ["own_a", "own_b", "own_c"]
    )
    assert found["own_a"] == Seen(value=1, source="this machine, a")
    assert found["own_b"] == Broken(source="this machine, b", error="RuntimeError")
    assert found["own_c"].reason == "locked"


def test_every_evidence_of_this_machine_that_a_check_wants_can_be_looked_at(tmp_path):
    from tests.support.verify import shipped_rules

    looks = own_looks(home=tmp_path, database_url="sqlite:///x", servers=(), clock=ManualClock())
    wanted = {name for check in shipped_rules().checks for name in check.evidence if name.startswith("own_")}
    assert wanted == set(looks)
