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

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"), validate=True)
if len(KEY) < 24:
    sys.exit("WEBHOOK_SECRET must be whsec_ and base64")
TOLERANCE = 300  # seconds, in both directions
MAX_BODY = 1 << 20


def verified(headers, body):
    sent_id, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not sent_id or "." in sent_id or not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) <= 12):
        return False
    if abs(time.time() - int(sent_at)) > TOLERANCE:
        return False
    signed = f"{sent_id}.{sent_at}.".encode() + body
    want = "v1," + base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    signatures = headers.get("webhook-signature", "").split(" ")  # one for each live secret
    return any(hmac.compare_digest(want.encode(), got.encode()) for got in signatures[:32])


class Receiver(BaseHTTPRequestHandler):
    timeout = 10  # seconds

    def do_POST(self):
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MAX_BODY:
            return self.answer(413)
        body = self.rfile.read(int(length))  # the bytes as they came: verify before parsing
        if not verified(self.headers, body):
            return self.answer(401)
        # The same id can come again: store it together with what it causes,
        # and answer before the work is done if that takes long.
        print(self.headers["webhook-id"], body, flush=True)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.end_headers()


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8000), Receiver)
print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
