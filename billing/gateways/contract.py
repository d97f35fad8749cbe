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


class Dispute(enum.StrEnum):
    """What the customer's bank does before money leaves. INQUIRY: it only asks. OPEN: it wants the money back."""

    NONE = ""
    INQUIRY = "inquiry"
    OPEN = "open"


class Ability(enum.StrEnum):
    """What a gateway can do besides taking payments.

    REFUND: it sends money back. REFUND_LINK: it makes a link at which the customer takes it. REFUND_BY_HAND: staff send
    it themselves, and write down the transaction. NOTICE: customers say that they sent the money, and people check it.
    CODE: customers redeem codes of ours. LIST: it lists payments by time, which shows those that a restored database
    does not know.
    """

    REFUND = "refund"
    REFUND_LINK = "refund_link"
    REFUND_BY_HAND = "refund_by_hand"
    CANCEL = "cancel"
    WEBHOOK = "webhook"
    NOTICE = "notice"
    CODE = "code"
    LIST = "list"


@dataclass(frozen=True)
class ConfigField:
    """One field of a gateway's form in the admin. An address is one to which the secrets are sent.

    ``signs_calls`` marks the secret that :meth:`Gateway.verify` checks calls with: one that is replaced counts for
    another day.
    """

    name: str
    label: str | Promise
    help: str | Promise = ""
    is_secret: bool = False
    is_address: bool = False
    is_required: bool = True
    is_long: bool = False
    signs_calls: bool = False


@dataclass(frozen=True)
class Spec:
    """What the core, the admin and the pages know of a gateway before they call it.

    ``lives_for`` is how long a customer may take to pay, ``watched_for`` how long money may still arrive or go back
    after that. ``decimals`` names currencies whose amounts have another number of decimals here than elsewhere.
    """

    name: str
    title: str | Promise
    fields: tuple[ConfigField, ...] = ()
    currencies: frozenset[str] = frozenset()
    decimals: Mapping[str, int] = field(default_factory=dict)
    abilities: frozenset[Ability] = frozenset()
    lives_for: timedelta = timedelta(hours=24)
    watched_for: timedelta = timedelta(days=7)
    headers: tuple[str, ...] = ()
    has_live_mode: bool = True
    icon: str = "wallet"
    #: What :meth:`Gateway.choices` are called, such as Coin.
    choice_label: str | Promise = ""
    #: The template that shows how to pay, if pairs of names and values to copy are not enough.
    pay_template: str = ""


@dataclass(frozen=True)
class Config:
    """The owner's settings of one method, secrets included, and the mode."""

    values: Mapping[str, str]
    is_live: bool
    webhook_url: str = ""


@dataclass(frozen=True)
class Asked:
    """What a top-up asks for: fixed when it starts. ``reference`` is 32 hexadecimal digits and unique.

    ``expires_at`` is when we stop expecting a payment; it changes only when the gateway answers with another time.
    ``choice`` is what the customer chose among :meth:`Gateway.choices`, such as a coin.
    """

    reference: str
    number: str
    amount: Decimal
    currency: str
    remote_id: str
    return_url: str
    expires_at: datetime
    choice: str = ""


@dataclass(frozen=True)
class Started:
    """The gateway took it: ``pay_url`` is where the customer goes on, ``instructions`` what to read and copy."""

    remote_id: str
    pay_url: str = ""
    instructions: Mapping[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None


@dataclass(frozen=True)
class Declined:
    """The gateway will not take it, for a reason that the customer may read.

    ``warning`` is a sentence for the owner if it shows a fault of the shop's, and opens an alert.
    """

    reason: str | Promise
    warning: str | Promise = ""


@dataclass(frozen=True)
class Hint:
    """What a webhook says: where to look. It has no amount and no currency, so that nothing can be credited from it.

    ``warning`` is a sentence about the payment that opens an alert: a suspicion of fraud, a refund made elsewhere.
    """

    event_id: str
    kind: str = ""
    remote_id: str = ""
    reference: str = ""
    payment_id: str = ""
    warning: str = ""


@dataclass(frozen=True)
class Payment:
    """One payment, with what went back of it in all, in the currency of the payment.

    ``failed_refunds`` are the ids of refunds of ours that came back: they are no longer part of ``refunded``.
    """

    payment_id: str
    amount: Decimal
    currency: str
    refunded: Decimal = Decimal(0)
    charged_back: Decimal = Decimal(0)
    failed_refunds: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Reading:
    """What the gateway says when it is asked: the only source of facts about money.

    ``why`` is a sentence for the owner, and in the state FAILED for the customer too. ``is_unsure`` alerts the owner to
    a failure in which money may have moved all the same.
    """

    state: ReadState
    is_live: bool
    asked_amount: Decimal
    asked_currency: str
    payments: tuple[Payment, ...] = ()
    why: str = ""
    dispute: Dispute = Dispute.NONE
    is_unsure: bool = False


@dataclass(frozen=True)
class ListedPayment:
    """One payment of a gateway's list, as far as it says: ``reference`` is ours, ``payer`` a name or address."""

    payment_id: str
    remote_id: str
    reference: str
    amount: Decimal
    currency: str
    paid_at: datetime
    payer: str = ""


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

    def problems(self, config: Config) -> dict[str, str]:
        """Return what is wrong with fields of ``config``, as sentences by the field's name. Makes no call.

        Fields that are empty are no problem here: the form asks for those that are required.
        """
        return {}

    def check(self, config: Config) -> list[str]:
        """Return what is wrong with ``config``, as sentences for the owner; empty if it works. May call the gateway."""
        return []

    def choices(self, config: Config) -> dict[str, str]:
        """Return what a customer chooses among before a payment starts, by code: coins, banks. Empty for nothing."""
        return {}

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

    def list_payments(self, since: datetime, config: Config) -> list[ListedPayment]:
        """Return what was paid for top-ups that were started after ``since``. Raises NoAnswer."""
        raise Unsupported(self.spec.name)
