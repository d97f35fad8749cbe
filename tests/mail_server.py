"""A real SMTP server on loopback that does on demand what a mail server can do wrong, and keeps what it received."""

import email
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from typing import Any


@dataclass
class MailServer:
    """``refusals`` answers RCPT for an address; ``after_data`` answers the text of a mail, None: hangs up without."""

    port: int = 0
    received: list[Message] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    connections: int = 0
    refusals: dict[str, str] = field(default_factory=dict)
    sender_answer: str = "250 2.1.0 Ok"
    after_data: str | None = "250 2.0.0 Ok: queued as 4711"
    hangs: bool = False
    #: So many recipients may be refused on a connection before the server ends it, as Postfix does after 20.
    patience: int = 20
    #: Called when a mail has arrived whole and is not answered yet.
    on_mail: Callable[[], None] = lambda: None
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def mailer(self) -> dict[str, Any]:
        """MAILERS that send to this server, with a short patience."""
        options = {"host": "127.0.0.1", "port": self.port, "timeout": 0.5}
        return {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}}

    def ids(self) -> list[str]:
        return [str(mail["Message-ID"]) for mail in self.received]


class _Session(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        shop: MailServer = self.server.state  # type: ignore[attr-defined]
        shop.connections += 1
        if shop.hangs:
            shop.released.wait(20)
            return
        self._say("220 mail.example ESMTP")
        refused = 0
        while line := self.rfile.readline():
            verb, words = line[:4].upper().strip(), line.decode().strip()
            if verb == b"EHLO":
                self._say("250-mail.example\r\n250 SIZE 1000000")
            elif verb == b"MAIL":
                self._say(shop.sender_answer)
            elif verb == b"RCPT":
                address = words[words.index("<") + 1 : words.index(">")]
                shop.recipients.append(address)
                self._say(shop.refusals.get(address, "250 2.1.5 Ok"))
                refused += address in shop.refusals
                if refused >= shop.patience:
                    self._say("421 4.7.0 Error: too many errors")
                    return
            elif verb == b"DATA":
                self._say("354 End with a dot")
                shop.received.append(self._mail())
                shop.on_mail()
                if shop.after_data is None:
                    return
                self._say(shop.after_data)
            elif verb == b"QUIT":
                self._say("221 2.0.0 Bye")
                return
            else:
                self._say("250 2.0.0 Ok")

    def _mail(self) -> Message:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return email.message_from_bytes(b"".join(lines))

    def _say(self, text: str) -> None:
        self.wfile.write(text.encode() + b"\r\n")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what these tests are about."""


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """A server that takes every mail, until the test says otherwise."""
    state = MailServer()
    with _Server(("127.0.0.1", 0), _Session) as server:
        server.state = state  # type: ignore[attr-defined]
        state.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield state
        finally:
            state.released.set()
            server.shutdown()
            thread.join()


def nobody_listens() -> dict[str, Any]:
    """MAILERS with a port at which no server is."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    options = {"host": "127.0.0.1", "port": port, "timeout": 0.5}
    return {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}}
