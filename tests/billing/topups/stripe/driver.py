"""What a customer and his bank do at Stripe."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from django.test import Client

from billing.gateways.stripe.webhook import SIGNATURE
from billing.models import PaymentMethod, PaymentRefund, TopUp
from billing.topups import events, looking, refunding
from core.clock import database_now
from core.staff_actions import shell_actor
from tests.billing.topups.stripe.fake import KEY, SECRET, FakeStripe, event, running_fake, signature


@dataclass
class StripeDriver:
    settings: ClassVar[dict[str, str]] = {}
    secrets: ClassVar[dict[str, str]] = {"secret_key": KEY, "webhook_secret": SECRET}
    can_pay_twice: ClassVar[bool] = False

    @property
    def fake(self) -> FakeStripe:
        return running_fake()

    def pays(self, topup: TopUp, share: str = "1") -> None:
        self.fake.pay(topup.remote_id, share)

    def fails(self, topup: TopUp) -> None:
        self.fake.fail(topup.remote_id)

    def charges_back(self, topup: TopUp) -> None:
        amount = self.session(topup)["amount_total"]
        self.fake.dispute(topup.remote_id, "needs_response", -amount)

    def loses_dispute(self, topup: TopUp) -> None:
        """The bank loses: the money comes back."""
        dispute = self.fake.disputes[-1]
        dispute["status"] = "won"
        dispute["balance_transactions"].append({"amount": dispute["amount"], "currency": dispute["currency"], "fee": 0})

    def session(self, topup: TopUp) -> dict[str, Any]:
        return self.fake.sessions[topup.remote_id]

    def call(self, topup: TopUp) -> tuple[dict[str, str], bytes]:
        """A genuine call of the webhook about a top-up."""
        body = event("checkout.session.completed", self.session(topup))
        return {SIGNATURE: signature(body)}, body

    def calls(self, topup: TopUp) -> bool:
        headers, body = self.call(topup)
        return events.receive(topup.method, headers=headers, body=body, now=database_now())


def sends(by: PaymentMethod, body: bytes, header: str = "") -> int:
    """Call the webhook as Stripe does, and let the shop look at what became due; return the HTTP status."""
    answer = Client().post(
        f"/pay/{by.token}/", body, content_type="application/json", headers={SIGNATURE: header or signature(body)}
    )
    looking.look_due(seconds=5)
    return answer.status_code


def intent_of(fake: FakeStripe, topup: TopUp) -> dict[str, Any]:
    return fake.intents[fake.sessions[topup.remote_id]["payment_intent"]]


def refunds(topup: TopUp, amount: str) -> PaymentRefund:
    payment = topup.payments.get()
    refund = refunding.ask_refund(
        topup_id=topup.pk, payment_id=payment.pk, amount=Decimal(amount), actor=shell_actor(), reason="asked",
        now=database_now(),
    )  # fmt: skip
    refunding.send_due(seconds=5, is_frozen=False)
    refund.refresh_from_db()
    return refund
