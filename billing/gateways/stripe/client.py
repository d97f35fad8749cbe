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


class _Http(stripe.HTTPClient):
    """What carries the library's calls."""

    name = "permille"

    def request(
        self, method: str, url: str, headers: Any, post_data: Any = None, *, _usage: Any = None
    ) -> tuple[str, int, Mapping[str, str]]:
        body = post_data.encode() if isinstance(post_data, str) else post_data or b""
        try:
            answer = exchange(method.upper(), url, headers=headers or {}, body=body, allow_private=True)
            return answer.body.decode(), answer.status, answer.headers
        except (NoAnswer, UnicodeDecodeError) as problem:
            text = str(problem) if isinstance(problem, NoAnswer) else "the answer is no text"
            raise stripe.APIConnectionError(text) from None


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
    except stripe.StripeError as problem:
        raise NoAnswer(f"Stripe answered HTTP {problem.http_status} {_request_id(problem)}".rstrip()) from None


def _request_id(problem: stripe.StripeError) -> str:
    text = str(problem.request_id or "")[:60]
    return text if text.isascii() and text.isprintable() else ""
