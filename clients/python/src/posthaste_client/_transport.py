"""This module makes the calls: it retries them, bounds what it reads, and turns refusals into errors."""

from __future__ import annotations

import email.utils
import http.client
import json
import random
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from email.message import Message
from typing import Any, Optional, cast

from ._connection import NotConnected, opener
from .errors import PosthasteError

# An answer is read up to these numbers of bytes. A page of attempts holds every body that was sent.
MAX_ANSWER = 4 << 20
MAX_LOOKUP = 64 << 20
MAX_PROBLEM = 16 << 10

_FIRST_WAIT = 0.5  # seconds; doubled for every further try
_LONG_WAIT = 10.0  # where doubling ends
_MAX_RETRY_AFTER = 60.0  # beyond it the call fails: a thread that sleeps for an hour looks like one that hangs
_PASSING = frozenset({0, 429, 500, 502, 503, 504})
_STATUS_OF_CODE = {
    "invalid": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "cross_origin": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "too_large": 413,
    "unsupported_media_type": 415,
    "misdirected_request": 421,
    "busy": 429,
    "internal": 500,
    "unavailable": 503,
}


class Transport:
    """Transport calls one server. Any number of threads may use it."""

    def __init__(self, base_url: str, api_key: str, timeout: float, retries: int, actor: str) -> None:
        self.base = _base(base_url)
        if not re.fullmatch(r"[!-~]*", api_key):
            raise ValueError("the API key has a space, a line break or another character that no key has")
        if not timeout > 0:
            raise ValueError("the timeout must be a positive number of seconds")
        if retries < 0:
            raise ValueError("retries must not be negative")
        if len(actor.encode()) > 200 or not actor.isprintable():
            raise ValueError("the actor is longer than 200 bytes or has a character that cannot be printed")
        self._key: Callable[[], str] = lambda: api_key  # a function, because tools print attributes but call nothing
        self._timeout = timeout
        self._retries = retries
        self._actor = actor
        self._opener = opener()
        self.sleep: Callable[[float], None] = time.sleep
        self.random: Callable[[], float] = random.random

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Optional[Mapping[str, str]] = None,
        body: Optional[Mapping[str, Any]] = None,
        once: bool = False,
    ) -> Any:
        """Makes a call and returns the JSON of its answer; None if there is none.

        once marks a call that must not arrive twice: it is retried only if the server cannot have acted on it.
        """
        url = f"{self.base}/{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
        text = None if body is None else encode(body)
        attempt = 1
        while True:
            try:
                return self._attempt(method, url, text)
            except PosthasteError as error:
                if attempt > self._retries or not _again(error, once):
                    raise
                self.sleep(max(self._backoff(attempt), error.retry_after))
            attempt += 1

    def resource(self, method: str, path: str, *, body: Optional[Mapping[str, Any]] = None, once: bool = False) -> Any:
        """Makes a call whose answer is an object with an id."""
        answer = fields_of(self.call(method, path, body=body, once=once))
        if not answer.get("id"):
            raise unreadable("it has no id")
        return answer

    def pages(self, path: str, query: Mapping[str, str]) -> Iterator[Any]:
        """Walks through all pages of a list. It fetches a page when the caller gets there."""
        query = dict(query)
        while True:
            answer = fields_of(self.call("GET", path, query=query))
            if not isinstance(answer.get("data"), list):
                raise unreadable("it is no list")
            yield from answer["data"]
            if not answer.get("next_cursor"):
                return
            query["cursor"] = answer["next_cursor"]

    def error_of(self, document: Any, *, status: int = 0, **more: Any) -> PosthasteError:
        """Makes an error of a problem document. An item of a batch has no other status than the document's."""
        problem = fields_of(document)
        code = self._redact(problem.get("code"))
        status = status or _number(problem.get("status")) or _STATUS_OF_CODE.get(code, 0)
        detail = self._redact(problem.get("detail") or problem.get("title")) or http.client.responses.get(status, "")
        undone = status == 429 and code == "busy"  # after unavailable it may have acted
        field = self._redact(problem.get("field"))
        return PosthasteError(detail, status=status, code=code, field=field, undone=undone, **more)

    def _attempt(self, method: str, url: str, text: Optional[bytes]) -> Any:
        request = urllib.request.Request(url, data=text, method=method, headers=self._headers(text))
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                return self._decode(_read(response, MAX_LOOKUP if method == "GET" else MAX_ANSWER))
        except urllib.error.HTTPError as refusal:
            error = self._refusal(refusal)
        except (OSError, http.client.HTTPException) as failure:
            reason = getattr(failure, "reason", failure)
            detail = self._redact(str(reason) or type(reason).__name__)
            error = PosthasteError(detail, undone=isinstance(reason, NotConnected))
        raise error  # here, so that it has no context: a server may have repeated the key in that

    def _headers(self, text: Optional[bytes]) -> dict[str, str]:
        headers = {"Accept": "application/json, application/problem+json", "User-Agent": "posthaste-python"}
        if text is not None:
            headers["Content-Type"] = "application/json"
        if self._actor:
            headers["Posthaste-Actor"] = self._actor.encode().decode("latin-1")  # http.client writes Latin-1
        if self._key():
            headers["Authorization"] = "Bearer " + self._key()
        return headers

    def _decode(self, text: bytes) -> Any:
        if not text:
            return None
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            pass
        raise unreadable("it is not JSON")

    def _refusal(self, refusal: urllib.error.HTTPError) -> PosthasteError:
        with refusal:
            try:
                document = json.loads(refusal.read(MAX_PROBLEM))
            except (OSError, http.client.HTTPException, ValueError, RecursionError):
                document = None  # the explanation is poorer, and the status says enough
        return self.error_of(
            document,
            status=refusal.code,
            request_id=self._request_id(refusal.headers),
            retry_after=_seconds(refusal.headers.get("Retry-After", "")),
        )

    def _request_id(self, headers: Message) -> str:
        """Returns the id that the server gave the request; "" for a text that does not belong into a message."""
        found = headers.get("X-Request-Id", "")
        return self._redact(found) if re.fullmatch(r"[!-~]{1,128}", found) else ""

    def _redact(self, text: Any) -> str:
        """Removes the API key from text that comes from elsewhere: a server or proxy may repeat the request."""
        text = text if isinstance(text, str) else ""
        return text.replace(self._key(), "[redacted]") if self._key() else text

    def _backoff(self, attempt: int) -> float:
        """Returns 0.5 s, 1 s, 2 s … up to 10 s, of which the second half is random: publishers that fail together
        must not retry together."""
        wait = min(_FIRST_WAIT * 2 ** min(attempt - 1, 16), _LONG_WAIT)
        return wait / 2 * (1 + self.random())


def encode(value: Mapping[str, Any]) -> bytes:
    """Writes JSON. It raises ValueError or TypeError for a value that has no JSON."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def fields_of(value: Any) -> dict[str, Any]:
    """Returns a JSON object, or for any other value an object without fields."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def unreadable(why: str) -> PosthasteError:
    """Makes the error of a success that cannot be read. Often the base URL names something else than Posthaste."""
    return PosthasteError(f"unreadable answer: {why}", status=200)


def _base(text: str) -> str:
    """Checks the base URL. No error repeats it, because it may have a password."""
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError("the base URL is empty or has a character that must be percent-encoded")
    parts = urllib.parse.urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the base URL must be http:// or https:// and a host")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("the base URL must not have a user, query or fragment")
    return text.rstrip("/")


def _again(error: PosthasteError, once: bool) -> bool:
    return error.status in _PASSING and (error.undone or not once) and error.retry_after <= _MAX_RETRY_AFTER


def _read(response: http.client.HTTPResponse, limit: int) -> bytes:
    text = response.read(limit + 1)
    if len(text) > limit:
        raise unreadable(f"it is longer than {limit} bytes")
    if response.length:  # cut on the way, which read(n) does not report
        raise http.client.IncompleteRead(text, response.length)
    return text


def _seconds(text: str) -> float:
    """Reads Retry-After: seconds or an HTTP date. Any other text, or a date in the past, counts as absent."""
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        at = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return 0.0
    return max(0.0, at.timestamp() - time.time())


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
