"""One HTTP call to a gateway: to a checked address, with a hard end, no redirect, and an answer of bounded size."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from billing.gateways.contract import NoAnswer
from billing.gateways.reading import Unreadable, read_json
from upstream.adapter import OneExchangeAdapter
from upstream.addresses import check_url
from upstream.connection import Journal
from upstream.deadline import Deadline
from upstream.stops import WireStop

#: From the name's resolution to the last byte, and for the connection alone, in seconds.
SECONDS, CONNECT_SECONDS = 15.0, 5.0
MOST_BYTES = 1024 * 1024
_CHUNK = 64 * 1024
#: The gateway did not decide: it was busy, or broken.
_UNDECIDED = (408, 425, 429)
_PAGE = re.compile(r"[!-~]{9,2000}\Z", re.ASCII)


@dataclass(frozen=True)
class RawAnswer:
    """What came back, byte for byte. Names of headers are found in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What a gateway answered: a status from 200 to 499, and its JSON with each number as it was written."""

    status: int
    value: Any

    @property
    def is_ok(self) -> bool:
        """True for a status of success."""
        return self.status < 300

    def fields(self) -> Mapping[str, Any]:
        """Return the object that was answered. Raises NoAnswer for anything else."""
        if not isinstance(self.value, dict):
            raise NoAnswer("the answer is no JSON object")
        return self.value


def call(verb: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
    """Make one call and return its answer. Must not run inside a transaction.

    Raises NoAnswer, which names neither the path nor a header: secrets may stand there.
    """
    raw = exchange(verb, url, headers=headers, body=body, allow_private=settings.ALLOW_PRIVATE_PROVIDER_HOSTS)
    status, host = raw.status, urlsplit(url).hostname or ""
    if status >= 500 or status < 200 or 300 <= status < 400 or status in _UNDECIDED:
        raise NoAnswer(f"{host}: HTTP {status}")
    try:
        return Answer(status, read_json(raw.body))
    except Unreadable:
        if status < 400:
            raise NoAnswer(f"{host}: HTTP {status} without readable JSON") from None
        return Answer(status, None)


def exchange(verb: str, url: str, *, headers: Mapping[str, str], body: bytes | None, allow_private: bool) -> RawAnswer:
    """Make one call and return its whole answer, whatever its status. Raises NoAnswer, as :func:`call` does."""
    try:
        check_url(url, allow_private=allow_private)
    except ValueError as problem:
        raise NoAnswer(str(problem)) from None
    host = urlsplit(url).hostname or ""
    try:
        return _exchange(verb, url, headers, body, allow_private)
    except WireStop as stop:
        raise NoAnswer(f"{host}: {stop.reason}") from None
    except Exception as problem:  # those of requests, urllib3, http.client and ssl have no parent of their own
        raise NoAnswer(f"{host}: {type(problem).__name__}") from None


def _exchange(verb: str, url: str, headers: Mapping[str, str], body: bytes | None, allow_private: bool) -> RawAnswer:
    deadline = Deadline(SECONDS)
    adapter = OneExchangeAdapter(Journal(deadline, CONNECT_SECONDS, allow_private), verify=True)
    sent = {"User-Agent": "permille", "Accept": "application/json", "Accept-Encoding": "identity", **headers}
    request = requests.Request(verb, url, data=body, headers={**sent, "Connection": "close"}).prepare()
    content, is_whole, response = bytearray(), False, None
    deadline.start()
    try:
        response = adapter.send(request, stream=True, timeout=(CONNECT_SECONDS, SECONDS), verify=True, proxies={})
        while piece := response.raw.read1(_CHUNK, decode_content=True):
            content += piece
            if len(content) > MOST_BYTES:
                raise WireStop("too_large")
        is_whole = True
    finally:
        fired = deadline.finish(whole=is_whole)
        if response is not None:
            response.close()
        adapter.close()
    if fired:
        raise WireStop("deadline")
    return RawAnswer(response.status_code, response.headers, bytes(content))


def check_address(url: str) -> None:
    """Field validator for an address that secrets are sent to: https, and public unless private ones are allowed."""
    allow_private = settings.ALLOW_PRIVATE_PROVIDER_HOSTS
    try:
        check_url(url, allow_private=allow_private)
    except ValueError as problem:
        raise ValidationError(str(problem)) from None
    if url.lower().startswith("http:") and not allow_private:
        raise ValidationError(_("Use an https:// address: over http:// anybody on the way can read your API key."))
    if urlsplit(url).query:
        raise ValidationError(_("The address must not contain a question mark."))


def page_address(value: object) -> str:
    """Return the address of a gateway's page, to which customers go on. Raises NoAnswer for what is none."""
    schemes = ("https://", "http://") if settings.ALLOW_PRIVATE_PROVIDER_HOSTS else ("https://",)
    if not isinstance(value, str) or not value.startswith(schemes) or not _PAGE.match(value):
        raise NoAnswer("no page on which to pay")
    return value
