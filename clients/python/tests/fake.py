"""A server for the tests, which answers as it is told and remembers what it was asked."""

from __future__ import annotations

import json
import threading
import unittest
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from posthaste_client import Client


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = Callable[[BaseHTTPRequestHandler], None]


def answer(status: int, document: Any = None, **headers: str) -> Answer:
    """Answers with a document; _ in the names of headers stands for -."""

    def write(handler: BaseHTTPRequestHandler) -> None:
        text = b"" if document is None else json.dumps(document).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(text)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(text)

    return write


def problem(status: int, code: str, detail: str = "", **headers: str) -> Answer:
    return answer(status, {"type": "about:blank", "title": "T", "status": status, "code": code, "detail": detail}, **headers)


def raw(text: bytes) -> Answer:
    """Answers with these bytes and closes the connection."""

    def write(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(text)
        handler.close_connection = True

    return write


hang_up = raw(b"")


class Server:
    """Server gives its answers in turn, and the last one for ever."""

    def __init__(self, *answers: Answer) -> None:
        self.requests: list[Request] = []
        left, lock, requests = list(answers), threading.Lock(), self.requests

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                names = {name.lower(): value for name, value in self.headers.items()}
                with lock:
                    requests.append(Request(self.command, self.path, names, body))
                    say = left.pop(0) if len(left) > 1 else left[0]
                say(self)

            do_GET = do_POST = do_PATCH = do_DELETE = serve

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


KEY = "key-that-nobody-may-see"


class Case(unittest.TestCase):
    """Case has a client that does not sleep, but remembers for how long it should have."""

    def serve(self, *answers: Answer) -> Server:
        server = Server(*answers)
        self.addCleanup(server.close)
        return server

    def client(self, url: str, **settings: Any) -> Client:
        client = Client(url, KEY, **settings)
        self.waits: list[float] = []
        client._transport.sleep = self.waits.append  # pyright: ignore[reportPrivateUsage]
        client._transport.random = lambda: 0.5  # pyright: ignore[reportPrivateUsage]
        return client
