"""A receiver of webhooks on loopback, which checks signatures by the specification's own words."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """What came, and what is answered; `on_message` is called before the answer."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    on_message: Callable[[], None] = lambda: None
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.came]

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.came]

    def customers(self) -> list[str]:
        """Everybody of whom a change came, message by message."""
        return [
            change["customer_id"]
            for message in self.messages()
            for change in message["data"].get("changes", [])
        ]


def signature(secret: str, headers: dict[str, str], body: bytes) -> str:
    """`v1,` and the base64 HMAC-SHA256 of `id.timestamp.payload`."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """A receiver at work on a free port, or on `port`."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.came.append(({k.lower(): v for k, v in self.headers.items()}, body))
            receiver.on_message()
            self.send_response(receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(receiver.body)

        def log_message(self, *_arguments):
            """Silent: what came is in `receiver`."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_arguments):
            """Callers that end in the middle are part of the tests."""

    with Server(("127.0.0.1", port), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
