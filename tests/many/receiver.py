"""Where messages about incidents are posted to."""

from __future__ import annotations

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    def __init__(self, server, got):
        self.url = f"http://127.0.0.1:{server.server_port}/alerts"
        self.got = got

    def changes(self, code):
        """What was told of incidents of this code, in its order."""
        return [message["change"] for message in self.got if message["code"] == code]


@contextlib.contextmanager
def receiving():
    got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            yield Receiver(server, got)
        finally:
            server.shutdown()
            serving.join()
