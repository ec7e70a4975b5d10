"""These tests call a running Posthaste: POSTHASTE_URL and POSTHASTE_API_KEY name it. `make interop` starts one."""

from __future__ import annotations

import os
import pathlib
import queue
import re
import threading
import time
import unittest
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.message import Message as Headers
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import posthaste_client as posthaste

LIMIT = 60  # seconds
README = pathlib.Path(__file__, "../../README.md").resolve()


@dataclass
class Hook:
    headers: Headers
    body: bytes


class Receiver:
    """Receiver answers every webhook with its status and remembers it."""

    def __init__(self, status: int = 204) -> None:
        came: queue.Queue[Hook] = queue.Queue()
        self.came = came

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                came.put(Hook(self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(status)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Live(unittest.TestCase):
    def setUp(self) -> None:
        self.url, self.key = os.environ["POSTHASTE_URL"], os.environ["POSTHASTE_API_KEY"]
        self.client = posthaste.Client(self.url, self.key, actor="Jo Lindqvist")
        self.tenant = "python-" + uuid.uuid4().hex

    def receiver(self, status: int = 204) -> Receiver:
        receiver = Receiver(status)
        self.addCleanup(receiver.close)
        return receiver

    def subscribe(self, receiver: Receiver, **fields: Any) -> posthaste.Subscription:
        return self.client.subscriptions.create(
            cast(
                posthaste.SubscriptionFields,
                {"tenant": self.tenant, "url": receiver.url, "event_types": ["order.*"], "retry_schedule": ["1h"], **fields},
            )
        )

    def publish(self) -> posthaste.Published:
        return self.client.publish("order.paid", {"total": "19,90 €"}, tenant=self.tenant)

    def delivery(self, event_id: str, status: str) -> posthaste.Delivery:
        """Waits for the event's delivery to have the status."""
        found: list[posthaste.Delivery] = []

        def there() -> bool:
            found[:] = self.client.deliveries.list(event_id=event_id, status=status)
            return bool(found)

        self.eventually(there)
        return found[0]

    def eventually(self, there: Callable[[], bool]) -> None:
        end = time.monotonic() + LIMIT
        while not there():
            self.assertLess(time.monotonic(), end, "it did not happen")
            time.sleep(0.05)

    def refused(self, call: Callable[[], object]) -> posthaste.PosthasteError:
        with self.assertRaises(posthaste.PosthasteError) as caught:
            call()
        return caught.exception

    def typed(self, kind: Any, answers: Iterable[Any]) -> None:
        """Every answer has the fields that its type requires, and none that its type lacks."""
        for answer in answers:
            self.assertLessEqual(kind.__required_keys__, set(answer))
            self.assertLessEqual(set(answer), set(kind.__annotations__))

    def test_an_event_arrives_signed(self) -> None:
        receiver = self.receiver()
        subscription = self.subscribe(receiver)
        published = self.publish()
        self.assertEqual((self.tenant, "order.paid", False), (published["tenant"], published["type"], published["duplicate"]))
        hook = receiver.came.get(timeout=LIMIT)
        message = posthaste.verify(hook.headers, hook.body, subscription.get("secret", ""))
        self.assertEqual(published["id"], message.id)
        self.assertIn("19,90 €".encode(), message.body)
        delivery = self.delivery(published["id"], "delivered")
        attempts = list(self.client.deliveries.attempts(delivery["id"]))
        self.assertEqual([1], [each["number"] for each in attempts])
        self.typed(posthaste.Published, [published])
        self.typed(posthaste.Subscription, [subscription, self.client.subscriptions.get(subscription["id"])])
        self.typed(posthaste.Delivery, [delivery, self.client.deliveries.get(delivery["id"])])
        self.typed(posthaste.Attempt, attempts)
        self.typed(posthaste.SentRequest, [each["request"] for each in attempts])
        self.typed(posthaste.SentResponse, [each["response"] for each in attempts])
        self.typed(posthaste.Timing, [each["timing"] for each in attempts])

    def test_every_profile_is_verified_before_and_during_a_rotation(self) -> None:
        for profile in ("standard", "github", "stripe", "aspnet", "servicestack"):
            with self.subTest(profile):
                self.tenant = "python-" + uuid.uuid4().hex
                receiver = self.receiver()
                subscription = self.subscribe(receiver, signature=profile)
                old = subscription.get("secret", "")
                self.publish()
                hook = receiver.came.get(timeout=LIMIT)
                posthaste.verify(hook.headers, hook.body, old, profile=profile)
                rotated = self.client.subscriptions.rotate_secret(subscription["id"], grace="1h")
                self.typed(posthaste.Rotated, [rotated])
                self.publish()
                hook = receiver.came.get(timeout=LIMIT)
                posthaste.verify(hook.headers, hook.body, [rotated.get("secret", ""), old], profile=profile)
                with self.assertRaises(posthaste.VerificationError):
                    posthaste.verify(hook.headers, hook.body + b" ", [rotated.get("secret", ""), old], profile=profile)

    def test_a_key_is_one_event(self) -> None:
        def publish(data: int) -> posthaste.Published:
            return self.client.publish("order.paid", data, tenant=self.tenant, idempotency_key="order-42")

        first, second = publish(1), publish(1)
        self.assertEqual((first["id"], True), (second["id"], second["duplicate"]))
        error = self.refused(lambda: publish(2))
        self.assertEqual((409, "conflict", "idempotency_key"), (error.status, error.code, error.field))
        self.assertTrue(error.request_id)

    def test_a_batch(self) -> None:
        good, bad = self.client.publish_batch(
            [{"type": "order.paid", "data": None, "tenant": self.tenant}, {"type": "order paid", "data": 1}]
        )
        self.assertTrue(good.id.startswith("evt_"))
        assert bad.error
        self.assertEqual((400, "invalid", "type"), (bad.error.status, bad.error.code, bad.error.field))

    def test_the_life_of_a_subscription(self) -> None:
        receiver = self.receiver()
        id = self.subscribe(receiver, name="Shop")["id"]
        changed = self.client.subscriptions.update(id, {"name": "Stock", "headers": {"X-Shop": "1"}})
        self.assertEqual(("Stock", {"X-Shop": "1"}), (changed["name"], changed["headers"]))
        self.assertEqual({}, self.client.subscriptions.update(id, {"headers": None})["headers"])
        paused = self.client.subscriptions.pause(id, reason="repair")
        self.assertEqual(("paused", "repair"), (paused["status"], paused.get("paused_reason")))
        self.typed(posthaste.Subscription, [paused])
        event = self.publish()["id"]
        self.delivery(event, "held")
        self.assertEqual("active", self.client.subscriptions.resume(id, rate=100)["status"])
        receiver.came.get(timeout=LIMIT)
        self.client.subscriptions.delete(id)
        error = self.refused(lambda: self.client.subscriptions.get(id))
        self.assertEqual((404, "not_found"), (error.status, error.code))

    def test_a_delivery_is_redelivered_and_cancelled(self) -> None:
        receiver = self.receiver(503)
        self.subscribe(receiver)
        event = self.publish()["id"]
        first = receiver.came.get(timeout=LIMIT)
        delivery = self.delivery(event, "pending")["id"]
        self.eventually(lambda: bool(self.client.deliveries.get(delivery)["attempts"]))
        self.typed(posthaste.Delivery, [self.client.deliveries.get(delivery)])
        self.assertEqual(delivery, self.client.deliveries.redeliver(delivery, reason="it is back")["id"])
        again = receiver.came.get(timeout=LIMIT)
        self.assertEqual((first.headers["webhook-id"], first.body), (again.headers["webhook-id"], again.body))
        self.client.deliveries.cancel(delivery, reason="withdrawn")
        self.assertEqual("withdrawn (by Jo Lindqvist)", self.delivery(event, "cancelled").get("reason"))
        error = self.refused(lambda: self.client.deliveries.cancel(delivery))
        self.assertEqual((409, "conflict"), (error.status, error.code))

    def test_lists_have_all_pages(self) -> None:
        receiver = self.receiver()
        made = [self.subscribe(receiver)["id"] for _ in range(5)]
        found = [each["id"] for each in self.client.subscriptions.list(tenant=self.tenant, page_size=2)]
        self.assertEqual(made[::-1], found)
        event = self.publish()["id"]
        self.eventually(lambda: len(list(self.client.deliveries.list(event_id=event, page_size=2))) == 5)

    def test_a_wrong_key_is_refused(self) -> None:
        client = posthaste.Client(self.url, "a-key-that-nobody-has")
        error = self.refused(lambda: client.publish("order.paid", 1))
        self.assertEqual((401, "unauthorized", False), (error.status, error.code, error.unavailable))

    def test_the_examples_of_the_readme(self) -> None:
        publishing, receiving = re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)[:2]
        names: dict[str, Any] = {}
        exec(publishing, names)
        self.assertTrue(names["published"]["id"].startswith("evt_"))
        exec(receiving, names)
        receiver = self.receiver()
        names["SECRETS"] = [self.subscribe(receiver).get("secret", "")]
        self.publish()
        hook = receiver.came.get(timeout=LIMIT)
        self.assertEqual(204, names["receive"](hook.headers, hook.body))
        self.assertEqual(401, names["receive"](hook.headers, b"forged"))
