"""A proxy in front of an S3 store that breaks what it is told to break.

    python s3_faults.py STORE_URL      prints its port

`PUT /_faults` with JSON `[{"method": …, "contains": …, "does": …, "times": n}]` sets what is to fail; `GET /_faults`
tells how often each did. A fault is `slow_down` or `refuse` (503), `reset` (the connection ends before the store has
the request), `lose_answer` (it ends after the store has done as asked) or `hang` (nobody answers for `seconds`).
"""

import http.client
import json
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please slow down</Message></Error>"
_KEPT_BACK = {"connection", "keep-alive", "transfer-encoding"}


class Faults:
    """The proxy, as tests talk to it."""

    def __init__(self, variables: dict[str, str]) -> None:
        self.variables = variables
        self._url = variables["AWS_ENDPOINT_URL"] + "/_faults"

    def set(self, *faults: dict[str, Any]) -> None:
        """Break these from now on, and nothing else."""
        urlopen(Request(self._url, json.dumps(faults).encode(), method="PUT")).close()

    def happened(self) -> list[int]:
        """Tell how often each fault has happened."""
        with urlopen(self._url) as answer:
            return [int(fault["happened"]) for fault in json.load(answer)]


@contextmanager
def faulty(variables: dict[str, str]) -> Iterator[Faults]:
    """Run a proxy before the store of these `AWS_*` variables."""
    command = [sys.executable, __file__, variables["AWS_ENDPOINT_URL"]]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield Faults({**variables, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"})
    finally:
        process.kill()
        process.communicate()


class _Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store = ""
    faults: list[dict[str, Any]] = []  # noqa: RUF012 (shared on purpose)
    lock = threading.Lock()

    def handle_one_request(self) -> None:
        self.path = ""
        super().handle_one_request()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/_faults":
            self._administer(body)
            return
        does = self._fault()
        if does.get("does") in ("slow_down", "refuse"):
            self._answer(503, {"Content-Type": "application/xml"}, SLOW_DOWN)
            return
        if does.get("does") == "hang":
            time.sleep(float(does["seconds"]))
        if does.get("does") in ("reset", "hang"):
            self._reset()
            return
        upstream = http.client.HTTPConnection(_Proxy.store, timeout=60)
        upstream.request(self.command, self.path, body, dict(self.headers))
        answer = upstream.getresponse()
        content = answer.read()
        upstream.close()
        if does.get("does") == "lose_answer":
            self._reset()
            return
        headers = {name: value for name, value in answer.getheaders() if name.lower() not in _KEPT_BACK}
        self._answer(answer.status, headers, content)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _serve

    def _fault(self) -> dict[str, Any]:
        with _Proxy.lock:
            for fault in _Proxy.faults:
                wanted = fault["method"] == self.command and fault["contains"] in self.path
                if wanted and fault["happened"] < fault.get("times", 1_000_000):
                    fault["happened"] += 1
                    return fault
        return {}

    def _administer(self, body: bytes) -> None:
        with _Proxy.lock:
            if self.command == "PUT":
                _Proxy.faults = [{**fault, "happened": 0} for fault in json.loads(body)]
            told = json.dumps(_Proxy.faults).encode()
        self._answer(200, {}, told)

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() != "content-length" or self.command == "HEAD":
                self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_: Any) -> None:
        pass


if __name__ == "__main__":
    _Proxy.store = urlsplit(sys.argv[1]).netloc
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Proxy)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()
