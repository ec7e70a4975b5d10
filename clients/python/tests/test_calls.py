from __future__ import annotations

import datetime
import pprint
import traceback
from collections.abc import Callable
from typing import Any

from fake import KEY, Answer, Case, answer, problem, raw
from posthaste_client import Client, PosthasteError

THING = answer(200, {"id": "x_1", "secret": "whsec_1", "data": [{"id": "x_1"}]})
NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.timezone.utc)

# Every call with what it sends.
CALLS: dict[str, tuple[Callable[[Client], Any], str, str, Any]] = {
    "create": (
        lambda c: c.subscriptions.create({"url": "https://x.example", "event_types": ["*"], "timeout": "10s"}),
        "POST",
        "/v1/subscriptions",
        {"url": "https://x.example", "event_types": ["*"], "timeout": "10s"},
    ),
    "get": (lambda c: c.subscriptions.get("sub_1"), "GET", "/v1/subscriptions/sub_1", None),
    "list": (
        lambda c: list(c.subscriptions.list(tenant="acme", status="active", page_size=7)),
        "GET",
        "/v1/subscriptions?tenant=acme&status=active&limit=7",
        None,
    ),
    "list all": (lambda c: list(c.subscriptions.list()), "GET", "/v1/subscriptions", None),
    "update": (
        lambda c: c.subscriptions.update("sub_1", {"name": "", "headers": None}),
        "PATCH",
        "/v1/subscriptions/sub_1",
        {"name": "", "headers": None},
    ),
    "delete": (lambda c: c.subscriptions.delete("sub_1"), "DELETE", "/v1/subscriptions/sub_1", None),
    "pause": (
        lambda c: c.subscriptions.pause("sub_1", reason="why"),
        "POST",
        "/v1/subscriptions/sub_1/pause",
        {"reason": "why"},
    ),
    "pause without a reason": (lambda c: c.subscriptions.pause("sub_1"), "POST", "/v1/subscriptions/sub_1/pause", {}),
    "resume": (
        lambda c: c.subscriptions.resume("sub_1", rate=7, reason="why"),
        "POST",
        "/v1/subscriptions/sub_1/resume",
        {"rate": 7, "reason": "why"},
    ),
    "rotate": (
        lambda c: c.subscriptions.rotate_secret("sub_1", grace="1h", sign_with="new"),
        "POST",
        "/v1/subscriptions/sub_1/rotate-secret",
        {"grace": "1h", "sign_with": "new"},
    ),
    "deliveries": (
        lambda c: list(c.deliveries.list(event_type="order.paid", status="pending", since=NOON, until="2026-11-23T00:00:00Z")),
        "GET",
        "/v1/deliveries?event_type=order.paid&status=pending"
        "&since=2026-11-22T12%3A00%3A00%2B00%3A00&until=2026-11-23T00%3A00%3A00Z",
        None,
    ),
    "delivery": (lambda c: c.deliveries.get("dlv_1"), "GET", "/v1/deliveries/dlv_1", None),
    "attempts": (lambda c: list(c.deliveries.attempts("dlv_1")), "GET", "/v1/deliveries/dlv_1/attempts", None),
    "redeliver": (
        lambda c: c.deliveries.redeliver("dlv_1", reason="why"),
        "POST",
        "/v1/deliveries/dlv_1/redeliver",
        {"reason": "why"},
    ),
    "cancel": (lambda c: c.deliveries.cancel("dlv_1"), "POST", "/v1/deliveries/dlv_1/cancel", {}),
}


class Calls(Case):
    def test_each_call_sends_what_the_api_takes(self) -> None:
        for name, (call, method, path, body) in CALLS.items():
            with self.subTest(name):
                server = self.serve(THING)
                call(self.client(server.url + "/base", actor="Jo Lindqvist é"))
                (request,) = server.requests
                self.assertEqual((method, "/base" + path), (request.method, request.path))
                self.assertEqual("Bearer " + KEY, request.headers["authorization"])
                self.assertEqual("Jo Lindqvist é", request.headers["posthaste-actor"].encode("latin-1").decode())
                if body is None:
                    self.assertEqual(b"", request.body)
                else:
                    self.assertEqual(body, request.json)
                    self.assertEqual("application/json", request.headers["content-type"])

    def test_without_a_key_none_is_sent(self) -> None:
        server = self.serve(THING)
        Client(server.url).deliveries.get("dlv_1")
        self.assertNotIn("authorization", server.requests[0].headers)

    def test_a_text_that_is_no_id_makes_no_call(self) -> None:
        server = self.serve(THING)
        client = self.client(server.url)
        for id in ("", "..", "a/b", "a?b", "a b", "ä"):
            with self.subTest(id), self.assertRaises(ValueError):
                client.subscriptions.delete(id)
        self.assertEqual([], server.requests)

    def test_a_time_without_a_zone_is_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "time zone"):
            self.client("http://127.0.0.1").deliveries.list(since=datetime.datetime(2026, 11, 22))

    def test_a_deletion_has_no_answer(self) -> None:
        self.client(self.serve(answer(204)).url).subscriptions.delete("sub_1")

    def test_an_answer_that_is_not_the_things_is_an_error(self) -> None:
        documents: tuple[Any, ...] = (None, [], {}, {"id": ""}, "text")
        for document in documents:
            for name in ("create", "get", "list", "rotate", "deliveries", "redeliver"):
                with self.subTest(name=name, document=document), self.assertRaisesRegex(PosthasteError, "unreadable"):
                    CALLS[name][0](self.client(self.serve(answer(200, document)).url))


class Pages(Case):
    def test_pages_are_fetched_as_the_iterator_gets_there(self) -> None:
        server = self.serve(
            answer(200, {"data": [{"id": "dlv_3"}, {"id": "dlv_2"}], "next_cursor": "a+b"}),
            answer(200, {"data": [{"id": "dlv_1"}]}),
        )
        found = self.client(server.url).deliveries.list(status="pending")
        self.assertEqual([], server.requests)
        self.assertEqual("dlv_3", next(found)["id"])
        self.assertEqual("dlv_2", next(found)["id"])
        self.assertEqual(1, len(server.requests))
        self.assertEqual(["dlv_1"], [each["id"] for each in found])
        self.assertEqual("/v1/deliveries?status=pending&cursor=a%2Bb", server.requests[1].path)


class Publish(Case):
    def test_what_is_sent(self) -> None:
        server = self.serve(answer(202, {"id": "evt_1"}))
        self.client(server.url).publish("order.paid", {"a": "é<&"}, tenant="acme", metadata={"k": "v"}, idempotency_key="k")
        expected = {"type": "order.paid", "data": {"a": "é<&"}, "tenant": "acme", "metadata": {"k": "v"}, "idempotency_key": "k"}
        self.assertEqual(expected, server.requests[0].json)
        self.assertIn('{"a":"é<&"}'.encode(), server.requests[0].body)

    def test_data_that_has_no_json_makes_no_call(self) -> None:
        server = self.serve(answer(202, {"id": "evt_1"}))
        for data in (object(), float("nan"), b"bytes", {1j: 1}):
            with self.subTest(data), self.assertRaises((TypeError, ValueError)):
                self.client(server.url).publish("order.paid", data)
        self.assertEqual([], server.requests)


class Batch(Case):
    def test_each_event_has_a_result(self) -> None:
        refused = {"code": "invalid", "detail": "type is bad", "field": "type"}
        server = self.serve(
            answer(503), answer(202, {"results": [{"id": "evt_1", "duplicate": True}, {"id": "evt_2"}, {"error": refused}]})
        )
        events: list[Any] = [{"type": "a", "data": 1, "idempotency_key": "k"}, {"type": "b", "data": 2}, {"type": "?", "data": 3}]
        first, second, third = self.client(server.url).publish_batch(events)
        self.assertEqual(("evt_1", True, None), (first.id, first.duplicate, first.error))
        self.assertEqual(("evt_2", False, None), (second.id, second.duplicate, second.error))
        assert third.error
        self.assertEqual((400, "invalid", "type"), (third.error.status, third.error.code, third.error.field))
        self.assertEqual(server.requests[0].body, server.requests[1].body)
        sent = server.requests[0].json["events"]
        self.assertEqual("k", sent[0]["idempotency_key"])
        self.assertTrue(sent[1]["idempotency_key"])
        self.assertNotIn("idempotency_key", events[1])

    def test_no_events_are_no_call(self) -> None:
        self.assertEqual([], self.client("http://127.0.0.1:1").publish_batch([]))

    def test_too_many_events_are_no_call(self) -> None:
        with self.assertRaisesRegex(ValueError, "1001"):
            self.client("http://127.0.0.1:1").publish_batch([{"type": "a", "data": 1} for _ in range(1001)])

    def test_results_that_are_not_the_events(self) -> None:
        lists: tuple[Any, ...] = (None, [], [{}], [1], [{"id": "a"}, {"id": "b"}])
        for document in ({"results": each} for each in lists):
            with self.subTest(document), self.assertRaisesRegex(PosthasteError, "unreadable"):
                self.client(self.serve(answer(202, document)).url).publish_batch([{"type": "a", "data": 1}])


class Errors(Case):
    def error(self, reply: Answer) -> PosthasteError:
        with self.assertRaises(PosthasteError) as caught:
            self.client(self.serve(reply).url, retries=0).publish("order.paid", 1)
        return caught.exception

    def test_a_problem_is_told(self) -> None:
        document = {"type": "about:blank", "title": "Conflict", "status": 409, "code": "conflict", "detail": "taken", "field": "f"}
        error = self.error(answer(409, document, X_Request_Id="r-1"))
        self.assertEqual((409, "conflict", "taken", "f"), (error.status, error.code, error.detail, error.field))
        self.assertEqual("status 409 conflict: taken (field f) [request r-1]", str(error))
        self.assertFalse(error.unavailable)

    def test_another_document_leaves_the_status(self) -> None:
        documents: tuple[Any, ...] = (None, [], "text", {"code": 1, "detail": {}, "status": "x", "field": []})
        for document in documents:
            with self.subTest(document):
                error = self.error(answer(502, document, X_Request_Id="x" * 129))
                self.assertEqual((502, "", "Bad Gateway", ""), (error.status, error.code, error.detail, error.request_id))

    def test_the_key_is_nowhere(self) -> None:
        for reply in (problem(400, KEY, KEY, X_Request_Id=KEY), raw(f"HTTP {KEY}\r\n\r\n".encode())):
            error = self.error(reply)
            self.assertNotIn(KEY, "".join(traceback.format_exception(type(error), error, error.__traceback__)))
            self.assertIsNone(error.__context__)
        client = self.client("http://127.0.0.1")
        transport = client._transport  # pyright: ignore[reportPrivateUsage]
        self.assertNotIn(KEY, repr(client) + pprint.pformat(vars(client)) + pprint.pformat(vars(transport)))

