"""This module verifies webhooks, as docs/wire-format.md of the repository describes them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Optional, Protocol, Union

# These bounds limit the work that the headers of a stranger can cause. They leave room for every live secret.
_MAX_ENTRIES = 32
_MAX_ENTRY = 128
_MAX_ID = 256


class _Items(Protocol):
    def items(self) -> Iterable[tuple[str, str]]: ...


Headers = Union[_Items, Sequence[tuple[str, str]]]


class VerificationError(Exception):
    """This exception says why a webhook is refused: for your log. The sender gets 401."""


@dataclass(frozen=True)
class Message:
    """Message is a webhook whose signature was right.

    id         names the event, and may come again: handle it once. Only the profile standard signs it; with another
               profile it is the header's value, "" without one, and somebody who repeats a request may have changed it
    timestamp  Unix seconds of this attempt; 0 if the profile does not sign the time
    body       the bytes that were signed
    """

    id: str
    timestamp: int
    body: bytes


@dataclass(frozen=True)
class _Profile:
    header: str
    label: str  # before each signature
    between: str  # separates signatures; "": there is one only
    signed: str  # the text that is signed before the body
    encode: Callable[[bytes], str]
    key: Callable[[str], bytes]
    time: str = ""  # before the time, if that is in the same header


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def _shared(secret: str) -> bytes:
    encoded = secret[len("whsec_") :] if secret.startswith("whsec_") else secret
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except ValueError:
        key = b""
    if not 24 <= len(key) <= 64 or _base64(key).rstrip("=") != encoded.rstrip("="):
        raise ValueError("a secret for the profile standard is whsec_ and 24 to 64 bytes in standard base64")
    return key


def _verbatim(secret: str) -> bytes:
    if not re.fullmatch(r"[!-~][ -~]{14,254}[!-~]", secret) or secret.startswith(("whsk_", "whpk_")):
        raise ValueError("a secret has 16 to 256 printable ASCII characters, and does not begin with whsk_ or whpk_")
    return secret.encode()


def _upper(digest: bytes) -> str:
    return digest.hex().upper()


_PROFILES = {
    "standard": _Profile("webhook-signature", "v1,", " ", "{id}.{time}.", _base64, _shared),
    "github": _Profile("x-hub-signature-256", "sha256=", "", "", bytes.hex, _verbatim),
    "stripe": _Profile("stripe-signature", "v1=", ",", "{time}.", bytes.hex, _verbatim, time="t="),
    "aspnet": _Profile("ms-signature", "sha256=", "", "", _upper, _verbatim),
    "servicestack": _Profile("x-hub-signature", "sha1=", "", "", bytes.hex, _verbatim),
}


def verify(
    headers: Headers,
    body: bytes,
    secrets: Union[str, Sequence[str]],
    tolerance: float = 300,
    *,
    profile: str = "standard",
    now: Optional[float] = None,
) -> Message:
    """Returns the message if one of the secrets has signed it, and raises VerificationError otherwise.

    headers    names in any letter case: anything with items(), such as request.headers of most frameworks, or pairs
    body       the bytes as received: a body that was parsed and written again does not fit its signature
    secrets    one secret; while it is replaced, the new and the old one
    tolerance  the seconds that the signed time may differ from now, in both directions; above 0
    profile    the signature of the subscription: standard, github, stripe, aspnet or servicestack
    now        Unix seconds, for tests; default: the clock

    The standard library of Python has no Ed25519, so there is no profile standard-ed25519: README.md shows how to
    verify it with the package cryptography. A secret that cannot be used, another profile, or a tolerance that is not
    positive is a ValueError, which never repeats a secret.
    """
    rule = _rule(profile)
    keys = _keys(rule, secrets)
    if not tolerance > 0:
        raise ValueError("the tolerance must be positive")
    found = _names(headers)
    entries = _entries(rule, found)
    sent_id = _id(rule, found)
    sent_at = _time(rule, found, entries)
    if sent_at:
        _check_fresh(int(sent_at), time.time() if now is None else now, tolerance)
    parts = {"{id}": sent_id, "{time}": sent_at}  # in one pass: an id may hold the text {time}
    head = re.sub(r"\{\w+\}", lambda part: parts[part.group()], rule.signed).encode()
    if not any(_matches(rule, key, head, body, entries) for key in keys):
        raise VerificationError("no signature fits: another secret, or the body was changed on the way")
    return Message(sent_id, int(sent_at or "0"), body)


def _rule(profile: str) -> _Profile:
    if profile == "standard-ed25519":
        raise ValueError("the standard library of Python has no Ed25519; README.md shows how to verify with cryptography")
    if profile not in _PROFILES:
        raise ValueError(f"{profile!r} is no profile")
    return _PROFILES[profile]


def _keys(rule: _Profile, secrets: Union[str, Sequence[str]]) -> list[bytes]:
    texts = [secrets] if isinstance(secrets, str) else secrets
    if not texts:
        raise ValueError("there is no secret")
    return [rule.key(text) for text in texts]


def _names(headers: Headers) -> dict[str, list[str]]:
    """Collects the values of each header under its name in lower case."""
    found: dict[str, list[str]] = {}
    pairs = headers if isinstance(headers, Sequence) else headers.items()
    for name, value in pairs:
        found.setdefault(name.lower(), []).append(value)
    return found


def _entries(rule: _Profile, headers: Mapping[str, list[str]]) -> list[str]:
    lines = headers.get(rule.header, [])
    if not "".join(lines):
        raise VerificationError(f"the header {rule.header} is missing")
    entries: list[str] = []
    for line in lines:
        entries += line.split(rule.between, _MAX_ENTRIES) if rule.between else [line]
    return entries[:_MAX_ENTRIES]


def _id(rule: _Profile, headers: Mapping[str, list[str]]) -> str:
    values = headers.get("webhook-id", [])
    if len(values) > 1:
        raise VerificationError("webhook-id is there more than once")
    found = values[0] if values else ""
    if not found and "{id}" in rule.signed:
        raise VerificationError("the header webhook-id is missing")
    if "." in found or len(found) > _MAX_ID or not found.isascii():  # a full stop would leave open where the id ends
        raise VerificationError("webhook-id has a full stop, is too long, or is not ASCII")
    return found


def _time(rule: _Profile, headers: Mapping[str, list[str]], entries: Sequence[str]) -> str:
    """Returns the signed time as it was sent; "" if the profile signs none."""
    if "{time}" not in rule.signed:
        return ""
    values = headers.get("webhook-timestamp", [])
    if rule.time:
        values = [entry[len(rule.time) :] for entry in entries if entry.startswith(rule.time)]
    if len(values) != 1 or not re.fullmatch(r"0|-?[1-9][0-9]{0,11}", values[0]) or len(values[0]) > 12:
        raise VerificationError("the timestamp is missing, is there twice, or is not Unix seconds")
    return values[0]


def _check_fresh(at: int, now: float, tolerance: float) -> None:
    if not abs(now - at) <= tolerance:  # also where now is no number
        raise VerificationError(f"stale: the timestamp is {now - at:.0f} s behind this clock; {tolerance} s are allowed")


def _matches(rule: _Profile, key: bytes, head: bytes, body: bytes, entries: Sequence[str]) -> bool:
    mac = hmac.new(key, head, hashlib.sha256)
    mac.update(body)
    want = (rule.label + rule.encode(mac.digest())).encode()
    # Every entry is compared, and each in constant time.
    return any([hmac.compare_digest(want, entry[:_MAX_ENTRY].encode("utf-8", "replace")) for entry in entries])
