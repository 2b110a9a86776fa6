"""A mail server on 127.0.0.1 that keeps what it is given, or refuses it."""

import socketserver
import threading
from contextlib import contextmanager
from email import message_from_bytes, policy
from types import SimpleNamespace


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self):
        self.say(220)
        while line := self.rfile.readline().decode().strip():
            word = line.partition(" ")[0].upper()
            if word == "RCPT":
                self.say(self.server.recipient_code)
            elif word == "DATA":
                self.say(354)
                self.server.kept.append(self.message())
                self.say(250)
            elif word == "QUIT":
                self.say(221)
                return
            else:
                self.say(250)

    def say(self, code):
        self.wfile.write(f"{code} said\r\n".encode())

    def message(self):
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        return message_from_bytes(b"".join(lines), policy=policy.default)


@contextmanager
def mail_server(*, recipient_code=250):
    """`port`, and the messages `kept` so far."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Conversation) as server:
        server.daemon_threads = True
        server.recipient_code, server.kept = recipient_code, []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield SimpleNamespace(port=server.server_address[1], kept=server.kept)
        finally:
            server.shutdown()
            thread.join()
