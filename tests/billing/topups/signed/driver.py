"""What customers and banks do at the owner's own program."""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from billing.gateways.signed.signatures import HEADER
from billing.models import TopUp
from billing.topups import events
from core.clock import database_now
from tests.billing.topups.signed.fake import ANSWER_KEY, REQUEST_KEY, FakeProgram, call_body, running_program, signed


@dataclass
class SignedDriver:
    secrets: ClassVar[dict[str, str]] = {"request_key": REQUEST_KEY, "answer_key": ANSWER_KEY}

    @property
    def settings(self) -> dict[str, str]:
        return {"start_address": f"{self.fake.url}/start", "status_address": f"{self.fake.url}/status"}

    @property
    def fake(self) -> FakeProgram:
        return running_program()

    def pays(self, topup: TopUp, share: str = "1") -> None:
        self.fake.pay(topup.reference, topup.pay_amount * Decimal(share), topup.pay_currency)

    def fails(self, topup: TopUp) -> None:
        self.fake.states[topup.reference] = "failed"

    def charges_back(self, topup: TopUp) -> None:
        for payment in self.fake.payments[topup.reference]:
            payment["charged_back"] = payment["amount"]

    def loses_dispute(self, topup: TopUp) -> None:
        """The bank loses: the money comes back."""
        for payment in self.fake.payments[topup.reference]:
            payment["charged_back"] = "0"

    def call(self, topup: TopUp) -> tuple[dict[str, str], bytes]:
        """A genuine call of the webhook about a top-up."""
        body = call_body(topup.reference, mode="live" if topup.is_live else "test")
        return {HEADER: signed(ANSWER_KEY, body)}, body

    def calls(self, topup: TopUp) -> bool:
        headers, body = self.call(topup)
        return events.receive(topup.method, headers=headers, body=body, now=database_now())
