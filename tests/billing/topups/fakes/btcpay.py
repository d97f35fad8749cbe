"""BTCPay Server as its Greenfield documentation describes it: invoices, payments, pull payments, signed deliveries."""

import hashlib
import hmac
import json
import secrets
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from billing.models import TopUp
from billing.topups import events
from core.clock import database_now
from tests.billing.topups.fakes.server import FakeServer, Request

STORE = "9CiNzKoANXxmk5ayZngSXrHTiVvvgCrwrpFQd4m2K776"
API_KEY = "b4c7d9e1f3a58260cbd41e7f92a3586d0c7b1e4f"
WEBHOOK_SECRET = "4pYt7XzKq2Lw9Rn5Vb8Jd3"


class BtcPay(FakeServer):
    """The owner's server, with one store."""

    def __init__(self) -> None:
        super().__init__()
        self.invoices: dict[str, dict[str, Any]] = {}
        #: Whether payments of an invoice wait for confirmations.
        self.unconfirmed: set[str] = set()
        self.pulls: list[dict[str, Any]] = []

    def answer(self, request: Request) -> tuple[int, Any]:
        if request.headers.get("authorization") != f"token {API_KEY}":
            return 401, {"code": "unauthenticated", "message": "Authentication is required"}
        if not request.path.startswith(f"/api/v1/stores/{STORE}/"):
            return 403, {"code": "missing-permission", "message": "Insufficient API Permissions"}
        path = request.path.removeprefix(f"/api/v1/stores/{STORE}/")
        asked = json.loads(request.body) if request.body else {}
        match [request.verb, *path.split("/")]:
            case ["GET", "invoices"] if "startDate=" in request.query:
                return 200, self._page(dict(parse_qsl(request.query)))
            case ["GET", "invoices"]:
                wanted = request.query.removeprefix("orderId=")
                return 200, [row for row in self.invoices.values() if row["metadata"].get("orderId") == wanted]
            case ["POST", "invoices"]:
                return self._create(asked)
            case ["GET", "pull-payments"]:
                return 200, self.pulls
            case ["GET", "invoices", invoice_id] if invoice_id in self.invoices:
                return 200, self.invoices[invoice_id]
            case ["GET", "invoices", invoice_id, "payment-methods"]:
                status = "Processing" if invoice_id in self.unconfirmed else "Settled"
                return 200, [{"paymentMethodId": "BTC-CHAIN", "payments": [{"id": "x", "status": status}]}]
            case ["POST", "invoices", invoice_id, "refund"] if invoice_id in self.invoices:
                return self._refund(asked)
        return 404, {"code": "not-found", "message": "Not found"}

    def _page(self, asked: dict[str, str]) -> list[dict[str, Any]]:
        rows = [row for row in self.invoices.values() if row["createdTime"] >= int(asked["startDate"])]
        return rows[int(asked["skip"]) :][: int(asked["take"])]

    def _create(self, asked: dict[str, Any]) -> tuple[int, Any]:
        if not isinstance(asked.get("amount"), str) or Decimal(asked["amount"]) < 0:
            return 422, [{"path": "amount", "message": "The amount should be 0 or more."}]
        invoice_id, now = secrets.token_hex(11), int(database_now().timestamp())
        self.invoices[invoice_id] = {
            "id": invoice_id,
            "storeId": STORE,
            "amount": asked["amount"],
            "paidAmount": "0",
            "currency": asked["currency"],
            "checkoutLink": f"{self.url}/i/{invoice_id}",
            "createdTime": now,
            "expirationTime": now + 60 * asked["checkout"]["expirationMinutes"],
            "status": "New",
            "additionalStatus": "None",
            "metadata": asked["metadata"],
            "checkout": asked["checkout"],
        }
        return 200, self.invoices[invoice_id]

    def _refund(self, asked: dict[str, Any]) -> tuple[int, Any]:
        if asked.get("refundVariant") != "Custom":
            return 422, [{"path": "refundVariant", "message": "`refundVariant` is not allowed"}]
        pull_id = secrets.token_hex(4)
        amount = {"amount": asked["customAmount"], "currency": asked["customCurrency"]}
        link = f"{self.url}/pull-payments/{pull_id}"
        self.pulls.append({"id": pull_id, "name": asked["name"], "viewLink": link, "archived": False, **amount})
        return 200, self.pulls[-1]

    def change(self, invoice_id: str, status: str, detail: str = "None", paid: str = "") -> None:
        row = self.invoices[invoice_id]
        row |= {"status": status, "additionalStatus": detail, "paidAmount": paid or row["paidAmount"]}

    def delivery(self, invoice_id: str, kind: str = "InvoiceSettled", **changed: Any) -> tuple[dict[str, str], bytes]:
        """A call of the webhook: indented JSON, signed; a repeat with its `originalDeliveryId` is a redelivery."""
        delivery = secrets.token_hex(8)
        event = {
            "manuallyMarked": False,
            "deliveryId": delivery,
            "webhookId": "W5pGq2rXn8",
            "originalDeliveryId": delivery,
            "isRedelivery": False,
            "type": kind,
            "timestamp": 1790000000,
            "storeId": STORE,
            "invoiceId": invoice_id,
            "metadata": self.invoices[invoice_id]["metadata"] if invoice_id in self.invoices else {},
            **changed,
        }
        body = json.dumps(event, indent=2).encode()
        signature = hmac.new(WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
        return {"btcpay-sig": f"sha256={signature}"}, body


class BtcPayDriver:
    """What customers do on the server's page, and the server with its deliveries."""

    secrets = {"api_key": API_KEY, "webhook_secret": WEBHOOK_SECRET}

    @cached_property
    def fake(self) -> BtcPay:
        return BtcPay()

    @property
    def settings(self) -> dict[str, str]:
        return {"address": self.fake.url, "store": STORE}

    def pays(self, topup: TopUp, share: str = "1") -> None:
        row = self.fake.invoices[topup.remote_id]
        paid = Decimal(row["paidAmount"]) + Decimal(row["amount"]) * Decimal(share)
        if paid < Decimal(row["amount"]):
            self.fake.change(topup.remote_id, "Expired", "PaidPartial", str(paid))
        else:
            self.fake.change(topup.remote_id, "Settled", "PaidOver" if share != "1" else "None", str(paid))

    def fails(self, topup: TopUp) -> None:
        self.fake.change(topup.remote_id, "Invalid")

    def call(self, topup: TopUp) -> tuple[dict[str, str], bytes]:
        return self.fake.delivery(topup.remote_id)

    def calls(self, topup: TopUp, kind: str = "InvoiceSettled") -> bool:
        headers, body = self.fake.delivery(topup.remote_id, kind)
        return events.receive(topup.method, headers=headers, body=body, now=database_now())
