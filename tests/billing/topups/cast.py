"""The cast of the stories about top-ups: payment methods, and what happens at each gateway's own side."""

import json
import secrets
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar
from uuid import uuid4

from accounts.models import User
from billing.audit import EQUATIONS, check
from billing.gateways.contract import Ability, Payment, Reading, ReadState
from billing.gateways.demo import remote
from billing.gateways.demo.gateway import SIGNATURE, sign
from billing.models import (
    PaymentMethod,
    TopUp,
    Transfer,
    TransferReview,
    Voucher,
    VoucherBatch,
)
from billing.topups import events, looking, methods, starting
from core.clock import database_now
from tests.billing.topups.fakes.btcpay import BtcPayDriver
from tests.billing.topups.fakes.cryptomus import CryptomusDriver
from tests.billing.topups.fakes.nowpayments import NowPaymentsDriver
from tests.billing.topups.signed.driver import SignedDriver
from tests.billing.topups.stripe.driver import StripeDriver

KEY = "a-signing-key-of-the-demo-7d1f"


def method(gateway: str = "demo", name: str = "Demo", **columns: Any) -> PaymentMethod:
    """A method that customers can use; live where its gateway has that mode."""
    driver = DRIVERS[gateway]
    row = PaymentMethod(
        **{
            "gateway": gateway,
            "name": name,
            "is_on": True,
            "is_live": methods.gateway_named(gateway).spec.has_live_mode,
            "currency": "USD",
            "settings": driver.settings,
            **columns,
        }
    )
    row.set_secrets(driver.secrets)
    row.save()
    return row


def started(customer: User, by: PaymentMethod, amount: str = "10", **given: Any) -> TopUp:
    values = {"method_id": by.pk, "amount": Decimal(amount), "nonce": uuid4().hex, "now": database_now(), **given}
    if Ability.CODE in methods.gateway_of(by).spec.abilities:
        price = methods.price_of(by, values["amount"])
        return starting.open_topup(customer, by, price, values["nonce"], now=values["now"])
    return starting.start(customer=customer, **values)


def looked(topup: TopUp, cause: str = "look") -> TopUp:
    return looking.look(topup.pk, cause=cause, now=database_now())


def moved(topup: TopUp) -> dict[str, Decimal]:
    """What a top-up moved by code, from the ledger itself."""
    found: dict[str, Decimal] = {}
    for transfer in Transfer.objects.filter(reference=f"topup:{topup.pk}"):
        found[transfer.code] = found.get(transfer.code, Decimal(0)) + transfer.amount
    return found


def broken() -> list[str]:
    """The equations of the books that do not hold."""
    return [f"{f.name}: {f.rows}" for f in check(EQUATIONS) if not f.holds]


def reading(topup: TopUp, *amounts: str, **changed: Any) -> Reading:
    """What a gateway would say about a top-up with payments of these amounts."""
    currency = changed.pop("currency", topup.pay_currency)
    refunded, charged_back = Decimal(changed.pop("refunded", "0")), Decimal(changed.pop("charged_back", "0"))
    payments = tuple(
        Payment(f"{topup.reference}-{n}", Decimal(amount), currency, *((refunded, charged_back) if n == 0 else ()))
        for n, amount in enumerate(amounts)
    )
    state = ReadState.PAID if payments else ReadState.PENDING
    facts = {"state": state, "is_live": topup.is_live, "asked_amount": topup.pay_amount}
    return Reading(**{**facts, "asked_currency": topup.pay_currency, "payments": payments, **changed})


@dataclass
class DemoDriver:
    """What a customer and his bank do at the demo's own side."""

    settings: ClassVar[dict[str, str]] = {}
    secrets: ClassVar[dict[str, str]] = {"signing_key": KEY}

    def pays(self, topup: TopUp, share: str = "1") -> None:
        remote.pay(topup.remote_id, Decimal(share))

    def approves(self, topup: TopUp) -> None:
        remote.approve(topup.remote_id)

    def fails(self, topup: TopUp) -> None:
        remote.fail(topup.remote_id)

    def charges_back(self, topup: TopUp) -> None:
        remote.charge_back(topup.remote_id)

    def loses_dispute(self, topup: TopUp) -> None:
        remote.win(topup.remote_id)

    def call(self, topup: TopUp) -> tuple[dict[str, str], bytes]:
        """A genuine call of the webhook about a top-up."""
        body = json.dumps({"id": secrets.token_hex(8), "kind": "payment.changed", "payment": topup.remote_id}).encode()
        return {SIGNATURE: sign(body, methods.config_of(topup.method))}, body

    def calls(self, topup: TopUp) -> bool:
        headers, body = self.call(topup)
        return events.receive(topup.method, headers=headers, body=body, now=database_now())


@dataclass
class ManualDriver:
    """What staff see in the owner's account."""

    settings: ClassVar[dict[str, str]] = {"details": "IBAN: DE02 1203 0000 0000 2020 51\nAccount holder: Permille Ltd"}
    secrets: ClassVar[dict[str, str]] = {}
    can_pay_twice: ClassVar[bool] = False

    def pays(self, topup: TopUp, share: str = "1") -> None:
        TransferReview.objects.create(
            topup=topup, actor="staff:1", actor_name="dana", is_approved=True,
            amount=topup.pay_amount * Decimal(share), at=database_now(),
        )  # fmt: skip

    def fails(self, topup: TopUp) -> None:
        TransferReview.objects.create(
            topup=topup, actor="staff:2", actor_name="erin", is_approved=False, reason="Not there", at=database_now()
        )


@dataclass
class VoucherDriver:
    """A code that is redeemed for a top-up which waits for one."""

    settings: ClassVar[dict[str, str]] = {}
    secrets: ClassVar[dict[str, str]] = {}
    can_pay_twice: ClassVar[bool] = False

    def pays(self, topup: TopUp, share: str = "1") -> None:
        batch = VoucherBatch.objects.create(
            name="x", amount=topup.pay_amount * Decimal(share), count=1, made_by="x", created_at=database_now()
        )
        Voucher.objects.create(batch=batch, digest=uuid4().hex, topup=topup)


DRIVERS: dict[str, Any] = {
    "btcpay": BtcPayDriver(),
    "cryptomus": CryptomusDriver("Kq3VtZ8wLm2Xr7Nd5Hb9Jc4Pf6Gy1TsAoEiUeWvQ"),
    "demo": DemoDriver(),
    "heleket": CryptomusDriver("Hw5JpR1tXz8Cn3Vb6Mk9Qf2Ld7Gs4YaToEuIiNxB"),
    "manual": ManualDriver(),
    "nowpayments": NowPaymentsDriver(),
    "signed": SignedDriver(),
    "stripe": StripeDriver(),
    "voucher": VoucherDriver(),
}
