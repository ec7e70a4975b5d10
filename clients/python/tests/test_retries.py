from __future__ import annotations

import email.utils
import os
import socket
import time
from http.server import BaseHTTPRequestHandler
from unittest import mock

from fake import KEY, Answer, Case, answer, hang_up, problem, raw
from posthaste_client import Client, PosthasteError

ACCEPTED = answer(202, {"id": "evt_1", "duplicate": False})
PASSING: dict[str, Answer] = {
    "a dropped connection": hang_up,
    "no HTTP": raw(b"hello\r\n\r\n"),
    "an answer that is cut": raw(b'HTTP/1.1 202 Accepted\r\nContent-Length: 99\r\n\r\n{"id":"evt_1"}'),
    "chunks that are cut": raw(b'HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\ne\r\n{"id":"evt_1"}\r\n'),
    **{f"status {status}": answer(status) for status in (429, 500, 502, 503, 504)},
}


def closed_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}"


class Retries(Case):
    def test_a_failure_that_may_pass_is_tried_again_with_the_same_key(self) -> None:
        for name, failure in PASSING.items():
            with self.subTest(name):
                server = self.serve(failure, failure, ACCEPTED)
                published = self.client(server.url).publish("order.paid", {"id": 42})
                self.assertEqual("evt_1", published["id"])
                keys = [request.json["idempotency_key"] for request in server.requests]
                self.assertEqual(3, len(keys))
                self.assertEqual(1, len(set(keys)))
                self.assertGreaterEqual(len(keys[0]), 32)
                self.assertEqual([0.375, 0.75], self.waits)

    def test_it_ends_after_the_retries(self) -> None:
        for name, failure in PASSING.items():
            with self.subTest(name):
                server = self.serve(failure)
                with self.assertRaises(PosthasteError) as caught:
                    self.client(server.url).publish("order.paid", None)
                self.assertTrue(caught.exception.unavailable)
                self.assertEqual(4, len(server.requests))

    def test_a_key_of_the_caller_is_kept(self) -> None:
        server = self.serve(hang_up, ACCEPTED)
        self.client(server.url).publish("order.paid", 1, idempotency_key="order-42-paid")
        self.assertEqual(["order-42-paid"] * 2, [request.json["idempotency_key"] for request in server.requests])

    def test_two_calls_have_two_keys(self) -> None:
        server = self.serve(ACCEPTED)
        client = self.client(server.url)
        client.publish("order.paid", 1)
        client.publish("order.paid", 1)
        self.assertNotEqual(server.requests[0].json["idempotency_key"], server.requests[1].json["idempotency_key"])

    def test_other_failures_are_final(self) -> None:
        for status in (302, 307, 400, 401, 403, 404, 409, 413, 422, 501):
            with self.subTest(status):
                server = self.serve(answer(status, None, Location="http://127.0.0.1:1/", Retry_After="1"))
                with self.assertRaises(PosthasteError) as caught:
                    self.client(server.url).publish("order.paid", 1)
                self.assertEqual(status, caught.exception.status)
                self.assertEqual(1, len(server.requests))

    def test_what_must_not_happen_twice_is_tried_again_only_if_it_has_not_happened(self) -> None:
        done = answer(201, {"id": "sub_1"})
        for name, first, requests in (
            ("busy", problem(429, "busy"), 2),
            ("unavailable", problem(503, "unavailable"), 1),
            ("a proxy's 503", answer(503), 1),
            ("a failure of the server", problem(500, "internal"), 1),
            ("no answer", hang_up, 1),
        ):
            with self.subTest(name):
                server = self.serve(first, done)
                client = self.client(server.url)
                if requests == 1:
                    with self.assertRaises(PosthasteError) as caught:
                        client.subscriptions.create({"url": "https://x.example", "event_types": ["*"]})
                    self.assertFalse(caught.exception.undone)
                else:
                    client.subscriptions.create({"url": "https://x.example", "event_types": ["*"]})
                self.assertEqual(requests, len(server.requests))

    def test_without_a_connection_nothing_has_happened(self) -> None:
        client = self.client(closed_port())
        with self.assertRaises(PosthasteError) as caught:
            client.subscriptions.create({"url": "https://x.example", "event_types": ["*"]})
        self.assertEqual(3, len(self.waits))
        self.assertTrue(caught.exception.undone)
        self.assertIn("refused", str(caught.exception))

    def test_retries_can_be_off(self) -> None:
        server = self.serve(hang_up)
        with self.assertRaises(PosthasteError):
            self.client(server.url, retries=0).publish("order.paid", 1)
        self.assertEqual(1, len(server.requests))

    def test_waits_double_up_to_ten_seconds(self) -> None:
        server = self.serve(hang_up)
        with self.assertRaises(PosthasteError):
            self.client(server.url, retries=7).publish("order.paid", 1)
        self.assertEqual([0.375, 0.75, 1.5, 3, 6, 7.5, 7.5], self.waits)


class RetryAfter(Case):
    def wait(self, header: str) -> list[float]:
        client = self.client(self.serve(answer(503, None, Retry_After=header), ACCEPTED).url)
        client.publish("order.paid", 1)
        return self.waits

    def test_seconds(self) -> None:
        self.assertEqual([7.0], self.wait("7"))
        self.assertEqual([60.0], self.wait("60"))

    def test_a_date(self) -> None:
        (wait,) = self.wait(email.utils.formatdate(time.time() + 30, usegmt=True))
        self.assertTrue(1 < wait <= 30, wait)

    def test_what_is_no_time_counts_as_absent(self) -> None:
        for text in ("", "soon", "-1", "1.5", "Mon, 01 Jan 1990 00:00:00 GMT", "9" * 40):
            with self.subTest(text):
                self.assertEqual([0.375], self.wait(text))

    def test_a_long_one_ends_the_call(self) -> None:
        server = self.serve(problem(503, "unavailable", Retry_After="61"))
        with self.assertRaises(PosthasteError) as caught:
            self.client(server.url).publish("order.paid", 1)
        self.assertEqual(61.0, caught.exception.retry_after)
        self.assertEqual(1, len(server.requests))


class Bounds(Case):
    def test_an_answer_that_never_ends_is_given_up(self) -> None:
        for name, start in (
            ("in its headers", b"HTTP/1.1 202 Accepted\r\n"),
            ("in its body", b"HTTP/1.1 202 Accepted\r\nContent-Length: 1000000\r\n\r\n"),
        ):
            with self.subTest(name):

                def drip(handler: BaseHTTPRequestHandler, start: bytes = start) -> None:
                    handler.wfile.write(start)
                    handler.close_connection = True
                    while True:
                        try:
                            handler.wfile.write(b"x")
                        except OSError:
                            return  # the client is gone
                        time.sleep(0.01)

                with self.assertRaisesRegex(PosthasteError, "timed out"):
                    self.client(self.serve(drip).url, timeout=0.3, retries=0).publish("order.paid", 1)

    def test_a_long_answer_is_not_read(self) -> None:
        length = (4 << 20) + 1
        head = f"HTTP/1.1 202 Accepted\r\nContent-Length: {length}\r\n\r\n".encode()
        server = self.serve(raw(head + b" " * length))
        with self.assertRaisesRegex(PosthasteError, "longer than"):
            self.client(server.url).publish("order.paid", 1)
        self.assertEqual(1, len(server.requests))

    def test_a_long_problem_is_cut(self) -> None:
        server = self.serve(problem(409, "conflict", "x" * (16 << 10)))
        with self.assertRaises(PosthasteError) as caught:
            self.client(server.url).publish("order.paid", 1)
        self.assertEqual((409, "", "Conflict"), (caught.exception.status, caught.exception.code, caught.exception.detail))


class Ways(Case):
    def test_a_redirect_does_not_get_the_key(self) -> None:
        thief = self.serve(ACCEPTED)
        for status in (301, 302, 303, 307, 308):
            with self.subTest(status):
                server = self.serve(answer(status, None, Location=thief.url + "/v1/events"))
                client = self.client(server.url)
                with self.assertRaises(PosthasteError):
                    client.publish("order.paid", 1)
                with self.assertRaises(PosthasteError):
                    client.deliveries.get("dlv_1")
                self.assertEqual(2, len(server.requests))
        self.assertEqual([], thief.requests)

    def test_the_proxy_of_the_environment_is_used(self) -> None:
        proxy = self.serve(ACCEPTED)
        with mock.patch.dict(os.environ, {"http_proxy": proxy.url, "no_proxy": ""}):
            client = self.client("http://posthaste.invalid/base/")
        client.publish("order.paid", 1)
        self.assertEqual("http://posthaste.invalid/base/v1/events", proxy.requests[0].path)
        self.assertEqual("Bearer " + KEY, proxy.requests[0].headers["authorization"])

    def test_tls_is_verified(self) -> None:
        server = self.serve(ACCEPTED)  # speaks no TLS at all
        with self.assertRaises(PosthasteError) as caught:
            self.client(server.url.replace("http:", "https:")).publish("order.paid", 1)
        self.assertTrue(caught.exception.undone)
        self.assertEqual([], server.requests)


class Settings(Case):
    def test_bad_settings_are_refused_and_not_repeated(self) -> None:
        for settings in (
            {"base_url": ""},
            {"base_url": "posthaste.example"},
            {"base_url": "ftp://posthaste.example"},
            {"base_url": "https://user:hunter2@posthaste.example"},
            {"base_url": "https://posthaste.example?hunter2"},
            {"base_url": "https://posthaste.example/#hunter2"},
            {"base_url": "https://posthaste.example/ hunter2"},
            {"api_key": "hunter2\n"},
            {"timeout": 0},
            {"timeout": float("nan")},
            {"retries": -1},
            {"actor": "a\nb"},
            {"actor": "é" * 101},
        ):
            with self.subTest(settings):
                with self.assertRaises(ValueError) as caught:
                    Client(**{"base_url": "https://posthaste.example", **settings})  # type: ignore[arg-type]
                self.assertNotIn("hunter2", str(caught.exception))
