"""Prints each request as WSGI gives it: names in capitals, repeated headers joined."""

import base64
import json
from wsgiref.simple_server import WSGIRequestHandler, make_server


def application(env, start_response):
    body = env["wsgi.input"].read(int(env["CONTENT_LENGTH"]))
    headers = {k.removeprefix("HTTP_").replace("_", "-"): v for k, v in env.items() if k.startswith("HTTP_")}
    headers["CONTENT-TYPE"] = env["CONTENT_TYPE"]
    seen = {"path": env["PATH_INFO"], "headers": headers, "body": base64.b64encode(body).decode()}
    print(json.dumps(seen), flush=True)
    start_response("204 No Content", [])
    return []


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


server = make_server("127.0.0.1", 0, application, handler_class=Quiet)
print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
