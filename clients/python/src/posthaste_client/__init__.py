"""This package publishes events to Posthaste, operates it, and verifies its webhooks.

It needs the standard library only. README.md has an example; docs/api.md of the repository describes every field.
"""

from .client import BatchResult, Client, Deliveries, Subscriptions
from .errors import PosthasteError
from .types import (
    Attempt,
    Auth,
    Delivery,
    Event,
    Links,
    Problem,
    Published,
    Rotated,
    SentRequest,
    SentResponse,
    Subscription,
    SubscriptionFields,
    Timing,
    TLS,
)
from .webhook import Message, VerificationError, verify

__version__ = "0.1.0"

__all__ = [
    "Attempt",
    "Auth",
    "BatchResult",
    "Client",
    "Deliveries",
    "Delivery",
    "Event",
    "Links",
    "Message",
    "PosthasteError",
    "Problem",
    "Published",
    "Rotated",
    "SentRequest",
    "SentResponse",
    "Subscription",
    "SubscriptionFields",
    "Subscriptions",
    "TLS",
    "Timing",
    "VerificationError",
    "verify",
]
