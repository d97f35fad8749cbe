"""Cryptomus, or Heleket, as its documentation describes it: invoices, their states, and calls signed as PHP signs."""

import base64
import hashlib
import json
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import uuid4

from billing.models import TopUp
from billing.topups import events
from core.clock import database_now
from tests.billing.topups.fakes.server import FakeServer, Request

MERCHANT = "8b03432e-385b-4670-8d06-064591096795"
#: How much of the coin one unit of the price costs.
RATE = Decimal("1.0048")


def md5_sign(body: bytes, key: str) -> str:
    return hashlib.md5(base64.b64encode(body) + key.encode()).hexdigest()  # noqa: S324 - their protocol


class Cryptomus(FakeServer):
    """Its server. Invoices are kept by our reference: a repeated one finds the first."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key
        self.invoices: dict[str, dict[str, Any]] = {}

    def answer(self, request: Request) -> tuple[int, Any]:
        if request.headers.get("merchant") != MERCHANT or request.headers.get("sign") != md5_sign(
            request.body, self.key
        ):
            return 401, {"state": 1, "message": "Invalid Sign."}
        asked = json.loads(request.body)
        if request.path == "/v1/payment":
            return self._create(asked)
        if request.path == "/v1/payment/list":
            return self._list(asked, request.query)
        found = self.invoices.get(asked.get("order_id", "")) or self.by_uuid(asked.get("uuid", ""))
        return (200, {"state": 0, "result": found}) if found else (404, {"state": 1, "message": "Payment not found"})

    def _list(self, asked: dict[str, Any], query: str) -> tuple[int, Any]:
        """One invoice a page, the newest first."""
        rows = [row for row in self.invoices.values() if row["created_at"][:10] >= asked["date_from"][:10]][::-1]
        place = int(query.removeprefix("cursor=") or 0)
        following = str(place + 1) if place + 1 < len(rows) else None
        return 200, {
            "state": 0, "result": {"items": rows[place : place + 1], "paginate": {"nextCursor": following}},
        }  # fmt: skip

    def by_uuid(self, uuid: str) -> dict[str, Any] | None:
        return next((row for row in self.invoices.values() if row["uuid"] == uuid), None)

    def _create(self, asked: dict[str, Any]) -> tuple[int, Any]:
        if "amount" not in asked or not 300 <= asked["lifetime"] <= 43200 or len(asked["url_callback"]) > 255:
            return 422, {"state": 1, "errors": {"amount": ["validation.required"]}}
        if Decimal(asked["amount"]) < Decimal("0.5"):
            return 200, {"state": 1, "message": "Minimum amount 0.5 USDT"}
        uuid = str(uuid4())
        row = {
            "uuid": uuid,
            "order_id": asked["order_id"],
            "amount": asked["amount"],
            "currency": asked["currency"],
            "payer_amount": str(Decimal(asked["amount"]) * RATE),
            "payment_amount": None,
            "payer_currency": "USDT",
            "payment_status": "check",
            "url": f"https://pay.cryptomus.com/pay/{uuid}",
            "created_at": database_now().isoformat(),
            "expired_at": int(database_now().timestamp()) + asked["lifetime"],
        }
        return 200, {"state": 0, "result": self.invoices.setdefault(asked["order_id"], row)}

    def change(self, topup: TopUp, status: str, sent: Decimal | None = None) -> None:
        row = self.invoices[topup.reference]
        row["payment_status"] = row["status"] = status
        if sent is not None:
            row["payment_amount"] = str(sent)

    def webhook(self, topup: TopUp, **changed: Any) -> bytes:
        """A call of the webhook, written and signed as PHP does it."""
        row = self.invoices[topup.reference]
        event = {"type": "payment", **row, "status": row["payment_status"], "additional_data": "a/b ü", **changed}
        text = json.dumps(event, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")
        body = text.replace("\u2028", "\\u2028").encode()
        return body[:-1] + f',"sign":"{md5_sign(body, self.key)}"}}'.encode()


class CryptomusDriver:
    """What customers do on the service's page, and the service with its calls."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.secrets = {"payment_key": key}

    @cached_property
    def fake(self) -> Cryptomus:
        return Cryptomus(self.key)

    @property
    def settings(self) -> dict[str, str]:
        return {"address": self.fake.url, "merchant": MERCHANT}

    def pays(self, topup: TopUp, share: str = "1") -> None:
        row = self.fake.invoices[topup.reference]
        wanted = Decimal(row["payer_amount"])
        sent = Decimal(row["payment_amount"] or 0) + wanted * Decimal(share)
        status = "paid" if sent == wanted else "paid_over" if sent > wanted else "wrong_amount"
        self.fake.change(topup, status, sent)

    def fails(self, topup: TopUp) -> None:
        self.fake.change(topup, "fail")

    def call(self, topup: TopUp) -> tuple[dict[str, str], bytes]:
        return {}, self.fake.webhook(topup)

    def calls(self, topup: TopUp) -> bool:
        return events.receive(topup.method, headers={}, body=self.fake.webhook(topup), now=database_now())
