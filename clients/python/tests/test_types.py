from __future__ import annotations

import json
import pathlib
import unittest
from typing import Any

import posthaste_client as posthaste

DESCRIPTION = pathlib.Path(__file__, "../../../../docs/openapi.json").resolve()

# The types with the names of the server's OpenAPI document.
TYPES: dict[str, Any] = {
    "Attempt": posthaste.Attempt,
    "Auth": posthaste.Auth,
    "Delivery": posthaste.Delivery,
    "EventInput": posthaste.Event,
    "Links": posthaste.Links,
    "Problem": posthaste.Problem,
    "Published": posthaste.Published,
    "Request": posthaste.SentRequest,
    "Response": posthaste.SentResponse,
    "Rotated": posthaste.Rotated,
    "Subscription": posthaste.Subscription,
    "SubscriptionFields": posthaste.SubscriptionFields,
    "TLS": posthaste.TLS,
    "Timing": posthaste.Timing,
}


class Types(unittest.TestCase):
    def test_the_types_have_the_fields_of_the_description(self) -> None:
        schemas = json.loads(DESCRIPTION.read_text())["components"]["schemas"]
        for name, kind in TYPES.items():
            with self.subTest(name):
                self.assertEqual(set(schemas[name]["properties"]), set(kind.__annotations__))

    def test_an_answer_lacks_only_what_its_type_says(self) -> None:
        schemas = json.loads(DESCRIPTION.read_text())["components"]["schemas"]
        for name in ("Attempt", "Delivery", "Published", "Request", "Response", "Rotated", "Subscription", "Timing"):
            with self.subTest(name):
                self.assertLessEqual(TYPES[name].__required_keys__, set(schemas[name]["required"]))
