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

__all__ = ["BODY_CAP", "SERVICES_CAP", "Call", "Exchange", "Permit", "exchange"]

BODY_CAP = 64 * 1024
SERVICES_CAP = 16 * 1024 * 1024
_CHUNK = 64 * 1024
_LONGEST_WAIT = 86_400.0

Permit = Callable[[], None]


@dataclass(frozen=True)
class Call:
    """One request to make. `fields` do not hold the key; durations are seconds, `cap` is in decoded bytes."""

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


def exchange(call: Call, permit: Permit | None = None) -> tuple[Exchange, Exception | None]:
    """Carry out one call; returns its record and, if the permit or the transport failed, the exception.

    Never raises for anything the network, the peer or the permit does: the record tells it all, and only its
    `send_calls == 0` proves that nothing was sent.
    """
    deadline = Deadline(call.deadline)
    journal = Journal(deadline, call.connect_timeout, call.allow_private, permit)
    answer = _Answer()
    failure: Exception | None = None
    adapter = OneExchangeAdapter(journal, call.verify)
    try:
        _converse(call, adapter, journal, answer)
    except Exception as problem:
        # Whatever it is, a bug of ours included: once a byte may have left, the caller must hear "in doubt".
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


def _converse(call: Call, adapter: OneExchangeAdapter, journal: Journal, answer: _Answer) -> None:
    request = _prepared(call)
    journal.deadline.start()
    response = adapter.send(
        request, stream=True, timeout=(call.connect_timeout, call.deadline), verify=call.verify, proxies={}
    )
    answer.response = response.raw
    answer.http_status = response.status_code
    answer.headers = response.headers
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


def _prepared(call: Call) -> requests.PreparedRequest:
    fields = {"key": call.key, "action": call.action, **call.fields}
    if call.encoding == "json":
        body, kind = json.dumps(fields).encode(), "application/json"
    else:
        body, kind = urlencode(fields).encode(), "application/x-www-form-urlencoded"
    headers = {
        "User-Agent": call.user_agent,
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "Content-Type": kind,
    }
    return requests.Request("POST", call.url, data=body, headers=headers).prepare()


def _record(call: Call, journal: Journal, answer: _Answer, fired: bool, failure: Exception | None) -> Exchange:
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
    """One machine word for what ended the exchange before its time, empty if nothing did."""
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
    """Seconds to wait, from Retry-After or X-RateLimit-Reset; dates are read against the answer's own Date."""
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
