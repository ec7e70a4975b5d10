"""The calls."""

from __future__ import annotations

import datetime
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional, Union, cast

from ._transport import Transport, fields_of, unreadable
from .errors import PosthasteError
from .types import Attempt, Delivery, Event, Published, Rotated, Subscription, SubscriptionFields

MAX_BATCH = 1000

Moment = Union[datetime.datetime, str]


@dataclass(frozen=True)
class BatchResult:
    """BatchResult is the outcome for one event of a batch: an id, or the error for which it was refused."""

    id: str = ""
    duplicate: bool = False
    error: Optional[PosthasteError] = None


class Client:
    """Client calls one Posthaste server. Any number of threads may use it.

    base_url  the server, such as https://posthaste.example.com, with a path if the server is below one
    api_key   "" sends none, which `posthaste dev` accepts
    timeout   seconds to connect, to send the request, and to read the answer: each of the three, in every try
    retries   how often a call is tried again after a failure that may pass: no answer, 429, 500, 502, 503 or 504
    actor     the name under which the server's audit records what this client does; default: the name of the API key

    Every method raises PosthasteError if the call fails, and ValueError or TypeError, before anything is sent, for an
    argument that cannot be sent.
    """

    def __init__(
        self, base_url: str, api_key: str = "", timeout: float = 30.0, retries: int = 3, *, actor: str = ""
    ) -> None:
        self._transport = Transport(base_url, api_key, timeout, retries, actor)
        self.subscriptions = Subscriptions(self._transport)
        self.deliveries = Deliveries(self._transport)

    def __repr__(self) -> str:
        return f"Client({self._transport.base!r})"

    def publish(
        self,
        type: str,
        data: Any,
        *,
        tenant: str = "",
        metadata: Optional[Mapping[str, str]] = None,
        idempotency_key: str = "",
    ) -> Published:
        """Publishes an event and returns once the server has made it durable.

        All tries of a call have the same idempotency key, so the event is published once. Without idempotency_key the
        call makes one. To call again after an error, give a key that names the occurrence, such as order-42-paid.
        """
        event: dict[str, Any] = {"type": type, "data": data, "idempotency_key": idempotency_key}
        if tenant:
            event["tenant"] = tenant
        if metadata:
            event["metadata"] = dict(metadata)
        return self._transport.resource("POST", "v1/events", body=_with_key(event))

    def publish_batch(self, events: Sequence[Event]) -> list[BatchResult]:
        """Publishes up to 1,000 events and returns a result for each, in the same order.

        A refused event does not affect the others, so look at every error. If the call itself raises, no result is
        known. Without events there is no call.
        """
        if len(events) > MAX_BATCH:
            raise ValueError(f"{len(events)} events in a batch, the most is {MAX_BATCH}")
        if not events:
            return []
        body = {"events": [_with_key(each) for each in events]}
        results: Any = fields_of(self._transport.call("POST", "v1/events/batch", body=body)).get("results")
        if not isinstance(results, list) or len(cast("list[Any]", results)) != len(events):
            raise unreadable(f"it has not {len(events)} results")
        return [self._result(fields_of(each)) for each in cast("list[Any]", results)]

    def _result(self, item: Mapping[str, Any]) -> BatchResult:
        if item.get("error"):
            return BatchResult(error=self._transport.error_of(item["error"]))
        if not item.get("id"):
            raise unreadable("a result has neither id nor error")
        return BatchResult(item["id"], item.get("duplicate") is True)


class Subscriptions:
    """Subscriptions are the calls about subscriptions: client.subscriptions."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, fields: SubscriptionFields) -> Subscription:
        """Creates a subscription. The answer has the secret with which its receiver verifies, or the public_key.

        The call is not retried once it may have arrived.
        """
        return self._transport.resource("POST", "v1/subscriptions", body=fields, once=True)

    def get(self, id: str) -> Subscription:
        """Looks up a subscription."""
        return self._transport.resource("GET", _path("subscriptions", id))

    def list(self, *, tenant: str = "", status: str = "", page_size: int = 0) -> Iterator[Subscription]:
        """Walks through subscriptions, newest first. A page is fetched when the iterator gets there."""
        query = _query(tenant=tenant, status=status, limit=page_size)
        return self._transport.pages("v1/subscriptions", query)

    def update(self, id: str, fields: SubscriptionFields) -> Subscription:
        """Changes the given fields. None restores the default of headers, forward_headers, properties, auth, tls and
        retry_schedule."""
        return self._transport.resource("PATCH", _path("subscriptions", id), body=fields)

    def delete(self, id: str) -> None:
        """Deletes a subscription. Status 404 can also mean that an earlier try of this call has deleted it."""
        self._transport.call("DELETE", _path("subscriptions", id))

    def pause(self, id: str, *, reason: str = "") -> Subscription:
        """Holds the present and future deliveries of a subscription until it is resumed."""
        return self._transport.resource("POST", _path("subscriptions", id, "pause"), body=_query(reason=reason))

    def resume(self, id: str, *, rate: int = 0, reason: str = "") -> Subscription:
        """Releases the held deliveries, rate a second; 0 is the server's default."""
        body: dict[str, Any] = {"rate": rate} if rate else {}
        body.update(_query(reason=reason))
        return self._transport.resource("POST", _path("subscriptions", id, "resume"), body=body)

    def rotate_secret(self, id: str, *, secret: str = "", grace: str = "", sign_with: str = "") -> Rotated:
        """Replaces the secret. The earlier ones go on signing for the grace, a duration such as "24h", the default.

        Without secret the server makes one. The call is not retried once it may have arrived.
        """
        body = _query(secret=secret, grace=grace, sign_with=sign_with)
        path = _path("subscriptions", id, "rotate-secret")
        answer = fields_of(self._transport.call("POST", path, body=body, once=True))
        if not (answer.get("secret") or answer.get("public_key")):
            raise unreadable("it has neither secret nor public_key")
        return cast(Rotated, answer)


class Deliveries:
    """Deliveries are the calls about deliveries: client.deliveries."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        *,
        tenant: str = "",
        subscription_id: str = "",
        event_id: str = "",
        event_type: str = "",
        status: str = "",
        since: Moment = "",
        until: Moment = "",
        page_size: int = 0,
    ) -> Iterator[Delivery]:
        """Walks through deliveries, newest first. A page is fetched when the iterator gets there.

        since is inclusive and until exclusive; a datetime needs a time zone.
        """
        query = _query(
            tenant=tenant,
            subscription_id=subscription_id,
            event_id=event_id,
            event_type=event_type,
            status=status,
            since=_moment(since),
            until=_moment(until),
            limit=page_size,
        )
        return self._transport.pages("v1/deliveries", query)

    def get(self, id: str) -> Delivery:
        """Looks up a delivery."""
        return self._transport.resource("GET", _path("deliveries", id))

    def attempts(self, id: str) -> Iterator[Attempt]:
        """Walks through all attempts of a delivery, by number."""
        return self._transport.pages(_path("deliveries", id, "attempts"), {})

    def redeliver(self, id: str, *, reason: str = "") -> Delivery:
        """Makes a further attempt at once, and returns the delivery as it was before.

        The call is not retried once it may have arrived.
        """
        path = _path("deliveries", id, "redeliver")
        return self._transport.resource("POST", path, body=_query(reason=reason), once=True)

    def cancel(self, id: str, *, reason: str = "") -> Delivery:
        """Stops a delivery, and returns it as it was before: an attempt under way is finished first."""
        return self._transport.resource("POST", _path("deliveries", id, "cancel"), body=_query(reason=reason))


def _with_key(event: Mapping[str, Any]) -> dict[str, Any]:
    return {**event, "idempotency_key": event.get("idempotency_key") or secrets.token_hex(16)}


def _path(resource: str, id: str, *action: str) -> str:
    """Joins a path. It refuses a text that cannot be an id: as a path, "" or ".." would make another call."""
    if not re.fullmatch(r"[0-9A-Za-z_]+", id):
        raise ValueError(f"{id!r} is no id")
    return "/".join(("v1", resource, id, *action))


def _query(**fields: Union[str, int]) -> dict[str, str]:
    return {name: str(value) for name, value in fields.items() if value}


def _moment(at: Moment) -> str:
    if isinstance(at, str):
        return at
    if at.tzinfo is None:
        raise ValueError("a datetime needs a time zone")
    return at.isoformat()
