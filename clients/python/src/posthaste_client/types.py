"""The JSON of requests and answers. An answer is the dict that the server sent; docs/api.md describes the fields.

A field that an answer may lack is in the class with total=False.
"""

from __future__ import annotations

from typing import Any, Optional, TypedDict


class Links(TypedDict, total=False):
    """Links are paths of the API; workflow is a page of the Temporal Web UI."""

    self: str
    event: str
    subscription: str
    deliveries: str
    attempts: str
    runs: str
    history: str
    workflow: str


class Problem(TypedDict, total=False):
    """Problem is the body of a refusal (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    field: str


class _Event(TypedDict):
    type: str
    data: Any


class Event(_Event, total=False):
    """Event is one event of a batch. Without an idempotency_key it gets one of its own."""

    tenant: str
    metadata: dict[str, str]
    idempotency_key: str


class Published(TypedDict):
    """Published is an event that the server has made durable."""

    id: str
    tenant: str
    type: str
    created_at: str
    duplicate: bool
    links: Links


class _Auth(TypedDict):
    type: str


class Auth(_Auth, total=False):
    """Auth is the authentication of requests; type decides which of the other fields are used."""

    username: str
    password: str
    token: str
    token_url: str
    client_id: str
    client_secret: str
    scopes: list[str]


class TLS(TypedDict, total=False):
    """TLS has a client certificate with its key, and authorities that are trusted besides the system's, in PEM."""

    client_cert: str
    client_key: str
    ca: str


class SubscriptionFields(TypedDict, total=False):
    """SubscriptionFields creates or changes a subscription. To create, url and event_types are required."""

    tenant: str
    secret: str
    sign_with: str
    name: str
    url: str
    event_types: list[str]
    headers: Optional[dict[str, str]]
    forward_headers: Optional[list[str]]
    properties: Optional[dict[str, Any]]
    auth: Optional[Auth]
    tls: Optional[TLS]
    signature: str
    payload: str
    timeout: str
    retry_schedule: Optional[list[str]]
    status: str


class _Subscription(TypedDict):
    id: str
    tenant: str
    name: str
    url: str
    event_types: list[str]
    headers: dict[str, str]
    forward_headers: list[str]
    properties: dict[str, Any]
    signature: str
    payload: str
    timeout: str
    retry_schedule: list[str]
    status: str
    created_at: str
    updated_at: str
    links: Links


class Subscription(_Subscription, total=False):
    """Subscription is a subscriber's URL and the events that it wants. Only a new one has secret or public_key."""

    auth: Auth
    tls: TLS
    resume_rate: int
    paused_at: str
    paused_by: str
    paused_reason: str
    held: int
    failing_since: str
    disabled_reason: str
    sign_with: str
    previous_expires_at: list[str]
    secret: str
    public_key: str


class _Rotated(TypedDict):
    previous_expires_at: list[str]


class Rotated(_Rotated, total=False):
    """Rotated has the new secret; for standard-ed25519, the new public key."""

    secret: str
    public_key: str
    sign_with: str


class _Delivery(TypedDict):
    id: str
    tenant: str
    event_id: str
    event_type: str
    subscription_id: str
    status: str
    attempts: int
    created_at: str
    updated_at: str
    links: Links


class Delivery(_Delivery, total=False):
    """Delivery is the delivery of one event to one subscription."""

    receiver: str
    next_attempt_at: str
    failing_since: str
    error_class: str
    code: int
    last_error: str
    reason: str


class _SentRequest(TypedDict):
    headers: dict[str, list[str]]


class SentRequest(_SentRequest, total=False):
    """SentRequest is the request of an attempt. It has no body if the API key lacks the scope payloads:read."""

    body: str


class _SentResponse(TypedDict):
    status: int
    headers: dict[str, list[str]]
    body_cut: bool


class SentResponse(_SentResponse, total=False):
    """SentResponse is the beginning of the receiver's answer; body_cut says that there was more."""

    body: str


class Timing(TypedDict):
    """Timing has milliseconds; 0 for a step that did not happen."""

    dns_ms: float
    connect_ms: float
    tls_ms: float
    first_byte_ms: float
    total_ms: float


class _Attempt(TypedDict):
    number: int
    started_at: str
    url: str
    request: SentRequest
    response: Optional[SentResponse]
    timing: Timing


class Attempt(_Attempt, total=False):
    """Attempt is one HTTP request of a delivery. It has error_class and error unless it succeeded."""

    error_class: str
    error: str
