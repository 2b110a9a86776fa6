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
            elif word == "EHLO" and self.server.starttls:
                self.wfile.write(b"250-said\r\n250 STARTTLS\r\n")
            elif word == "STARTTLS":
                self.say(220)
                if not self.encrypted():
                    return
            else:
                self.say(250)

    def encrypted(self):
        """Whether the client trusts the certificate, and the conversation goes on."""
        try:
            self.connection = self.server.starttls.wrap_socket(self.connection, server_side=True)
        except OSError:
            return False
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", 0)
        return True

    def finish(self):
        super().finish()
        self.connection.close()

    def say(self, code):
        self.wfile.write(f"{code} said\r\n".encode())

    def message(self):
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        return message_from_bytes(b"".join(lines), policy=policy.default)


@contextmanager
def mail_server(*, recipient_code=250, tls=None, starttls=None):
    """`port`, and the messages `kept` so far; `tls` and `starttls` are contexts to encrypt with."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Conversation) as server:
        server.daemon_threads = True
        server.recipient_code, server.kept, server.starttls = recipient_code, [], starttls
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield SimpleNamespace(port=server.server_address[1], kept=server.kept)
        finally:
            server.shutdown()
            thread.join()
