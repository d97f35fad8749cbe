"""NOWPayments as its documentation describes it: payments, their states, and signed calls of our webhook."""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from billing.models import TopUp
from billing.topups import events
from core.clock import database_now
from tests.billing.topups.fakes.server import FakeServer, Request

API_KEY = "NP-5Kd8Qw2-TzXb9Vn-Rm4Hc7J-Lp1Gf6Y"
IPN_SECRET = "nW8r3Ks6Yb1Qz5Vd0Tj4Mf9X"
#: How much of the coin one unit of the price costs.
RATE = Decimal("1.00494")


def number(value: Any) -> str:
    """A number as it is to stand in the JSON: `to_json` takes its quotes away."""
    return f"#{value}"


def to_json(value: Any, **how: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), **how)
    return re.sub(r'"#([0-9.eE+-]+)"', r"\1", text).encode()


@dataclass
class NowPayments(FakeServer):
    """Its server. Payments are kept by id, as they are answered."""

    payments: dict[str, dict[str, Any]] = field(default_factory=dict)
    least: Decimal = Decimal("0.5")

    def __post_init__(self) -> None:
        super().__init__()

    def answer(self, request: Request) -> tuple[int, Any]:
        if request.headers.get("x-api-key") != API_KEY:
            return 403, {"statusCode": 403, "code": "INVALID_API_KEY", "message": "Invalid api key"}
        if (request.verb, request.path) == ("POST", "/v1/payment"):
            return self._create(json.loads(request.body, parse_float=Decimal, parse_int=Decimal))
        if request.path == "/v1/min-amount":
            return self._minimum(request.query)
        found = self.payments.get(request.path.removeprefix("/v1/payment/"))
        if found is None:
            return 404, {"statusCode": 404, "code": "NOT_FOUND", "message": "Payment not found"}
        return 200, to_json(found)

    def _create(self, asked: dict[str, Any]) -> tuple[int, Any]:
        if asked["price_amount"] < self.least:
            return 400, {"statusCode": 400, "code": "AMOUNT_MINIMAL_ERROR", "message": "amountTo is too small"}
        if asked["pay_currency"] not in ("usdttrc20", "btc", "xrp"):
            return 400, {"statusCode": 400, "code": "INVALID_REQUEST_PARAMS", "message": "no such currency"}
        payment_id = str(4944856000 + len(self.payments))
        memo = {"xrp": "3312744"}.get(asked["pay_currency"])
        self.payments[payment_id] = {
            "payment_id": number(payment_id),
            "payment_status": "waiting",
            "pay_address": f"TSampleAddressForPermille{payment_id}",
            "payin_extra_id": memo,
            "price_amount": number(asked["price_amount"]),
            "price_currency": asked["price_currency"],
            "pay_amount": number((asked["price_amount"] * RATE).quantize(Decimal("0.000001"))),
            "actually_paid": number(0),
            "pay_currency": asked["pay_currency"],
            "order_id": asked["order_id"],
            "order_description": asked["order_description"],
            "purchase_id": number(6029188331),
            "outcome_amount": number("1.2e-7"),
            "outcome_currency": "btc",
            "updated_at": number(1790000000000),
        }
        return 201, to_json({**self.payments[payment_id], "payment_id": payment_id})

    def _minimum(self, query: str) -> tuple[int, Any]:
        if "currency_from=usdttrc20" not in query and "currency_from=btc" not in query and "xrp" not in query:
            return 400, {"statusCode": 400, "code": "INVALID_REQUEST_PARAMS", "message": "no such currency"}
        return 200, to_json({"min_amount": number("9.6"), "fiat_equivalent": number("9.63")})

    def change(self, payment_id: str, /, **changed: Any) -> dict[str, Any]:
        """Change a payment, as the network and NOWPayments do; return it."""
        row = self.payments[payment_id]
        row.update(changed, updated_at=number(int(row["updated_at"][1:]) + 1000))
        return row

    def redeposit(self, payment_id: str, sent: str, **changed: Any) -> str:
        """Make another payment to the same address; return its id. Its price is the whole one, as it really is."""
        new_id = str(5077710000 + len(self.payments))
        first = self.payments[payment_id]
        further = {"payment_id": number(new_id), "parent_payment_id": number(payment_id), "actually_paid": number(sent)}
        self.payments[new_id] = {**first, **further, "payment_status": "finished", **changed}
        return new_id

    def ipn(self, payment_id: str, key: str = IPN_SECRET) -> tuple[dict[str, str], bytes]:
        """A call of the webhook, signed as its documentation says: headers and body."""
        event = {"fee": {"serviceFee": number("0.1"), "currency": "x"}, **self.payments[payment_id]}
        signature = hmac.new(key.encode(), to_json(event, sort_keys=True), hashlib.sha512).hexdigest()
        return {"x-nowpayments-sig": signature}, to_json(event)


class NowPaymentsDriver:
    """What customers do with their coins, and NOWPayments with its calls."""

    secrets = {"api_key": API_KEY, "ipn_secret": IPN_SECRET}

    @cached_property
    def fake(self) -> NowPayments:
        return NowPayments()

    @property
    def settings(self) -> dict[str, str]:
        return {"address": self.fake.url, "coins": "usdttrc20: USDT on TRON\nbtc: Bitcoin\nxrp: XRP\n"}

    def pays(self, topup: TopUp, share: str = "1") -> None:
        row = self.fake.payments[topup.remote_id]
        wanted = Decimal(row["pay_amount"][1:])
        sent = Decimal(row["actually_paid"][1:]) + wanted * Decimal(share)
        status = "finished" if sent >= wanted else "partially_paid"
        self.fake.change(topup.remote_id, payment_status=status, actually_paid=number(sent))

    def fails(self, topup: TopUp) -> None:
        self.fake.change(topup.remote_id, payment_status="failed")

    def call(self, topup: TopUp) -> tuple[dict[str, str], bytes]:
        return self.fake.ipn(topup.remote_id)

    def calls(self, topup: TopUp, payment_id: str = "") -> bool:
        headers, body = self.fake.ipn(payment_id or topup.remote_id)
        return events.receive(topup.method, headers=headers, body=body, now=database_now())
