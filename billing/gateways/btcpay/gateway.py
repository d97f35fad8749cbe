"""BTCPay Server's Greenfield API as the core sees it."""

import hashlib
import hmac
import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from django.db.models import Q
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from billing.gateways.btcpay.invoices import ID, is_of, listed, reading_of
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
    RefundStarted,
    Spec,
    Started,
)
from billing.gateways.reading import Unreadable, digits, find_header, read_json
from billing.models import PaymentRefund
from billing.models.topups import RefundState
from core.clock import database_now

log = logging.getLogger(__name__)

SIGNATURE = "btcpay-sig"
REFUND = "InvoiceRefund"
#: What names of servers say of the money there.
_PLAY_MONEY = re.compile(r"testnet|regtest|signet")
LIFETIME, WATCHED = timedelta(hours=1), timedelta(days=7)
_SIGNED = re.compile(r"sha256=[0-9a-fA-F]{64}\Z", re.ASCII)
_DELIVERY = re.compile(r"[!-~]{1,100}\Z", re.ASCII)
_UNIX = re.compile(r"[0-9]{10}\Z", re.ASCII)
#: A refund of which no earlier try can be lost.
_FRESH = timedelta(minutes=10)
#: Invoices in one answer, and answers of one list.
PAGE, MOST_PAGES = 100, 200


def _is_first_try(key: str) -> bool:
    """True if nothing was sent under this key before. One that is older may have been, in hours that a restore lost."""
    fresh = database_now() - _FRESH
    return PaymentRefund.objects.filter(key=key, tries=1, created_at__gt=fresh).exists()


def _is_our_refund(invoice: str, pull_payment: object) -> bool:
    """True if this shop asked for the refund that a call is about: the wallet has paid for it."""
    asked = PaymentRefund.objects.filter(payment__payment_id=invoice)
    is_made = Q(refund_id__endswith=f"/{pull_payment}") if isinstance(pull_payment, str) else Q(pk=None)
    return asked.filter(is_made | Q(state=RefundState.WAITING)).exists()


class BtcPayGateway(Gateway):
    spec = Spec(
        name="btcpay",
        title="BTCPay Server",
        fields=(
            ConfigField("address", _("Address of your server"), _("Such as https://pay.example.com."), is_address=True),
            ConfigField("store", _("Store ID")),
            ConfigField("api_key", _("API key"), is_secret=True),
            ConfigField("webhook_secret", _("Secret of the webhook"), is_secret=True, signs_calls=True),
        ),
        abilities=frozenset({Ability.WEBHOOK, Ability.REFUND_LINK, Ability.LIST}),
        lives_for=LIFETIME,
        watched_for=WATCHED,
        headers=(SIGNATURE,),
    )

    def problems(self, config: Config) -> dict[str, str]:
        found: dict[str, str] = {}
        store = config.values.get("store", "")
        if store and not ID.match(store):
            found["store"] = _t("A store ID has letters and digits only.")
        if config.is_live and _PLAY_MONEY.search(urlsplit(config.values.get("address", "")).hostname or ""):
            found["address"] = _t("This is a server of a test network, where nobody pays.")
        return found

    def check(self, config: Config) -> list[str]:
        answer = self._call("GET", "/invoices?take=1", config)
        if answer.status in (401, 403):
            return [_t("The server does not accept the API key for this store, or the key may not see invoices.")]
        if not answer.is_ok:
            return [_t("The server answered with HTTP %(status)d. Check its address and the store ID.") % vars(answer)]
        return []

    def start(self, asked: Asked, config: Config) -> Started | Declined:
        # 1. One whose answer was lost is found by our reference: two invoices could both be paid.
        found = self._call("GET", f"/invoices?orderId={asked.reference}", config)
        if found.is_ok and isinstance(found.value, list):
            if (first := next((row for row in found.value if is_of(asked, row)), None)) is not None:
                return self._started(asked, first)
        elif found.status not in (401, 403, 404):
            raise NoAnswer(f"no list of invoices: HTTP {found.status}")
        # 2. A new one. A tolerance of the store could let less than the amount count as all of it.
        order = {
            "amount": digits(asked.amount, asked.currency),
            "currency": asked.currency,
            "metadata": {"orderId": asked.reference, "itemDesc": asked.number},
            "checkout": {
                "speedPolicy": "MediumSpeed",
                "expirationMinutes": int(LIFETIME.total_seconds()) // 60,
                "monitoringMinutes": int(WATCHED.total_seconds()) // 60,
                "paymentTolerance": 0,
                "redirectURL": asked.return_url,
                "redirectAutomatically": True,
            },
        }
        answer = self._call("POST", "/invoices", config, order)
        if not answer.is_ok:
            log.warning("BTCPay Server refused %s: HTTP %d", asked.number, answer.status)
            return Declined(_t("The payment service refused this payment. Choose another amount or way to pay."))
        return self._started(asked, answer.fields())

    def _started(self, asked: Asked, invoice: Mapping[str, Any]) -> Started:
        remote_id, expires = invoice.get("id"), invoice.get("expirationTime")
        if not (isinstance(remote_id, str) and ID.match(remote_id)) or not is_of(asked, invoice):
            raise NoAnswer("another invoice than the one that was asked for")
        is_time = isinstance(expires, str) and _UNIX.match(expires)
        until = datetime.fromtimestamp(int(str(expires)), UTC) if is_time else None
        return Started(remote_id, pay_url=page_address(invoice.get("checkoutLink")), expires_at=until)

    def verify(self, headers: Mapping[str, str], body: bytes, config: Config, now: datetime) -> Hint:
        key, given = config.values.get("webhook_secret", ""), find_header(headers, SIGNATURE)
        if len(key) < 16 or not _SIGNED.match(given):
            raise Forged("no signature")
        if not hmac.compare_digest(given.lower(), "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()):
            raise Forged("wrong signature")
        try:
            event = read_json(body)
        except Unreadable as problem:
            raise Forged("not readable") from problem
        kind, invoice = (event.get("type"), event.get("invoiceId")) if isinstance(event, dict) else (None, None)
        is_ours = isinstance(event, dict) and event.get("storeId") == config.values.get("store")
        if not (isinstance(kind, str) and kind.startswith("Invoice") and is_ours) or kind == "InvoiceCreated":
            raise Ignored("not about a payment of this store")
        if not (isinstance(invoice, str) and ID.match(invoice)):
            raise Ignored("it names no invoice")
        # A repeated delivery has a new id and signature, and keeps the first one's id.
        delivery, metadata = event.get("originalDeliveryId"), event.get("metadata")
        if not (isinstance(delivery, str) and _DELIVERY.match(delivery)):
            delivery = hashlib.sha256(body).hexdigest()
        reference = str(metadata.get("orderId") or "")[:64] if isinstance(metadata, dict) else ""
        warning = ""
        if kind == REFUND and not _is_our_refund(invoice, event.get("pullPaymentId")):
            warning = _t(
                "A refund link was made in BTCPay Server. When the customer takes the money, take it out of the wallet "
                "by hand: the server does not say it here."
            )
        return Hint(f"{delivery}:{kind[:60]}", kind[:80], invoice, reference, warning=warning)

    def fetch(self, asked: Asked, payment_ids: frozenset[str], config: Config) -> Reading:
        answer = self._call("GET", f"/invoices/{asked.remote_id}", config)
        if not answer.is_ok:
            raise NoAnswer(f"HTTP {answer.status}")
        try:
            return reading_of(asked, answer.fields(), config.is_live, lambda: self._is_settled(asked, config))
        except Unreadable as problem:
            raise NoAnswer(str(problem)) from problem

    def _is_settled(self, asked: Asked, config: Config) -> bool:
        """True if no payment of an invoice waits for confirmations. An expired invoice counts those, too."""
        answer = self._call("GET", f"/invoices/{asked.remote_id}/payment-methods", config)
        if answer.status in (404, 405):
            return True
        if not answer.is_ok or not isinstance(answer.value, list):
            raise NoAnswer(f"no payments: HTTP {answer.status}")
        payments = [p for row in answer.value if isinstance(row, dict) for p in row.get("payments") or ()]
        return not any(isinstance(payment, dict) and payment.get("status") == "Processing" for payment in payments)

    def refund(
        self, asked: Asked, payment_id: str, amount: Decimal, key: str, config: Config
    ) -> RefundStarted | Declined:
        """Make a link at which the customer takes ``amount``; a repeat finds it by its name, which is the key."""
        link = "" if _is_first_try(key) else self._link_of(key, config)
        if not link:
            wanted = {"name": key, "refundVariant": "Custom", "customAmount": digits(amount, asked.currency)}
            order = {**wanted, "customCurrency": asked.currency}
            answer = self._call("POST", f"/invoices/{payment_id}/refund", config, order)
            if not answer.is_ok:
                return Declined(_t("The server refused it with HTTP %(status)d.") % vars(answer))
            link = str(answer.fields().get("viewLink") or "")
        return RefundStarted(page_address(link))

    def _link_of(self, key: str, config: Config) -> str:
        """The link that an earlier try made; empty if there is none.

        It is in one list of all links ever made, and that of a busy store is larger than an answer may be.
        """
        found = self._call("GET", "/pull-payments?includeArchived=true", config)
        rows = found.value if found.is_ok and isinstance(found.value, list) else None
        if rows is None and found.status != 404:
            # Also where the key may not see them: the link may be there, and the customer may have taken the money.
            raise NoAnswer(f"no list of pull payments: HTTP {found.status}")
        mine = [row for row in rows or () if isinstance(row, dict) and row.get("name") == key]
        return str(mine[0].get("viewLink") or "") if mine else ""

    def list_payments(self, since: datetime, config: Config) -> list[ListedPayment]:
        found: list[ListedPayment] = []
        for page in range(MOST_PAGES):
            query = f"startDate={int(since.timestamp())}&skip={page * PAGE}&take={PAGE}"
            answer = self._call("GET", f"/invoices?{query}", config)
            if not answer.is_ok or not isinstance(answer.value, list):
                raise NoAnswer(f"no list of invoices: HTTP {answer.status}")
            found += [paid for invoice in answer.value if (paid := listed(invoice, since)) is not None]
            if len(answer.value) < PAGE:
                return found
        raise NoAnswer("the server lists more invoices than this shop reads at once")

    def _call(self, verb: str, path: str, config: Config, fields: Mapping[str, Any] | None = None) -> Answer:
        host, store = config.values.get("address", "").rstrip("/"), config.values.get("store", "")
        if not ID.match(store):
            raise NoAnswer("no store ID")
        headers = {"Authorization": f"token {config.values.get('api_key', '')}"}
        body = None if fields is None else json.dumps(fields).encode()
        if body is not None:
            headers["Content-Type"] = "application/json"
        return call(verb, f"{host}/api/v1/stores/{store}{path}", headers=headers, body=body)
