"""One HTTP exchange: what was sent, what came back, and whether a byte was handed to the socket."""

from __future__ import annotations

import http.client
import json
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import urlencode

import requests
import urllib3

from upstream.adapter import OneExchangeAdapter
from upstream.connection import Journal
from upstream.deadline import Deadline
from upstream.exchange import Exchange
from upstream.stops import WireStop

__all__ = ["BODY_CAP", "SERVICES_CAP", "HttpCall", "Exchange", "Permit", "exchange"]

BODY_CAP = 64 * 1024
SERVICES_CAP = 16 * 1024 * 1024
_CHUNK = 64 * 1024
_LONGEST_WAIT = 86_400.0

Permit = Callable[[], None]


@dataclass(frozen=True)
class HttpCall:
    """One request to make. `fields` do not include the key; durations are in seconds, `cap` in decoded bytes."""

    url: str
    action: str
    fields: Mapping[str, str]
    key: str = field(repr=False)
    encoding: Literal["form", "json"] = "form"
    deadline: float = 30.0
    connect_timeout: float = 5.0
    cap: int = BODY_CAP
    allow_private: bool = False
    verify: bool | str = True
    user_agent: str = "permille"


def exchange(call: HttpCall, permit: Permit | None = None) -> tuple[Exchange, Exception | None]:
    """Carry out one call; return its record and, if the permit or the transport failed, the exception.

    Never raises for anything the network, the peer or the permit does: the record says what happened, and only its
    `send_calls == 0` proves that nothing was sent.
    """
    deadline = Deadline(call.deadline)
    journal = Journal(deadline, call.connect_timeout, call.allow_private, permit)
    answer = _Answer()
    failure: Exception | None = None
    adapter = OneExchangeAdapter(journal, call.verify)
    try:
        _send_and_read(call, adapter, journal, answer)
    except Exception as problem:
        # Any exception, also by a bug of ours: once a byte may have left, the caller must get "in doubt".
        failure = problem
    finally:
        fired = deadline.finish(whole=answer.ended)
        adapter.close()
        answer.close()
    return _record(call, journal, answer, fired, failure), journal.permit_error or failure


@dataclass
class _Answer:
    http_status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    ended: bool = False
    answered_at: float | None = None
    response: Any = None

    def close(self) -> None:
        if self.response is not None:
            self.response.close()


def body_of(call: HttpCall) -> bytes:
    """Return the bytes of the request's body, the key among them: the same call gives the same bytes."""
    fields = {"key": call.key, "action": call.action, **call.fields}
    return json.dumps(fields).encode() if call.encoding == "json" else urlencode(fields).encode()


def _send_and_read(call: HttpCall, adapter: OneExchangeAdapter, journal: Journal, answer: _Answer) -> None:
    # 1. The request. Building a long body takes none of the peer's time, so the deadline starts after it.
    body = body_of(call)
    kind = "application/json" if call.encoding == "json" else "application/x-www-form-urlencoded"
    headers = {
        "User-Agent": call.user_agent,
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "Content-Type": kind,
    }
    request = requests.Request("POST", call.url, data=body, headers=headers).prepare()

    # 2. Send it and read the head of the answer.
    journal.deadline.start()
    response = adapter.send(
        request, stream=True, timeout=(call.connect_timeout, call.deadline), verify=call.verify, proxies={}
    )
    answer.response = response.raw
    answer.http_status = response.status_code
    answer.headers = response.headers

    # 3. Read the body to its end, or to the cap.
    while True:
        piece = response.raw.read1(min(_CHUNK, call.cap + 1 - len(answer.body)), decode_content=True)
        if not piece:
            break
        answer.body += piece
        if len(answer.body) > call.cap:
            del answer.body[call.cap :]
            raise WireStop("too_large", "the answer is longer than allowed")
    answer.ended = True
    answer.answered_at = journal.deadline.elapsed()


def _record(call: HttpCall, journal: Journal, answer: _Answer, fired: bool, failure: Exception | None) -> Exchange:
    return Exchange(
        action=call.action,
        url=call.url,
        request_fields=dict(call.fields),
        elapsed=journal.deadline.elapsed(),
        sent_at=journal.sent_at,
        answered_at=answer.answered_at,
        send_calls=journal.send_calls,
        bytes_sent=journal.bytes_sent,
        peer=journal.peer,
        http_status=answer.http_status,
        content_type=str(answer.headers.get("Content-Type", "")),
        retry_after=retry_after(answer.headers),
        body=bytes(answer.body),
        complete=answer.ended and not fired,
        deadline_fired=fired,
        stop=_stop_word(journal, fired, failure),
        error="" if failure is None else f"{type(failure).__name__}: {failure}"[:500],
        secret=call.key,
    )


def _stop_word(journal: Journal, fired: bool, failure: Exception | None) -> str:
    """Return one machine word for what ended the exchange early, empty if nothing did."""
    if isinstance(failure, WireStop):
        return failure.reason
    if fired:
        return "deadline"
    if failure is None:
        return ""
    if isinstance(failure, requests.exceptions.Timeout):
        return "timeout" if journal.send_calls else "connect_timeout"
    if isinstance(failure, (requests.exceptions.SSLError, ssl.SSLError)):
        return "tls"
    if isinstance(failure, (requests.exceptions.RequestException, urllib3.exceptions.HTTPError)):
        return "broken" if journal.connects else "bad_url"
    if isinstance(failure, (http.client.HTTPException, OSError)):
        return "broken"
    return "unencodable" if isinstance(failure, ValueError) and not journal.connects else "fault"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait, by Retry-After or X-RateLimit-Reset; dates are relative to the answer's own Date."""
    for name in ("Retry-After", "X-RateLimit-Reset"):
        seconds = _seconds(str(headers.get(name, "")).strip(), str(headers.get("Date", "")))
        if seconds is not None:
            return min(max(seconds, 0.0), _LONGEST_WAIT)
    return None


def _seconds(value: str, now: str) -> float | None:
    if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", value, re.ASCII):
        number = float(value)
        epoch = _epoch(now)
        if number < 10_000_000:
            return number
        return None if epoch is None else number - epoch
    until, start = _epoch(value), _epoch(now)
    return None if until is None or start is None else until - start


def _epoch(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
