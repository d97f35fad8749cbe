"""Deposits that cannot be spent for some hours: the owner's rules, and what is held of each top-up."""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from billing.models.ledger import Account
from billing.models.methods import PaymentMethod
from billing.models.topups import TopUp
from core.money import LEAST, MOST, AmountField

#: A month.
MOST_HOURS = 720


class DepositRule(models.Model):
    """Top-ups that fit a rule cannot be spent for some hours. Of several rules that fit, the longest counts."""

    method = models.ForeignKey(
        PaymentMethod,
        models.CASCADE,
        verbose_name=_("payment method"),
        null=True,
        blank=True,
        related_name="deposit_rules",
        help_text=_("Empty: every method."),
    )
    younger_than_days = models.SmallIntegerField(
        _("account younger than, days"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Empty: accounts of any age."),
    )
    least = AmountField(
        _("from"), default=Decimal(0), validators=[MinValueValidator(Decimal(0))], help_text=_("The smallest top-up.")
    )
    hours = models.SmallIntegerField(
        _("hours"),
        validators=[MinValueValidator(1), MaxValueValidator(MOST_HOURS)],
        help_text=_("For so long the money is in the wallet and cannot be spent."),
    )
    is_on = models.BooleanField(_("on"), default=True)

    class Meta:
        verbose_name = _("rule for fresh deposits")
        verbose_name_plural = _("rules for fresh deposits")
        ordering = ["method", "least", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(hours__gte=1, hours__lte=MOST_HOURS, least__gte=LEAST, least__lt=MOST)
                & (Q(younger_than_days=None) | Q(younger_than_days__gte=1)),
                name="deposit_rule_sane",
            )
        ]

    def __str__(self) -> str:
        return f"{self.hours} h"


class HeldDeposit(models.Model):
    """What a top-up left in the wallet and cannot be spent until a time, unless it is released before.

    The statement that places an order compares the time, so nothing has to happen when it comes. A trigger notes the
    latest time with the wallet, so that other wallets cost no look-up.
    """

    topup = models.OneToOneField(TopUp, models.PROTECT, verbose_name=_("top-up"), related_name="held_deposit")
    wallet = models.ForeignKey(
        Account, models.PROTECT, verbose_name=_("wallet"), related_name="held_deposits", db_index=False
    )
    amount = AmountField(_("amount"))
    until = models.DateTimeField(_("until"))
    released_at = models.DateTimeField(_("released"), null=True, blank=True)
    created_at = models.DateTimeField(_("since"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("held deposit")
        verbose_name_plural = _("held deposits")
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gte=LEAST, amount__lt=MOST, until__gt=F("created_at")), name="held_deposit_sane"
            )
        ]
        indexes = [
            models.Index(fields=["wallet", "until"], condition=Q(released_at=None), name="held_deposit_by_wallet")
        ]

    def __str__(self) -> str:
        return str(self.topup)
