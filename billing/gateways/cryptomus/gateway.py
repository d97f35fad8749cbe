"""Cryptomus and Heleket as the core sees them: one protocol at two hosts."""

import base64
import hashlib
import hmac
import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from billing.gateways.calls import Answer, call, page_address
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
    ListedPayment,
    NoAnswer,
    Reading,
    Spec,
    Started,
)
from billing.gateways.cryptomus.invoices import UUID, listed, reading_of
from billing.gateways.reading import Unreadable, digits, read_json

log = logging.getLogger(__name__)

LIFETIME = timedelta(hours=1)
#: Answers of one list.
_MOST_PAGES = 200
_UNIX = re.compile(r"[0-9]{10}\Z", re.ASCII)
#: The signature is the last member, and covers the bytes before it.
_SIGN = re.compile(rb',"sign":"([0-9a-f]{32})"\}\Z')


class CryptomusGateway(Gateway):
    """One of the two services. ``warning`` is what an owner should know before choosing it."""

    def __init__(self, name: str, title: str, host: str, warning: str | Promise = "") -> None:
        self.host = host
        self.spec = Spec(
            name=name,
            title=title,
            fields=(
                ConfigField("merchant", _("Merchant UUID"), warning),
                ConfigField("payment_key", _("Payment API key"), is_secret=True, signs_calls=True),
                ConfigField(
                    "address", _("API address"), _("Leave it empty: the service's own is known."), is_address=True,
                    is_required=False,
                ),
            ),
            abilities=frozenset({Ability.WEBHOOK, Ability.LIST, Ability.REFUND_BY_HAND}),
            lives_for=LIFETIME,
        )  # fmt: skip

    def check(self, config: Config) -> list[str]:
        if not config.is_live:
            return [_t("%(gateway)s has no test mode: tick “live”.") % {"gateway": self.spec.title}]
        answer = self._call("/v1/payment/info", {"order_id": "0" * 32}, config)
        message = str(answer.value.get("message", "")) if isinstance(answer.value, dict) else ""
        if answer.status in (401, 403) or re.search("sign|merchant", message, re.IGNORECASE):
            return [_t("%(gateway)s does not accept the merchant UUID or the key.") % {"gateway": self.spec.title}]
        return []

    def start(self, asked: Asked, config: Config) -> Started | Declined:
        if not config.is_live:
            return Declined(_t("This way of paying is not set up yet. Choose another one."))
        order = {
            "amount": digits(asked.amount, asked.currency),
            "currency": asked.currency,
            "order_id": asked.reference,
            "url_return": asked.return_url,
            "url_success": asked.return_url,
            "url_callback": config.webhook_url,
            "lifetime": int(LIFETIME.total_seconds()),
            "is_payment_multiple": True,
            # Otherwise less than the whole amount could count as all of it.
            "accuracy_payment_percent": 0,
        }
        answer = self._call("/v1/payment", order, config)
        result = _result(answer)
        if result is None:
            log.warning("%s refused %s: HTTP %d", self.spec.name, asked.number, answer.status)
            return Declined(_t("The payment service refused this payment. Choose another amount or way to pay."))
        uuid, expires = result.get("uuid"), result.get("expired_at")
        if not (isinstance(uuid, str) and UUID.match(uuid)) or result.get("order_id") != asked.reference:
            raise NoAnswer("another invoice than the one that was asked for")
        is_time = isinstance(expires, str) and _UNIX.match(expires)
        until = datetime.fromtimestamp(int(str(expires)), UTC) if is_time else None
        return Started(uuid, pay_url=page_address(result.get("url")), expires_at=until)

    def verify(self, headers: Mapping[str, str], body: bytes, config: Config, now: datetime) -> Hint:
        # 1. Over the bytes as they came: the sender writes JSON as PHP does, which no other writer repeats.
        key, found = config.values.get("payment_key", ""), _SIGN.search(body)
        if len(key) < 16 or found is None:
            raise Forged("no signature at the end")
        if not hmac.compare_digest(found[1], sign(body[: found.start()] + b"}", key).encode()):
            raise Forged("wrong signature")
        try:
            event = read_json(body)
        except Unreadable as problem:
            raise Forged("not readable") from problem
        # 2. Static wallets and payouts are not ours.
        uuid = event.get("uuid")
        if event.get("type") != "payment" or not (isinstance(uuid, str) and UUID.match(uuid)):
            raise Ignored("not about an invoice")
        status = str(event.get("status"))[:40]
        # A state may come again with more money, so the whole body tells one call from another.
        event_id = f"{uuid}:{status}:{hashlib.sha256(body).hexdigest()}"
        return Hint(event_id, status, uuid, str(event.get("order_id") or "")[:64])

    def fetch(self, asked: Asked, payment_ids: frozenset[str], config: Config) -> Reading:
        answer = self._call("/v1/payment/info", {"uuid": asked.remote_id}, config)
        result = _result(answer)
        if result is None:
            raise NoAnswer(f"HTTP {answer.status}")
        try:
            return reading_of(asked, result)
        except Unreadable as problem:
            raise NoAnswer(str(problem)) from problem

    def list_payments(self, since: datetime, config: Config) -> list[ListedPayment]:
        # Its times are of Moscow; a day more lists some payments that are known, and none is missed.
        order = {"date_from": (since - timedelta(days=1)).strftime("%Y-%m-%d %H:%M:%S")}
        found: list[ListedPayment] = []
        cursor = ""
        for _page in range(_MOST_PAGES):
            answer = self._call(f"/v1/payment/list{cursor}", order, config)
            result = _result(answer)
            if result is None or not isinstance(result.get("items"), list):
                raise NoAnswer(f"no list of payments: HTTP {answer.status}")
            found += [paid for row in result["items"] if (paid := listed(row, since)) is not None]
            following = result.get("paginate")
            after = following.get("nextCursor") if isinstance(following, dict) else None
            if not isinstance(after, str) or not after:
                return found
            cursor = f"?{urlencode({'cursor': after[:500]})}"
        raise NoAnswer(f"{self.spec.title} lists more payments than this shop reads at once")

    def _call(self, path: str, fields: Mapping[str, Any], config: Config) -> Answer:
        body = json.dumps(fields).encode()
        headers = {
            "merchant": config.values.get("merchant", "").strip(),
            "sign": sign(body, config.values.get("payment_key", "")),
            "Content-Type": "application/json",
        }
        host = config.values.get("address") or self.host
        return call("POST", host.rstrip("/") + path, headers=headers, body=body)


def sign(body: bytes, key: str) -> str:
    """Return the signature of a body, as both sides make it."""
    return hashlib.md5(base64.b64encode(body) + key.encode()).hexdigest()  # noqa: S324 - their protocol has no other


def _result(answer: Answer) -> Mapping[str, Any] | None:
    """Return the invoice in an answer; None if the service refused."""
    if not answer.is_ok or answer.fields().get("state") != "0":
        return None
    result = answer.fields().get("result")
    return result if isinstance(result, dict) else None
