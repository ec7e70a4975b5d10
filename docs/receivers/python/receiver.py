"""A receiver of webhooks that are signed by Standard Webhooks.

    WEBHOOK_SECRET=whsec_... python3 receiver.py 8000
"""

import base64
import hashlib
import hmac
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE = 300  # seconds, in both directions
MAX_BODY = 1 << 20


def read_key(secret):
    if not secret:
        sys.exit("WEBHOOK_SECRET is not set; posthaste subscriptions secret sub_... prints the secret")
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if len(key) < 24:
        sys.exit("WEBHOOK_SECRET is not whsec_ and base64 of at least 24 bytes")
    return key


KEY = read_key(os.environ.get("WEBHOOK_SECRET", "").strip())


def refusal(headers, body):
    """Returns the reason for a refusal; None for a genuine webhook."""
    sent_id, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not sent_id or "." in sent_id or not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) <= 12):
        return "webhook-id or webhook-timestamp is missing or malformed"
    late = round(time.time() - int(sent_at))
    if abs(late) > TOLERANCE:
        return f"stale: webhook-timestamp is {late} s behind this clock; at most {TOLERANCE} s either way are allowed"
    signed = f"{sent_id}.{sent_at}.".encode() + body
    want = "v1," + base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    signatures = headers.get("webhook-signature", "").split(" ")  # one for each live secret
    if not any(hmac.compare_digest(want.encode(), got.encode()) for got in signatures[:32]):
        return "no signature fits: WEBHOOK_SECRET is not this subscription's, or the body was changed on the way"
    return None


class Receiver(BaseHTTPRequestHandler):
    timeout = 10  # seconds

    def do_POST(self):
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MAX_BODY:
            return self.answer(413)
        body = self.rfile.read(int(length))  # the bytes as they came: verify before parsing
        why = refusal(self.headers, body)
        if why:
            print("refused:", why, file=sys.stderr, flush=True)  # for our log only: the sender gets 401
            return self.answer(401)
        # The same id can come again: store it together with what it causes,
        # and answer before the work is done if that takes long.
        print(self.headers["webhook-id"], body.decode(), flush=True)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass  # do_POST says all there is to say


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8000), Receiver)
print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
try:
    server.serve_forever()
except KeyboardInterrupt:
    pass
