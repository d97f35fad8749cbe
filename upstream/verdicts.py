"""The verdict on an answer as a whole, before its content is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from upstream.body import read_body
from upstream.dialect import Dialect
from upstream.error_table import classify
from upstream.error_texts import ErrorTexts
from upstream.errors import ErrorClass, InDoubt, NotSent, Refused, Unavailable
from upstream.exchange import Exchange
from upstream.ids import mentioned_ids
from upstream.strict_json import Fields, parse

# Stops caused by our own settings or code, which say nothing about the provider's health.
_OUR_OWN = ("private_address", "bad_url", "unencodable", "permit", "fault")


@dataclass(frozen=True)
class JsonAnswer:
    """A complete, readable answer: one JSON value, under a status other than a redirect and 429."""

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
    """Return the failure of a request of which, by the wire's count, no byte was sent."""
    outage = exchange.stop not in _OUR_OWN
    return NotSent(exchange.stop or "not_sent", exchange.error, exchange, outage=outage)


def command_answer(exchange: Exchange, *id_keys: str) -> JsonAnswer:
    """Return the answer to a request that changes something. Raises NotSent, Refused (429 only) or InDoubt.

    `id_keys` are the keys whose values, in an answer that cannot be trusted, become the candidates of InDoubt.
    """
    if exchange.send_calls == 0:
        raise not_sent(exchange)
    body = read_body(exchange)
    mentioned: tuple[str, ...] = ()
    if id_keys:
        mentioned = mentioned_ids(list(body.fragments) if body.problem else inside_text(body.value), id_keys)
    if not exchange.complete:
        raise InDoubt(exchange.stop or "incomplete", exchange.error, exchange, candidates=mentioned)
    if exchange.http_status == 429 and not mentioned:
        raise Refused(ErrorClass.RATE_LIMITED, "HTTP 429", exchange)
    if 300 <= (exchange.http_status or 0) < 400:
        raise InDoubt("redirect", "the provider redirects", exchange, candidates=mentioned)
    if body.problem:
        raise InDoubt(body.problem, _status_text(exchange), exchange, candidates=mentioned, outage=_is_down(exchange))
    return JsonAnswer(exchange, body.value, body.noise)


def question_answer(exchange: Exchange, *, unreadable_is_outage: bool = False) -> JsonAnswer:
    """Return the answer to a request that only asks. Raises Unavailable."""
    if not exchange.complete:
        outage = exchange.stop not in (*_OUR_OWN, "too_large")
        raise Unavailable(exchange.stop or "incomplete", exchange.error, exchange, outage=outage)
    if exchange.http_status == 429:
        raise Unavailable("rate_limited", "HTTP 429", exchange, error_class=ErrorClass.RATE_LIMITED)
    if 300 <= (exchange.http_status or 0) < 400:
        raise Unavailable("redirect", "the provider redirects", exchange)
    body = read_body(exchange)
    if body.problem:
        outage = unreadable_is_outage or _is_down(exchange)
        raise Unavailable(body.problem, _status_text(exchange), exchange, outage=outage)
    return JsonAnswer(exchange, body.value, body.noise)


def refuse(
    answer: JsonAnswer, error: ErrorTexts, dialect: Dialect, *, on_add: bool = False, candidates: tuple[str, ...] = ()
) -> NoReturn:
    """Raise what an error means for a command: Refused if the error table allows that, else InDoubt."""
    exchange = answer.exchange
    if candidates:
        raise InDoubt("id_and_error", error.text, exchange, candidates=candidates, outage=answer.is_outage)
    if not error.texts:
        raise InDoubt("wordless_error", "", exchange, outage=answer.is_outage)
    found = class_of(answer, error, dialect, on_add=on_add)
    if found is ErrorClass.SERVER_FAULT:
        raise InDoubt("server_fault", error.text, exchange, error_class=found, outage=answer.is_outage)
    if found is None:
        if answer.is_outage or answer.noise:
            raise InDoubt("unlisted_error", error.text, exchange, outage=answer.is_outage)
        found = ErrorClass.OTHER
    raise Refused(found, error.text, exchange, noise=answer.noise, outage=answer.is_outage)


def unavailable(answer: JsonAnswer, error: ErrorTexts, dialect: Dialect) -> NoReturn:
    """Raise Unavailable for an error that is the answer to a whole question."""
    found = class_of(answer, error, dialect) or ErrorClass.OTHER
    raise Unavailable("error", error.text, answer.exchange, error_class=found, outage=answer.is_outage)


def require_success(answer: JsonAnswer) -> None:
    """Raise Unavailable under an HTTP error status: a question does not trust such content, readable or not."""
    if not answer.is_success:
        raise Unavailable("http_status", _status_text(answer.exchange), answer.exchange, outage=answer.is_outage)


def malformed(answer: JsonAnswer, reason: str = "malformed", text: str = "") -> NoReturn:
    raise Unavailable(reason, text, answer.exchange, outage=answer.is_outage)


def class_of(answer: JsonAnswer, error: ErrorTexts, dialect: Dialect, *, on_add: bool = False) -> ErrorClass | None:
    return classify(error.texts, on_add=on_add, http_status=answer.status, additions=dialect.error_map)


def item_class(error: ErrorTexts, dialect: Dialect) -> ErrorClass:
    """Return the class of an error inside a batch, where the HTTP status says nothing about one item."""
    found = classify(error.texts, on_add=False, http_status=None, additions=dialect.error_map)
    return found or ErrorClass.OTHER


def opened(fields: Fields, *expected: str) -> Fields:
    """Return the object under `data` if the outer one has none of the expected keys, else the outer one."""
    inner = fields.get("data")
    if isinstance(inner, dict) and not any(key in fields for key in expected):
        return Fields(inner)
    return fields


def inside_text(value: Any) -> Any:
    """Return the JSON inside a JSON string. It is never an answer, but the ids it names may be asked for."""
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


def _status_text(exchange: Exchange) -> str:
    return f"HTTP {exchange.http_status}"
