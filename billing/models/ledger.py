"""The ledger's rows. Nothing here writes: `billing.ledger` inserts transfers, the database's triggers do the rest."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length, Now
from django.utils.translation import gettext_lazy as _

from core.money import LEAST, MOST, AmountField

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class AccountKind(models.TextChoices):
    WALLET = "wallet", _("Wallet")
    HELD = "held", _("Held for open orders")
    REVENUE = "revenue", _("Revenue")
    GATEWAY = "gateway", _("Gateway")
    FEES = "fees", _("Fees")
    BONUS = "bonus", _("Bonuses")
    LOSS = "loss", _("Losses")
    OWNER = "owner", _("Owner")


class Code(models.TextChoices):
    """What a transfer is for. Each code goes from one kind of account to another; the database refuses other pairs."""

    CREDIT = "credit", _("Credit by the owner")
    DEBIT = "debit", _("Debit by the owner")
    TOPUP = "topup", _("Top-up")
    BONUS = "bonus", _("Bonus")
    HOLD = "hold", _("Held for an order")
    SETTLE = "settle", _("Earned")
    REFUND = "release", _("Refund")
    LATE_REFUND = "late_refund", _("Refund after completion")
    CHARGEBACK = "chargeback", _("Chargeback")
    CHARGEBACK_LOSS = "chargeback_loss", _("Chargeback not covered")
    FEE = "fee", _("Gateway fee")
    TOPUP_FEE = "topup_fee", _("Fee paid by the customer")
    BONUS_BACK = "bonus_back", _("Bonus taken back")
    TOPUP_REFUND = "topup_refund", _("Payment refunded")
    CHARGEBACK_BACK = "chargeback_back", _("Chargeback reversed")
    LOSS_BACK = "loss_back", _("Loss made good")


#: What comes back to a wallet for an order.
REFUNDS = (Code.REFUND, Code.LATE_REFUND)


class Account(models.Model):
    """One account of the books. Only a wallet keeps a balance; the shop's own accounts are summed when asked.

    A trigger opens a wallet for each customer as he is added. It goes with him while no money has ever moved.
    """

    kind = models.CharField(_("kind"), max_length=12, choices=AccountKind)
    name = models.CharField(_("name"), max_length=60, help_text=_("Unique among the shop's own accounts"))
    customer = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        verbose_name=_("customer"),
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="wallet",
    )
    balance = AmountField(_("balance"), default=0, db_default=0)
    #: How many lines the history of a wallet has: the number of its newest one.
    lines = models.BigIntegerField(_("lines"), default=0, db_default=0, editable=False)
    frozen_at = models.DateTimeField(_("frozen"), null=True, blank=True)
    #: Until then some of its deposits may be held (`billing.models.deposits`). Written by a trigger.
    held_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [
            models.CheckConstraint(
                condition=Q(balance__gte=LEAST, balance__lt=MOST) | ~Q(kind=AccountKind.WALLET),
                name="wallet_never_negative",
            ),
            models.CheckConstraint(
                condition=Q(kind=AccountKind.WALLET, customer__isnull=False)
                | (~Q(kind=AccountKind.WALLET) & Q(customer=None, balance=LEAST)),
                name="account_wallet_has_customer",
            ),
            models.UniqueConstraint(
                fields=["kind", "name"], condition=Q(customer=None), name="account_own_name_unique"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Wallet(Account):
    """An account seen as a customer's: a page and permissions of its own in the admin, no table of its own."""

    class Meta:
        proxy = True
        verbose_name = _("wallet")
        verbose_name_plural = _("wallets")

    def __str__(self) -> str:
        return str(self.customer)


def _of_account(name: "StrOrPromise", rows: str) -> "models.ForeignKey[Account, Account]":
    """An account in a row that a transfer writes, without index and foreign key, which every order would pay for.

    The trigger of transfers refuses an account that is not there, and a guard keeps each that has moved money.
    """
    return models.ForeignKey(
        Account, models.DO_NOTHING, verbose_name=name, related_name=rows, db_constraint=False, db_index=False
    )


class Transfer(models.Model):
    """One positive amount from one account to another. Never updated or deleted: a correction is a new transfer."""

    key = models.CharField(
        _("key"), max_length=120, unique=True, help_text=_("Names what it is for, such as order:1042:hold")
    )
    code = models.CharField(_("code"), max_length=16, choices=Code)
    source = _of_account(_("from"), "transfers_out")
    target = _of_account(_("to"), "transfers_in")
    amount = AmountField(_("amount"))
    reference = models.CharField(_("reference"), max_length=60, blank=True, db_index=True)
    memo = models.CharField(_("reason"), max_length=300, blank=True)
    actor = models.CharField(_("by"), max_length=254, blank=True)
    created_at = models.DateTimeField(_("time"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=LEAST, amount__lt=MOST), name="transfer_amount_positive"),
            models.CheckConstraint(condition=~Q(source=F("target")), name="transfer_two_accounts"),
        ]
        indexes = [
            # What every order has is found among the newest; the other codes are few among many.
            models.Index(
                fields=["code", "-id"], condition=~Q(code__in=[Code.HOLD, Code.SETTLE]), name="transfer_of_rare_code"
            ),
            # For what is counted by the day. Transfers are only added, so it is a page for every 32 of theirs.
            BrinIndex(fields=["created_at"], name="transfer_by_time", pages_per_range=32, autosummarize=True),
        ]

    def __str__(self) -> str:
        return self.key


class WalletLine(models.Model):
    """One movement of a wallet and what was there after it. Written by the trigger that moves the balance, for ever.

    ``number`` counts the lines of a wallet from 1, without a gap, in the order in which its balance moved, and ``at``
    never goes back from one line to the next. ``added``, ``spent``, ``refunded`` and ``taken`` are sums over this line
    and all before it, so that any period is the difference of two lines.
    """

    # Without a foreign key in the database: only the trigger writes here, from the transfer that is being inserted.
    transfer = models.OneToOneField(
        Transfer, models.PROTECT, verbose_name=_("transfer"), primary_key=True, related_name="line", db_constraint=False
    )
    wallet = _of_account(_("wallet"), "history")
    number = models.BigIntegerField(_("number"))
    code = models.CharField(_("code"), max_length=16, choices=Code)
    at = models.DateTimeField(_("time"))
    balance = AmountField(_("balance"))
    added = AmountField(_("added"))
    spent = AmountField(_("spent"))
    refunded = AmountField(_("refunded"))
    taken = AmountField(_("taken back"))

    class Meta:
        verbose_name = _("line of a wallet")
        verbose_name_plural = _("lines of wallets")
        ordering = ["wallet", "-number"]
        constraints = [models.UniqueConstraint(fields=["wallet", "number"], name="wallet_line_number_once")]
        # For what is rare among many orders; an order's own line pays for none of them.
        indexes = [
            models.Index(fields=["wallet", "number"], condition=Q(code__in=REFUNDS), name="wallet_line_of_refund"),
            models.Index(
                fields=["wallet", "number"], condition=~Q(code__in=[Code.HOLD, *REFUNDS]), name="wallet_line_of_other"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.wallet} {self.number}"


class Hold(models.Model):
    """The money of one order in flight: held = charged − earned − refunded. Written by the ledger's trigger alone."""

    reference = models.CharField(_("reference"), max_length=60, primary_key=True)
    # Open holds have an index, and nobody asks for a wallet's closed ones.
    wallet = _of_account(_("wallet"), "holds")
    charged = AmountField(_("charged"))
    earned = AmountField(_("earned"), default=0, db_default=0)
    refunded = AmountField(_("refunded"), default=0, db_default=0)

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        constraints = [
            models.CheckConstraint(
                condition=Q(charged__gt=LEAST, charged__lt=MOST, earned__gte=LEAST, refunded__gte=LEAST)
                & Q(charged__gte=F("earned") + F("refunded")),
                name="hold_never_overdrawn",
            )
        ]
        indexes = [
            models.Index(
                fields=["wallet"], condition=Q(charged__gt=F("earned") + F("refunded")), name="hold_open_by_wallet"
            ),
            # References are text: by the alphabet, order 9 would come after order 1000.
            models.Index(Length("reference").desc(), F("reference").desc(), name="hold_newest"),
        ]

    def __str__(self) -> str:
        return self.reference
