"""The one place that hands a message to the mail server, and says what its answer means.

The steps of SMTP (RFC 5321) are taken here one by one, because Django's backend does not say which step failed, nor
what the server answered to the mail that it took.
"""

import email.policy
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from email.headerregistry import HeaderRegistry, UnstructuredHeader
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, mailers
from django.core.mail.backends.smtp import EmailBackend

_LONGEST = 300
#: Refused recipients of one connection. A server may end one that had many (Postfix after 20, and slow from 10 on), and
#: the mails after them would fail as well.
_MOST_REFUSED = 8


class _OneLine(UnstructuredHeader):
    """A header of one long word: folding would encode it, and mail programs then find no address in it."""

    def fold(self, *, policy: email.policy.Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"  # type: ignore[attr-defined]  # of BaseHeader


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _OneLine)  # type: ignore[arg-type]  # it makes a BaseHeader of this
_POLICY = email.policy.SMTP.clone(header_factory=_HEADERS)


class MailFailed(Exception):
    """The mail was not taken. ``str()`` has the server's answer, bounded; never the mail's own text."""


class ServerFailed(MailFailed):
    """The server is away, hangs, or refuses all mails from us: the next mail would fail too."""


class NotNow(MailFailed):
    """This mail was refused, perhaps for a while only; another may pass."""


class RefusedByPolicy(NotNow):
    """This mail was refused for who we are, or for a rule about its recipient: the others' answers tell which."""


class AddressRefused(MailFailed):
    """The server says that this address takes no mail, and asking again changes nothing."""


def is_missing() -> bool:
    """Return True when EMAIL_URL is not set, so that mails have to wait."""
    backend: str = settings.MAILERS["default"]["BACKEND"]
    return backend.endswith(".dummy.EmailBackend")


def describe() -> str:
    """Return where mails go, without the password: "smtp+tls to mail.example.com:587"."""
    mailer = settings.MAILERS["default"]
    kind, options = mailer["BACKEND"].split(".")[-2], mailer.get("OPTIONS", {})
    if kind != "smtp":
        return f"{kind} {options.get('file_path', '')}".strip()
    security = "+tls" if options.get("use_tls") else "+ssl" if options.get("use_ssl") else ""
    return f"smtp{security} to {options['host']}:{options['port']}"


class Transport:
    """One connection to the mail server, opened when it is first needed. Use :func:`transport`."""

    def __init__(self) -> None:
        self._backend: Any = mailers.default
        self._refused = 0

    def deliver(self, message: EmailMultiAlternatives) -> str:
        """Hand over ``message`` to its one recipient; return the server's answer. Raises MailFailed."""
        is_smtp = isinstance(self._backend, EmailBackend)
        try:
            content = message.message(policy=_POLICY).as_bytes()
            if is_smtp:
                sender = self._backend.prep_address(message.from_email)
                [recipient] = [self._backend.prep_address(address) for address in message.recipients()]
        except ValueError as problem:  # a line break in an address, a letter that SMTP cannot write
            raise AddressRefused(_bounded(str(problem))) from None
        try:
            if not is_smtp:
                self._backend.send_messages([message])
                return "taken"
            if self._refused >= _MOST_REFUSED:
                self.close()
                self._refused = 0
            self._backend.open()
            return _smtp(self._backend.connection, sender, recipient, content)
        except (AddressRefused, NotNow):
            self._refused += 1
            raise
        except smtplib.SMTPResponseException as problem:
            self._drop()
            raise ServerFailed(_answer(problem.smtp_code, problem.smtp_error)) from problem
        except (OSError, smtplib.SMTPException) as problem:
            self._drop()
            raise ServerFailed(_bounded(f"{type(problem).__name__}: {problem}")) from problem

    def close(self) -> None:
        """Take leave of the server; what it answers to that no longer matters."""
        try:
            self._backend.close()
        except (OSError, smtplib.SMTPException):
            self._drop()

    def _drop(self) -> None:
        """Close the connection without a word: a server that hangs would not answer to QUIT either."""
        for name in ("connection", "_partial_connection"):
            if (open_one := getattr(self._backend, name, None)) is not None:
                open_one.close()
        self._backend = mailers.default


@contextmanager
def transport() -> Iterator[Transport]:
    """A transport for the mails of one run."""
    opened = Transport()
    try:
        yield opened
    finally:
        opened.close()


def _smtp(server: Any, sender: str, recipient: str, content: bytes) -> str:
    """Take one mail through MAIL, RCPT and DATA; return the answer that took it."""
    code, answer = server.mail(sender, [f"size={len(content)}"] if server.has_extn("size") else [])
    if code != 250:
        raise smtplib.SMTPSenderRefused(code, answer, sender)
    code, answer = server.rcpt(recipient)
    if code not in (250, 251):
        _reset(server)
        # 5.7.x is a policy (RFC 3463, 3.8): relaying denied, sender blocked, or this domain. The address may be good.
        if code // 100 == 5 and answer.startswith(b"5.7."):
            raise RefusedByPolicy(_answer(code, answer))
        if code // 100 == 5:
            raise AddressRefused(_answer(code, answer))
        raise NotNow(_answer(code, answer))
    try:
        code, answer = server.data(content)
    except smtplib.SMTPDataError as problem:
        code, answer = problem.smtp_code, problem.smtp_error
    if code != 250:
        _reset(server)
        raise NotNow(_answer(code, answer))
    return _answer(code, answer)


def _reset(server: Any) -> None:
    code, answer = server.rset()
    if code != 250:
        raise smtplib.SMTPResponseException(code, answer)


def _answer(code: int, text: bytes | str) -> str:
    said = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    return _bounded(f"{code} {said}")


def _bounded(text: str) -> str:
    """Text from outside as one line of at most 300 printable characters."""
    line = " ".join(text.split())
    return "".join(letter if letter.isprintable() else "?" for letter in line)[:_LONGEST]
