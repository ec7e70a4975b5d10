from __future__ import annotations

import base64
import json
import pathlib
import time
import unittest
from email.message import Message as EmailMessage
from typing import Any

from posthaste_client import Message, VerificationError, verify

VECTORS = pathlib.Path(__file__, "../../../testdata/webhooks.json").resolve()

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
BODY = b'{"type":"order.paid","timestamp":"2024-11-22T00:00:00.000Z","data":{"id":42}}'
HEADERS = {
    "Webhook-Id": "evt_01jd2m7x3v9k5h8q4w6r0t1ynb",
    "Webhook-Timestamp": "1732233600",
    "Webhook-Signature": "v1,5tqAGAwesGuOU8IjE9iavmnHn723QJ5nIqDY7fjlivM=",
}


def ask(vector: dict[str, Any]) -> tuple[str, Message]:
    body = base64.b64decode(vector["body"])
    headers = [(name, value) for name, value in vector["headers"]]
    try:
        message = verify(headers, body, vector["secrets"], profile=vector["profile"], now=vector["now"])
    except VerificationError:
        return "refused", Message("", 0, b"")
    except ValueError:
        return "bad secret", Message("", 0, b"")
    return "accepted", message


class Vectors(unittest.TestCase):
    """The Go package webhook made the vectors and their verdicts."""

    def test_the_verdicts_are_those_of_the_go_package(self) -> None:
        seen: set[str] = set()
        for vector in json.loads(VECTORS.read_text()):
            if vector["profile"] == "standard-ed25519":
                continue  # see test_ed25519_is_refused_with_a_hint
            with self.subTest(profile=vector["profile"], name=vector["name"]):
                verdict, message = ask(vector)
                self.assertEqual(vector["verdict"], verdict)
                if verdict == "accepted":
                    self.assertEqual((vector.get("id", ""), vector.get("timestamp", 0)), (message.id, message.timestamp))
                    self.assertEqual(base64.b64decode(vector["body"]), message.body)
            seen.add(vector["profile"])
        self.assertEqual({"standard", "github", "stripe", "aspnet", "servicestack"}, seen)


class Verify(unittest.TestCase):
    def test_headers_may_be_of_several_types(self) -> None:
        parsed = EmailMessage()  # as http.server has them
        for name, value in HEADERS.items():
            parsed[name] = value
        for headers in (HEADERS, list(HEADERS.items()), parsed):
            self.assertEqual(HEADERS["Webhook-Id"], verify(headers, BODY, SECRET, now=1732233600).id)

    def test_the_clock_is_now(self) -> None:
        with self.assertRaisesRegex(VerificationError, "stale"):
            verify(HEADERS, BODY, SECRET)
        self.assertEqual(1732233600, verify(HEADERS, BODY, SECRET, time.time()).timestamp)

    def test_ed25519_is_refused_with_a_hint(self) -> None:
        with self.assertRaisesRegex(ValueError, "cryptography"):
            verify(HEADERS, BODY, "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=", profile="standard-ed25519")

    def test_bad_arguments_are_refused_and_no_secret_is_repeated(self) -> None:
        for arguments in (
            {"profile": "none"},
            {"tolerance": 0},
            {"tolerance": float("nan")},
            {"secrets": "hunter2"},
            {"secrets": [SECRET, "hunter2"]},
            {"secrets": "hunter2", "profile": "github"},
        ):
            with self.subTest(arguments), self.assertRaises(ValueError) as caught:
                verify(**{"headers": HEADERS, "body": BODY, "secrets": SECRET, "now": 1732233600, **arguments})  # type: ignore[arg-type]
            self.assertNotIn("hunter2", str(caught.exception))

    def test_a_text_is_no_body(self) -> None:
        with self.assertRaises(TypeError):
            verify(HEADERS, BODY.decode(), SECRET, now=1732233600)  # type: ignore[arg-type]

    def test_odd_headers_are_refused(self) -> None:
        for name, value in (
            ("Webhook-Id", "é" * 10),
            ("Webhook-Id", "x" * 257),
            ("Webhook-Id", "\ud800"),
            ("Webhook-Timestamp", "١٧٣٢٢٣٣٦٠٠"),
            ("Webhook-Timestamp", "1732233600\n"),
            ("Webhook-Signature", "\ud800"),
            ("Webhook-Signature", "v1," * 1000),
            ("Webhook-Signature", "x " * 40 + HEADERS["Webhook-Signature"]),
        ):
            with self.subTest(name=name, value=value), self.assertRaises(VerificationError):
                verify({**HEADERS, name: value}, BODY, SECRET, now=1732233600)
