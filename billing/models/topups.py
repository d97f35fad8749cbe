"""Top-ups, what gateways reported about them, and what became of them."""

import secrets
from decimal import Decimal

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from billing.gateways.reading import amount_text
from billing.models.methods import PaymentMethod
from core.money import LEAST, MOST, AmountField, ProviderAmountField
from pages.models import TermsVersion

#: Characters of what a browser says about itself that are kept.
DEVICE_LENGTH = 300


class TopUpState(models.TextChoices):
    CREATED = "created", _("Starting")
    PENDING = "pending", _("Waiting for payment")
    PAID = "paid", _("Credited")
    UNDERPAID = "underpaid", _("Paid in part")
    EXPIRED = "expired", _("Expired")
    FAILED = "failed", _("Failed")
    HELD = "held", _("Being checked")
    DISPUTED = "disputed", _("Disputed")
    PART_REFUNDED = "part_refunded", _("Refunded in part")
    REFUNDED = "refunded", _("Refunded")
    CHARGED_BACK = "charged_back", _("Charged back")


#: States in which the customer may still pay.
OPEN = (TopUpState.CREATED, TopUpState.PENDING)
#: States that wait for the owner.
TO_DECIDE = (TopUpState.HELD, TopUpState.UNDERPAID)


class Decision(models.TextChoices):
    NONE = "", _("None")
    ACCEPTED = "accepted", _("Accepted")
    REJECTED = "rejected", _("Rejected")


#: Every top-up with money that is not credited, and few others: what the index finds before payments are summed up.
MAY_BE_UNCREDITED = Q(received__gt=F("pay_amount") + F("written_off")) | Q(
    decision=Decision.REJECTED.value, received__gt=F("written_off")
)


def new_reference() -> str:
    """Return 32 random hexadecimal digits, which every gateway takes as a reference."""
    return secrets.token_hex(16)


class TopUp(models.Model):
    """One top-up. What it asks for is fixed when it starts: the database refuses to change it.

    ``credit_amount``, ``fee`` and ``bonus`` are in the shop's currency, ``pay_amount`` and ``received`` in the currency
    that the customer pays. Money in the wallet is what the ledger says; ``credited`` and ``taken`` repeat it for lists.
    """

    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("customer"), related_name="topups"
    )
    method = models.ForeignKey(PaymentMethod, models.PROTECT, verbose_name=_("method"), related_name="topups")
    reference = models.CharField(_("reference"), max_length=32, unique=True, default=new_reference, editable=False)
    #: Names the form that was sent: one form is one top-up, however often it is sent.
    nonce = models.CharField(max_length=64, unique=True, editable=False)
    is_live = models.BooleanField(_("live"))
    #: What it credits is the shop's own money: a voucher that was given away.
    is_gift = models.BooleanField(_("gift"), default=False, db_default=False)
    credit_amount = AmountField(_("amount"))
    fee = AmountField(_("fee"), default=0)
    bonus = AmountField(_("bonus"), default=0)
    #: Part of the bonus that is for the customer's first top-up alone.
    first_bonus = AmountField(_("bonus for the first top-up"), default=0, db_default=0)
    pay_amount = ProviderAmountField(_("to pay"))
    pay_currency = models.CharField(_("currency"), max_length=12)
    #: What the customer chose of the method, such as a coin: a code of the gateway's.
    choice = models.CharField(max_length=40, blank=True, default="", db_default="", editable=False)
    state = models.CharField(_("state"), max_length=16, choices=TopUpState, default=TopUpState.CREATED)
    why = models.CharField(_("because"), max_length=300, blank=True)
    #: From where it was started, and the terms that the customer had accepted then: facts for a dispute.
    address = models.GenericIPAddressField(_("network address"), null=True, blank=True)
    device = models.CharField(_("device"), max_length=DEVICE_LENGTH, blank=True, default="", db_default="")
    terms = models.ForeignKey(
        TermsVersion,
        models.PROTECT,
        verbose_name=_("terms accepted"),
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    decision = models.CharField(_("decision"), max_length=10, choices=Decision, blank=True, default=Decision.NONE)
    remote_id = models.CharField(_("id at the gateway"), max_length=200, blank=True)
    #: Where the customer goes on, and what to pay to where, as pairs of name and value: what the gateway answered.
    pay_url = models.CharField(max_length=2000, blank=True)
    instructions = models.JSONField(default=list, blank=True)
    received = ProviderAmountField(_("received"), default=0)
    credited = AmountField(_("credited"), default=0)
    taken = AmountField(_("taken back"), default=0)
    #: What the owner credits of a payment above what was asked for.
    surplus = AmountField(_("credited above"), default=0, db_default=0)
    #: What came in, was neither credited nor sent back, and is not going to be: in the payment's currency.
    written_off = ProviderAmountField(_("written off"), default=0, db_default=0)
    #: The customer's bank wants the money back, and has not taken it yet.
    is_disputed = models.BooleanField(_("disputed"), default=False, db_default=False)
    #: False for top-ups of before there were receipts.
    keeps_documents = models.BooleanField(default=True, db_default=False, editable=False)
    created_at = models.DateTimeField(_("started"), db_default=Now(), editable=False)
    expires_at = models.DateTimeField(_("expires"))
    watch_until = models.DateTimeField(_("looked at until"))
    #: When the gateway is asked next; empty once nothing can come any more.
    next_look_at = models.DateTimeField(_("next look"), null=True, blank=True)
    looked_at = models.DateTimeField(_("last look"), null=True, blank=True)
    looks = models.IntegerField(default=0)
    misses = models.IntegerField(default=0)

    class Meta:
        verbose_name = _("top-up")
        verbose_name_plural = _("top-ups")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["method", "remote_id"], condition=~Q(remote_id=""), name="topup_remote_id_once"
            ),
            models.CheckConstraint(
                condition=Q(credit_amount__gt=LEAST, credit_amount__lt=MOST, fee__gte=LEAST, fee__lt=MOST)
                & Q(bonus__gte=LEAST, bonus__lt=MOST, pay_amount__gt=LEAST, pay_amount__lt=MOST)
                & Q(received__gte=LEAST, received__lt=MOST, first_bonus__gte=LEAST, first_bonus__lte=F("bonus"))
                & Q(surplus__gte=LEAST, surplus__lt=MOST, written_off__gte=LEAST, written_off__lte=F("received")),
                name="topup_amounts_sane",
            ),
            models.CheckConstraint(
                condition=Q(credited__gte=LEAST, credited__lte=F("credit_amount") + F("surplus"))
                & Q(taken__gte=LEAST, taken__lte=F("credited")),
                name="topup_never_over_credited",
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-id"], name="topup_by_customer"),
            models.Index(fields=["state", "-id"], name="topup_by_state"),
            models.Index(fields=["next_look_at"], condition=Q(next_look_at__isnull=False), name="topup_due"),
            models.Index(fields=["id"], condition=MAY_BE_UNCREDITED, name="topup_may_be_uncredited"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """What people call it, such as T-3314."""
        return f"T-{self.pk}"

    @property
    def pay_text(self) -> str:
        """What to pay, with its currency."""
        return amount_text(self.pay_amount, self.pay_currency)

    @property
    def received_text(self) -> str:
        """What was received, with its currency."""
        return amount_text(self.received, self.pay_currency)

    @property
    def ledger_reference(self) -> str:
        """Its name in the ledger, such as topup:3314."""
        return f"topup:{self.pk}"


class TopUpPayment(models.Model):
    """One payment that the gateway reported. Its id belongs to one top-up of the method, for ever."""

    topup = models.ForeignKey(TopUp, models.PROTECT, verbose_name=_("top-up"), related_name="payments")
    method = models.ForeignKey(PaymentMethod, models.PROTECT, verbose_name=_("method"), related_name="+")
    payment_id = models.CharField(_("id at the gateway"), max_length=200)
    amount = ProviderAmountField(_("amount"))
    currency = models.CharField(_("currency"), max_length=12)
    refunded = ProviderAmountField(_("refunded"), default=0)
    #: What we asked the gateway to send back: it counts as refunded before the gateway shows it.
    refund_asked = ProviderAmountField(default=0, db_default=0)
    charged_back = ProviderAmountField(_("charged back"), default=0)
    seen_at = models.DateTimeField(_("seen"))

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        constraints = [
            models.UniqueConstraint(fields=["method", "payment_id"], name="topup_payment_once"),
            models.CheckConstraint(
                condition=Q(amount__gt=LEAST, amount__lt=MOST, refunded__gte=LEAST, refunded__lte=F("amount"))
                & Q(refund_asked__gte=LEAST, refund_asked__lte=F("amount"))
                & Q(charged_back__gte=LEAST, charged_back__lte=F("amount")),
                name="topup_payment_sane",
            ),
        ]

    def __str__(self) -> str:
        return self.payment_id

    @property
    def amount_text(self) -> str:
        return amount_text(self.amount, self.currency)

    @property
    def refunded_text(self) -> str:
        return amount_text(self.refunded, self.currency)

    @property
    def charged_back_text(self) -> str:
        return amount_text(self.charged_back, self.currency)


class RefundState(models.TextChoices):
    WAITING = "waiting", _("Being sent")
    BY_HAND = "by_hand", _("To be sent by hand")
    DONE = "done", _("Sent")
    FAILED = "failed", _("Failed")


class PaymentRefund(models.Model):
    """A refund of a payment that staff asked for. The money is out of the wallet before the gateway is asked."""

    payment = models.ForeignKey(TopUpPayment, models.PROTECT, verbose_name=_("payment"), related_name="refunds")
    amount = ProviderAmountField(_("amount"))
    key = models.CharField(_("key"), max_length=80, unique=True)
    state = models.CharField(_("state"), max_length=10, choices=RefundState, default=RefundState.WAITING)
    why = models.CharField(_("because"), max_length=300, blank=True)
    refund_id = models.CharField(_("id at the gateway"), max_length=200, blank=True)
    actor = models.CharField(_("by"), max_length=254)
    reason = models.CharField(_("reason"), max_length=300)
    created_at = models.DateTimeField(_("time"))
    next_at = models.DateTimeField(_("next try"), null=True)
    tries = models.IntegerField(default=0)

    class Meta:
        verbose_name = _("refund of a payment")
        verbose_name_plural = _("refunds of payments")
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=LEAST, amount__lt=MOST), name="payment_refund_sane"),
            models.CheckConstraint(
                condition=Q(state=RefundState.WAITING, next_at__isnull=False)
                | (~Q(state=RefundState.WAITING) & Q(next_at=None)),
                name="payment_refund_is_due_or_over",
            ),
        ]
        indexes = [models.Index(fields=["next_at"], condition=Q(next_at__isnull=False), name="payment_refund_due")]

    def __str__(self) -> str:
        return self.key

    @property
    def link(self) -> str:
        """Where the customer takes the money, at gateways that make a link for that; empty at others."""
        return self.refund_id if self.refund_id.startswith(("https://", "http://")) else ""

    @property
    def shown_state(self) -> str:
        """The state as staff read it: of a link nobody knows whether the customer took the money."""
        is_link = self.state == RefundState.DONE and self.link
        return str(_("A link to collect it was made") if is_link else RefundState(self.state).label)

    @property
    def amount_text(self) -> str:
        return amount_text(self.amount, self.payment.currency)


class GatewayEvent(models.Model):
    """One genuine call of a webhook: it says at which top-up to look, and nothing is credited from it."""

    method = models.ForeignKey(PaymentMethod, models.PROTECT, verbose_name=_("method"), related_name="events")
    event_id = models.CharField(_("event"), max_length=200)
    kind = models.CharField(_("kind"), max_length=80, blank=True)
    remote_id = models.CharField(_("id at the gateway"), max_length=200, blank=True)
    reference = models.CharField(_("reference"), max_length=64, blank=True)
    payment_id = models.CharField(_("payment"), max_length=200, blank=True)
    body = models.BinaryField()
    received_at = models.DateTimeField(_("received"))

    class Meta:
        verbose_name = _("call of a webhook")
        verbose_name_plural = _("calls of webhooks")
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["method", "event_id"], name="gateway_event_once")]
        indexes = [
            models.Index(fields=["method", "remote_id"], name="gateway_event_by_remote_id"),
            models.Index(fields=["received_at"], name="gateway_event_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"


class TopUpEvent(models.Model):
    """One step of a top-up's life: rows are only ever added."""

    topup = models.ForeignKey(TopUp, models.PROTECT, verbose_name=_("top-up"), related_name="history")
    at = models.DateTimeField(_("time"))
    old = models.CharField(_("from"), max_length=16, choices=TopUpState, blank=True)
    new = models.CharField(_("to"), max_length=16, choices=TopUpState)
    #: What made it: "customer", "webhook", "look", "return", or who of the staff.
    cause = models.CharField(_("by"), max_length=254)
    facts = models.JSONField(_("facts"), default=dict, encoder=DjangoJSONEncoder)

    class Meta:
        verbose_name = _("step of a top-up")
        verbose_name_plural = _("steps of top-ups")
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.topup_id} {self.new}"

    @property
    def shown_facts(self) -> dict[str, str]:
        """The facts that say something, amounts without the zeros at their ends."""
        amounts = ("received", "gone", "credited")
        given = {name: str(value) for name, value in self.facts.items() if value}
        return {
            name: f"{Decimal(value).normalize():f}" if name in amounts else value
            for name, value in given.items()
            if name not in amounts or Decimal(value)
        }


class DemoPayment(models.Model):
    """What the demo's own payment page knows about one payment: it plays the gateway's side."""

    remote_id = models.CharField(max_length=40, unique=True)
    asked = ProviderAmountField()
    currency = models.CharField(max_length=12)
    #: "open", "approved" (paid once it is settled), "paid", "failed", "expired".
    state = models.CharField(max_length=10, default="open")
    #: What was paid, one amount for each payment, and what went back of it.
    amounts = models.JSONField(default=list)
    paid_from = models.DateTimeField(null=True)
    refunded = ProviderAmountField(default=0)
    #: The keys under which money was sent back, so that each is sent once.
    refunds = models.JSONField(default=dict)
    charged_back = ProviderAmountField(default=0)

    class Meta:
        verbose_name = _("payment of the demo")
        verbose_name_plural = _("payments of the demo")

    def __str__(self) -> str:
        return self.remote_id
