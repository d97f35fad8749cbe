"""The owner's own gateway as the core sees it. docs/gateways.md describes its calls."""

import json
import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from billing.gateways.calls import exchange
from billing.gateways.contract import (
    Ability,
    Asked,
    Config,
    ConfigField,
    Declined,
    Forged,
    Gateway,
    Hint,
    Ignored,
    NoAnswer,
    Payment,
    Reading,
    ReadState,
    Spec,
    Started,
)
from billing.gateways.reading import (
    Unreadable,
    amount_text,
    find_header,
    read_amount,
    read_currency,
    read_given,
    read_json,
)
from billing.gateways.signed.signatures import HEADER, demand_signature, digest_of, header_of

_STATES = {
    "pending": ReadState.PENDING,
    "paid": ReadState.PAID,
    "failed": ReadState.FAILED,
    "expired": ReadState.EXPIRED,
}
_MOST_BODY = 64 * 1024
_MOST_PAYMENTS = 100
_ID = re.compile(r"[A-Za-z0-9._:-]{1,200}\Z", re.ASCII)
_REFERENCE = re.compile(r"[0-9a-f]{32}\Z", re.ASCII)


class SignedGateway(Gateway):
    spec = Spec(
        name="signed",
        title=_("Your own gateway, with signed calls"),
        fields=(
            ConfigField(
                "start_address",
                _("Start address"),
                _("A page of your own program, where customers pay."),
                is_address=True,
            ),
            ConfigField(
                "status_address",
                _("Status address"),
                _("Your program answers here what became of a payment. Nothing is credited without it."),
                is_address=True,
            ),
            ConfigField(
                "request_key",
                _("Request key"),
                _("Signs what the shop sends to your program. At least 16 characters, 32 random ones are good."),
                is_secret=True,
            ),
            ConfigField(
                "answer_key",
                _("Answer key"),
                _("Signs what your program answers and sends to the shop. Another one than the request key."),
                is_secret=True,
                signs_calls=True,
            ),
        ),
        abilities=frozenset({Ability.WEBHOOK}),
        lives_for=timedelta(hours=24),
        watched_for=timedelta(days=30),
        headers=(HEADER,),
        icon="wallet",
    )

    def check(self, config: Config) -> list[str]:
        """Ask for the state of a payment that does not exist: it has to be pending."""
        if missing := [field for field in self.spec.fields if not config.values.get(field.name)]:
            return [_t("Fill in: %(field)s.") % {"field": str(field.label)} for field in missing]
        asked = Asked(
            reference=secrets.token_hex(16), number="T-0", amount=Decimal(1), currency=settings.SHOP_CURRENCY,
            remote_id="", return_url=settings.SHOP_URL, expires_at=timezone.now(),
        )  # fmt: skip
        found = self.fetch(asked, frozenset(), config)
        if found.state is not ReadState.PENDING or found.payments:
            return [_t("Your program says of a payment that does not exist: %(state)s.") % {"state": found.state.value}]
        if found.is_live != config.is_live:
            return [_t("Your program answers in the other mode.")]
        return []

    def start(self, asked: Asked, config: Config) -> Started | Declined:
        address = config.values.get("start_address", "")
        if not (address and config.values.get("status_address")):
            return Declined(_t("This way of paying is not set up yet."))
        query = urlencode(
            {
                **_facts(asked, config),
                "number": asked.number,
                "expires": int(asked.expires_at.timestamp()),
                "return_url": asked.return_url,
            }
        )
        at = _unix_now()
        try:
            v1 = digest_of(config.values.get("request_key", ""), at, query.encode())
        except Forged:
            return Declined(_t("This way of paying is not set up yet."))
        return Started(asked.reference, pay_url=f"{address}?{query}&t={at}&v1={v1}")

    def verify(self, headers: Mapping[str, str], body: bytes, config: Config, now: datetime) -> Hint:
        if len(body) > _MOST_BODY:
            raise Forged("too long")
        demand_signature(config.values.get("answer_key", ""), find_header(headers, HEADER), body, int(now.timestamp()))
        try:
            call = read_json(body)
        except Unreadable as problem:
            raise Forged("not readable") from problem
        if not isinstance(call, dict):
            raise Forged("not what a call says")
        # A program may sign other things, too, such as a ping, and serve a shop in the other mode.
        if (call.get("type"), call.get("mode")) != ("changed", "live" if config.is_live else "test"):
            raise Ignored("about nothing that this method asks for")
        event_id, reference = call.get("id"), call.get("reference")
        if not (_is_id(event_id) and _is_reference(reference)):
            raise Forged("not what a call says")
        return Hint(event_id=str(event_id), kind="changed", remote_id=str(reference), reference=str(reference))

    def fetch(self, asked: Asked, payment_ids: frozenset[str], config: Config) -> Reading:
        # 1. Ask. What is sent and what comes back names the same payment and the same question.
        nonce = secrets.token_hex(16)
        sent = {"type": "status", "nonce": nonce, **_facts(asked, config)}
        body = json.dumps(sent).encode()
        try:
            signature = header_of(config.values.get("request_key", ""), _unix_now(), body)
        except Forged as problem:
            raise NoAnswer(str(problem)) from None
        answer = exchange(
            "POST",
            config.values.get("status_address", ""),
            headers={HEADER: signature, "Content-Type": "application/json", "Accept": "application/json"},
            body=body,
            allow_private=settings.ALLOW_PRIVATE_PROVIDER_HOSTS,
        )
        if answer.status != 200:
            raise NoAnswer(f"HTTP {answer.status}")
        # 2. Believe nothing that is not signed, or that answers another question.
        try:
            key = config.values.get("answer_key", "")
            demand_signature(key, answer.headers.get(HEADER, ""), answer.body, _unix_now())
            said = read_json(answer.body)
            if (said["type"], said["nonce"], said["reference"]) != ("status", nonce, asked.reference):
                raise Forged("an answer to another question")
            return _reading(said)
        except Forged as problem:
            raise NoAnswer(f"the answer of your program: {problem}") from None
        except (Unreadable, KeyError, TypeError, AttributeError) as problem:
            text = f"{type(problem).__name__} {problem}"[:100]
            raise NoAnswer(f"the answer of your program cannot be read: {text}") from None


def _facts(asked: Asked, config: Config) -> dict[str, str]:
    amount, _blank, currency = amount_text(asked.amount, asked.currency).partition(" ")
    return {
        "reference": asked.reference,
        "amount": amount,
        "currency": currency,
        "mode": "live" if config.is_live else "test",
    }


def _reading(said: Mapping[str, Any]) -> Reading:
    """Return what an answer says. Raises Unreadable, KeyError and TypeError."""
    listed = [] if said.get("payments") is None else said["payments"]
    if said["mode"] not in ("live", "test") or said["state"] not in _STATES or not isinstance(listed, list):
        raise Unreadable("mode, state or payments")
    payments = tuple(_payment(one) for one in listed[: _MOST_PAYMENTS + 1])
    if len({payment.payment_id for payment in payments}) < len(listed):
        raise Unreadable("payments without ids of their own, or too many")
    return Reading(
        _STATES[said["state"]],
        said["mode"] == "live",
        read_amount(said["amount"]),
        read_currency(said["currency"]),
        payments,
    )


def _payment(one: Mapping[str, Any]) -> Payment:
    if not _is_id(one["id"]):
        raise Unreadable("the id of a payment")
    return Payment(
        one["id"],
        read_amount(one["amount"]),
        read_currency(one["currency"]),
        read_given(one.get("refunded")) or Decimal(0),
        read_given(one.get("charged_back")) or Decimal(0),
    )


def _is_id(value: Any) -> bool:
    return type(value) is str and _ID.match(value) is not None


def _is_reference(value: Any) -> bool:
    return type(value) is str and _REFERENCE.match(value) is not None


def _unix_now() -> int:
    return int(timezone.now().timestamp())
