"""The frame that carries a simulated system: over a socket and in process, the same request arrives."""

from __future__ import annotations

import http.client
import threading
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest
import requests

from connector.sandbox.http import Request, Response
from connector.sandbox.server import Served
from connector.sandbox.transport import InProcessAdapter
from tests.support.ports import kept_port


class Echo:
    """Answers with what it was asked, so that a test sees what arrived."""

    def handle(self, request: Request) -> Response:
        seen = {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "authorization": request.headers.get("authorization"),
            "content_type": request.headers.get("content-type"),
            "body": request.body.decode(),
        }
        return Response(status=402, headers={"Content-Type": "application/json", "X-Own": "a"}, body=orjson.dumps(seen))


def _ask(session: requests.Session, base: str) -> requests.Response:
    return session.patch(f"{base}/v1/a%2Fb/c%20d?x=%20&y[]=1", data={"name": "Ä b"}, auth=("key", ""), timeout=60)


EXPECTED = {
    "method": "PATCH",
    "path": "/v1/a%2Fb/c%20d",
    "authorization": "Basic a2V5Og==",
    "content_type": "application/x-www-form-urlencoded",
    "body": "name=%C3%84+b",
}


@pytest.fixture
def in_process():
    session = requests.Session()
    session.mount("http://sandbox.test", InProcessAdapter(Echo()))
    return session


def test_in_process_and_socket_carry_the_same_request(in_process):
    mounted = _ask(in_process, "http://sandbox.test")
    with Served(Echo()) as served, requests.Session() as session:
        over_socket = _ask(session, served.url)
    assert mounted.json() == over_socket.json()
    assert mounted.json().items() >= EXPECTED.items()
    assert mounted.json()["query"] in {"x=%20&y[]=1", "x=%20&y%5B%5D=1"}


def test_a_mounted_response_is_complete(in_process):
    response = _ask(in_process, "http://sandbox.test")
    assert (response.status_code, response.reason) == (402, "Payment Required")
    assert response.headers["x-own"] == "a"
    assert response.elapsed.total_seconds() >= 0
    assert response.request.method == "PATCH"
    response.raw.close()


def test_a_mounted_response_can_be_streamed(in_process):
    response = in_process.get("http://sandbox.test/big", stream=True)
    assert b"".join(response.iter_content(16)).startswith(b'{"method":"GET"')


def test_injected_latency_sees_the_request_first_and_may_break_the_connection():
    def lost(request: Request) -> None:
        raise requests.ConnectionError(request.path)

    session = requests.Session()
    session.mount("http://sandbox.test", InProcessAdapter(Echo(), latency=lost))
    with pytest.raises(requests.ConnectionError, match="/v1/gone"):
        session.get("http://sandbox.test/v1/gone")


def test_connections_are_kept_alive():
    with Served(Echo()) as served:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
        connection.connect()
        used = connection.sock
        for number in range(3):
            connection.request("GET", f"/{number}")
            response = connection.getresponse()
            assert (response.version, orjson.loads(response.read())["path"]) == (11, f"/{number}")
            assert connection.sock is used
        connection.close()


def test_latency_is_slept_side_by_side_not_in_a_queue():
    """Thirty-two sleeping requests must all be inside their sleep at once before any may go on."""
    together = threading.Barrier(32, timeout=60)
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        together.wait()

    with Served(Echo(), latency_ms=50, sleep=sleep) as served, ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda n: requests.get(f"{served.url}/{n}", timeout=60).status_code, range(32)))
    assert answers == [402] * 32
    assert slept == [0.05] * 32


def test_a_closed_server_frees_its_port():
    port = kept_port()
    for _ in range(2):
        with Served(Echo(), port=port) as served:
            assert served.port == port
