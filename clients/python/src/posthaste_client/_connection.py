"""This module opens connections as urllib does, with a bound on time, and without following redirects."""

from __future__ import annotations

import http.client
import io
import socket
import time
import urllib.request
from typing import Any


class NotConnected(OSError):
    """This error says that there was no connection, so the server has not seen the request."""


class _Until(io.RawIOBase):
    """_Until reads from a socket until a deadline. The timeout of a socket alone begins anew with every byte."""

    def __init__(self, sock: socket.socket, raw: Any) -> None:
        self._sock = sock
        self._raw = raw
        self._end = time.monotonic() + (sock.gettimeout() or 0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._end - time.monotonic()
        if left <= 0:
            raise socket.timeout("timed out")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Until(sock, self.fp.detach()))


class _Connection(http.client.HTTPConnection):
    response_class = _Response

    def connect(self) -> None:
        try:
            super().connect()
        except OSError as failure:
            raise NotConnected(str(failure)) from failure


class _SecureConnection(_Connection, http.client.HTTPSConnection):
    pass


class _HTTP(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Connection, req)


class _HTTPS(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_SecureConnection, req)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would make a GET of a POST, and take the API key to another server."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def opener() -> urllib.request.OpenerDirector:
    """Makes urllib's opener, with the proxies of the environment and the TLS that urllib has by default."""
    return urllib.request.build_opener(_HTTP, _HTTPS, _NoRedirects)
