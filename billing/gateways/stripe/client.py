"""Stripe's library, over our own bounded HTTP, and its errors in two kinds: no answer, and a definite no."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import stripe
from django.conf import settings

from billing.gateways.calls import exchange
from billing.gateways.contract import Config, NoAnswer
from billing.gateways.reading import Unreadable, read_json

log = logging.getLogger(__name__)

stripe.enable_telemetry = False
# The library would log what it sends and gets, customers' addresses among it.
logging.getLogger("stripe").setLevel(logging.CRITICAL)


class StripeRefused(Exception):
    """Stripe refused a call, and nothing happened. ``code`` is Stripe's word for why, and may be empty."""

    def __init__(self, status: int, code: str, request_id: str) -> None:
        self.status = status
        self.code = code
        super().__init__(f"Stripe refused it: HTTP {status} {code} {request_id}".rstrip())


class StripeUnclear(NoAnswer):
    """Stripe answered with a status, and not as Stripe answers: what was asked may or may not have happened."""

    def __init__(self, status: int, request_id: str) -> None:
        self.status = status
        super().__init__(f"Stripe answered HTTP {status} {request_id}".rstrip())


class _Http(stripe.HTTPClient):
    """What carries the library's calls."""

    name = "permille"

    def request(
        self, method: str, url: str, headers: Any, post_data: Any = None, *, _usage: Any = None
    ) -> tuple[str, int, Mapping[str, str]]:
        body = post_data.encode() if isinstance(post_data, str) else post_data or b""
        try:
            answer = exchange(method.upper(), url, headers=headers or {}, body=body, allow_private=True)
            text = _refusal(answer.body) if 400 <= answer.status < 500 else answer.body.decode()
            return text, answer.status, answer.headers
        except (NoAnswer, UnicodeDecodeError) as problem:
            text = str(problem) if isinstance(problem, NoAnswer) else "the answer is no text"
            raise stripe.APIConnectionError(text) from None


def _refusal(body: bytes) -> str:
    """Return the text of a refusal for the library, which stumbles over one without an error of Stripe's shape."""
    try:
        said = read_json(body)
    except Unreadable:
        return "{}"
    return body.decode() if isinstance(said, dict) and isinstance(said.get("error"), dict) else "{}"


def client_of(config: Config) -> stripe.StripeClient:
    """Return a client for the owner's account. It repeats nothing by itself: the core does, with the same key."""
    return stripe.StripeClient(
        config.values.get("secret_key", ""),
        base_addresses={"api": settings.STRIPE_API_ADDRESS},
        http_client=_Http(),
        max_network_retries=0,
    )


def facts_of(answer: Any) -> dict[str, Any]:
    """Return an answer of the library as plain values, read from its very text. Raises NoAnswer."""
    try:
        facts = read_json(answer.last_response.body.encode())
    except Unreadable as problem:
        raise NoAnswer(f"Stripe's answer cannot be read: {problem}") from None
    if not isinstance(facts, dict):
        raise NoAnswer("Stripe's answer cannot be read")
    return facts


@contextmanager
def stripes_errors() -> Iterator[None]:
    """Turn the library's errors into StripeRefused, for a definite no, and NoAnswer. Their texts are not passed on."""
    try:
        yield
    except (
        stripe.InvalidRequestError,
        stripe.IdempotencyError,
        stripe.CardError,
        stripe.AuthenticationError,
        stripe.PermissionError,
    ) as problem:
        if isinstance(problem, stripe.IdempotencyError):
            log.error("Stripe has another request under the same key: %s", _request_id(problem))
        code = "idempotency" if isinstance(problem, stripe.IdempotencyError) else str(problem.code or "")[:60]
        raise StripeRefused(problem.http_status or 0, code, _request_id(problem)) from None
    except stripe.APIConnectionError as problem:
        raise NoAnswer(str(problem.user_message or "")[:200]) from None
    except stripe.RateLimitError as problem:
        # Also where it came as HTTP 400.
        raise StripeUnclear(429, _request_id(problem)) from None
    except stripe.StripeError as problem:
        raise StripeUnclear(problem.http_status or 0, _request_id(problem)) from None
    except (KeyError, TypeError, AttributeError) as problem:
        # The library expects the shapes that Stripe documents, and stumbles over others.
        raise NoAnswer(f"Stripe's answer cannot be read: {type(problem).__name__}") from None


def _request_id(problem: stripe.StripeError) -> str:
    text = str(problem.request_id or "")[:60]
    return text if text.isascii() and text.isprintable() else ""
