"""What an answer as a whole lets us say, before its content is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from upstream.body import Reading, read_body
from upstream.dialect import Dialect
from upstream.error_table import classify
from upstream.errors import ErrorClass, InDoubt, NotSent, Refused, Unavailable
from upstream.exchange import Exchange
from upstream.faults import Fault
from upstream.ids import heard_ids
from upstream.strict_json import Fields, parse

# Stops that tell of our settings, not of the provider's health.
_OUR_OWN = ("private_address", "bad_url", "unencodable", "permit", "fault")


@dataclass(frozen=True)
class Answer:
    """A complete, readable answer: one JSON value under a status that is no redirect and no 429."""

    exchange: Exchange
    value: Any
    noise: bool

    @property
    def status(self) -> int:
        return self.exchange.http_status or 0

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_outage(self) -> bool:
        return self.status >= 500


def not_sent(exchange: Exchange) -> NotSent:
    """The failure of a request of which, by the wire's count, no byte has left."""
    outage = exchange.stop not in _OUR_OWN
    return NotSent(exchange.stop or "not_sent", exchange.error, exchange, outage=outage)


def deed_answer(exchange: Exchange, *id_keys: str) -> Answer:
    """The answer to a request that does something. Raises NotSent, Refused (429 only) or InDoubt."""
    if exchange.send_calls == 0:
        raise not_sent(exchange)
    reading = read_body(exchange)
    heard = _heard(reading, id_keys)
    if not exchange.complete:
        raise InDoubt(exchange.stop or "incomplete", exchange.error, exchange, candidates=heard)
    if exchange.http_status == 429 and not heard:
        raise Refused(ErrorClass.RATE_LIMITED, "HTTP 429", exchange)
    if 300 <= (exchange.http_status or 0) < 400:
        raise InDoubt("redirect", "the provider redirects", exchange, candidates=heard)
    if reading.problem:
        raise InDoubt(reading.problem, _status_words(exchange), exchange, candidates=heard, outage=_is_down(exchange))
    return Answer(exchange, reading.value, reading.noise)


def question_answer(exchange: Exchange, *, unreadable_is_outage: bool = False) -> Answer:
    """The answer to a request that only asks. Raises Unavailable."""
    if not exchange.complete:
        outage = exchange.stop not in (*_OUR_OWN, "too_large")
        raise Unavailable(exchange.stop or "incomplete", exchange.error, exchange, outage=outage)
    if exchange.http_status == 429:
        raise Unavailable("rate_limited", "HTTP 429", exchange, error_class=ErrorClass.RATE_LIMITED)
    if 300 <= (exchange.http_status or 0) < 400:
        raise Unavailable("redirect", "the provider redirects", exchange)
    reading = read_body(exchange)
    if reading.problem:
        outage = unreadable_is_outage or _is_down(exchange)
        raise Unavailable(reading.problem, _status_words(exchange), exchange, outage=outage)
    return Answer(exchange, reading.value, reading.noise)


def refuse(
    answer: Answer, fault: Fault, dialect: Dialect, *, on_add: bool = False, candidates: tuple[str, ...] = ()
) -> NoReturn:
    """Raise what an error means for a deed: Refused with the error table's leave, else InDoubt."""
    exchange = answer.exchange
    if candidates:
        raise InDoubt("id_and_error", fault.text, exchange, candidates=candidates, outage=answer.is_outage)
    if not fault.texts:
        raise InDoubt("wordless_error", "", exchange, outage=answer.is_outage)
    found = class_of(answer, fault, dialect, on_add=on_add)
    if found is ErrorClass.SERVER_FAULT:
        raise InDoubt("server_fault", fault.text, exchange, error_class=found, outage=answer.is_outage)
    if found is None:
        if answer.is_outage or answer.noise:
            raise InDoubt("unlisted_error", fault.text, exchange, outage=answer.is_outage)
        found = ErrorClass.OTHER
    raise Refused(found, fault.text, exchange, noise=answer.noise, outage=answer.is_outage)


def unavailable(answer: Answer, fault: Fault, dialect: Dialect) -> NoReturn:
    """Raise what an error of the whole call means for a question."""
    found = class_of(answer, fault, dialect) or ErrorClass.OTHER
    raise Unavailable("error", fault.text, answer.exchange, error_class=found, outage=answer.is_outage)


def require_success(answer: Answer) -> None:
    """Content under an HTTP error is not believed by a question, readable or not."""
    if not answer.is_success:
        raise Unavailable("http_status", _status_words(answer.exchange), answer.exchange, outage=answer.is_outage)


def malformed(answer: Answer, reason: str = "malformed") -> NoReturn:
    raise Unavailable(reason, "", answer.exchange, outage=answer.is_outage)


def class_of(answer: Answer, fault: Fault, dialect: Dialect, *, on_add: bool = False) -> ErrorClass | None:
    return classify(fault.texts, on_add=on_add, http_status=answer.status, additions=dialect.error_map)


def item_class(fault: Fault, dialect: Dialect) -> ErrorClass:
    """The class of an error inside a batch, where the HTTP status says nothing about one item."""
    found = classify(fault.texts, on_add=False, http_status=None, additions=dialect.error_map)
    return found or ErrorClass.OTHER


def opened(fields: Fields, *expected: str) -> Fields:
    """One wrapper level: the object under `data`, when the outer one lacks every expected key."""
    inner = fields.get("data")
    if isinstance(inner, dict) and not any(key in fields for key in expected):
        return Fields(inner)
    return fields


def _heard(reading: Reading, id_keys: tuple[str, ...]) -> tuple[str, ...]:
    if not id_keys:
        return ()
    if reading.problem:
        return heard_ids(list(reading.heard), id_keys)
    return heard_ids(inside_text(reading.value), id_keys)


def inside_text(value: Any) -> Any:
    """JSON inside a JSON string is never an answer, but what it names may be asked for."""
    if not isinstance(value, str):
        return value
    try:
        return parse(value)
    except ValueError:
        return None


def _is_down(exchange: Exchange) -> bool:
    # A page under 403 or 503 comes from a protection proxy in front of the panel.
    status = exchange.http_status or 0
    return status >= 500 or status == 403


def _status_words(exchange: Exchange) -> str:
    return f"HTTP {exchange.http_status}"
