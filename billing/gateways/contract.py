"""The one shape of all gateways. A gateway turns our words into its own and back; it never moves money.

The core (`billing.topups`) keeps the rows, decides amounts and currencies, and credits. What a gateway says about money
comes from :meth:`Gateway.fetch` and :meth:`Gateway.settle` alone; a webhook only says where to look.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.utils.functional import Promise


class ReadState(enum.StrEnum):
    """What the gateway says about a payment. APPROVED: the customer agreed, and :meth:`Gateway.settle` takes it."""

    PENDING = "pending"
    APPROVED = "approved"
    PAID = "paid"
    UNDERPAID = "underpaid"
    EXPIRED = "expired"
    FAILED = "failed"
    HELD = "held"


class Ability(enum.StrEnum):
    """What a gateway can do besides taking payments.

    NOTICE: customers say that they sent the money, and people check it. CODE: customers redeem codes of ours.
    """

    REFUND = "refund"
    CANCEL = "cancel"
    WEBHOOK = "webhook"
    NOTICE = "notice"
    CODE = "code"


@dataclass(frozen=True)
class ConfigField:
    """One field of a gateway's form in the admin. An address is one to which the secrets are sent."""

    name: str
    label: str | Promise
    help: str | Promise = ""
    is_secret: bool = False
    is_address: bool = False
    is_required: bool = True
    is_long: bool = False


@dataclass(frozen=True)
class Spec:
    """What the core, the admin and the pages know of a gateway before they call it.

    ``lives_for`` is how long a customer may take to pay, ``watched_for`` how long money may still arrive after that.
    """

    name: str
    title: str | Promise
    fields: tuple[ConfigField, ...] = ()
    currencies: frozenset[str] = frozenset()
    abilities: frozenset[Ability] = frozenset()
    lives_for: timedelta = timedelta(hours=24)
    watched_for: timedelta = timedelta(days=7)
    headers: tuple[str, ...] = ()
    has_live_mode: bool = True
    icon: str = "wallet"


@dataclass(frozen=True)
class Config:
    """The owner's settings of one method, secrets included, and the mode."""

    values: Mapping[str, str]
    is_live: bool
    webhook_url: str = ""


@dataclass(frozen=True)
class Asked:
    """What a top-up asks for: fixed when it starts. ``reference`` is 32 hexadecimal digits and unique."""

    reference: str
    number: str
    amount: Decimal
    currency: str
    remote_id: str
    return_url: str


@dataclass(frozen=True)
class Started:
    """The gateway took it: ``pay_url`` is where the customer goes on, ``instructions`` what to read and copy."""

    remote_id: str
    pay_url: str = ""
    instructions: Mapping[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Declined:
    """The gateway will not take it, for a reason that the customer may read."""

    reason: str | Promise


@dataclass(frozen=True)
class Hint:
    """What a webhook says: where to look. It has no amount and no currency, so that nothing can be credited from it."""

    event_id: str
    kind: str = ""
    remote_id: str = ""
    reference: str = ""
    payment_id: str = ""


@dataclass(frozen=True)
class Payment:
    """One payment, with what went back of it in all, in the currency of the payment."""

    payment_id: str
    amount: Decimal
    currency: str
    refunded: Decimal = Decimal(0)
    charged_back: Decimal = Decimal(0)


@dataclass(frozen=True)
class Reading:
    """What the gateway says when it is asked: the only source of facts about money."""

    state: ReadState
    is_live: bool
    asked_amount: Decimal
    asked_currency: str
    payments: tuple[Payment, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class RefundDone:
    """The money went back. ``refund_id`` names it at the gateway."""

    refund_id: str


@dataclass(frozen=True)
class RefundStarted:
    """The gateway took the refund; its end shows when it is asked again."""

    refund_id: str


class NoAnswer(Exception):
    """No usable answer came: what was asked may or may not have happened. The core asks again with the same key."""


class Forged(Exception):
    """The call of a webhook is not genuine, or not well formed."""


class Ignored(Exception):
    """The call is genuine and says nothing that a top-up of ours needs."""


class Unsupported(Exception):
    """The gateway cannot do this; the core never asks for what ``abilities`` leaves out."""


class Gateway:
    """What every gateway is. The defaults are for gateways that cannot do a thing, or need not."""

    spec: Spec

    def check(self, config: Config) -> list[str]:
        """Return what is wrong with ``config``, as sentences for the owner; empty if it works. May call the gateway."""
        return []

    def start(self, asked: Asked, config: Config) -> Started | Declined:
        """Ask for a payment; a repeat with the same reference finds the first. Raises NoAnswer."""
        raise NotImplementedError

    def verify(self, headers: Mapping[str, str], body: bytes, config: Config, now: datetime) -> Hint:
        """Read the call of a webhook, without any call of its own. Raises Forged and Ignored."""
        raise Forged("this gateway has no webhook")

    def fetch(self, asked: Asked, payment_ids: frozenset[str], config: Config) -> Reading:
        """Ask what became of a payment. ``payment_ids`` are those known so far. Raises NoAnswer."""
        raise NotImplementedError

    def settle(self, asked: Asked, config: Config) -> Reading:
        """Take a payment that the customer approved; a repeat finds it taken. Raises NoAnswer."""
        raise Unsupported(self.spec.name)

    def refund(
        self, asked: Asked, payment_id: str, amount: Decimal, key: str, config: Config
    ) -> RefundDone | RefundStarted | Declined:
        """Send ``amount`` of a payment back; a repeat with the same key finds the first. Raises NoAnswer."""
        raise Unsupported(self.spec.name)

    def cancel(self, asked: Asked, config: Config) -> bool:
        """Take no payment any more; return False if one was made already. Raises NoAnswer."""
        raise Unsupported(self.spec.name)
