"""Bonuses: the owner's rules, and who had those that are given once."""

from decimal import Decimal

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.methods import PaymentMethod
from billing.models.topups import TopUp
from core.money import LEAST, MOST, AmountField


class BonusRule(models.Model):
    """So many percent more for top-ups of an amount, by one method or any. The best rule counts.

    A rule for the first top-up is added to that, once for each customer.
    """

    method = models.ForeignKey(
        PaymentMethod, models.CASCADE, verbose_name=_("method"), related_name="bonus_rules", null=True, blank=True,
        help_text=_("Empty: every method."),
    )  # fmt: skip
    is_first = models.BooleanField(
        _("first top-up"), default=False, help_text=_("On: for the first top-up of a customer, besides other bonuses.")
    )
    least = AmountField(
        _("from"), default=Decimal(0), validators=[MinValueValidator(Decimal(0))], help_text=_("The smallest top-up.")
    )
    percent = models.DecimalField(
        _("percent"),
        max_digits=5,
        decimal_places=2,
        validators=[MinValueValidator(Decimal("0.01")), MaxValueValidator(Decimal(100))],
    )
    most = AmountField(
        _("at most"), default=Decimal(0), validators=[MinValueValidator(Decimal(0))], help_text=_("0: no limit.")
    )
    is_on = models.BooleanField(_("on"), default=True)

    class Meta:
        verbose_name = _("bonus rule")
        verbose_name_plural = _("bonus rules")
        ordering = ["is_first", "method", "least"]
        constraints = [
            models.CheckConstraint(
                condition=Q(percent__gt=LEAST, percent__lte=Decimal("100.0"), least__gte=LEAST, least__lt=MOST)
                & Q(most__gte=LEAST, most__lt=MOST),
                name="bonus_rule_sane",
            )
        ]

    def __str__(self) -> str:
        return f"{self.percent.normalize():f}%"


class FirstBonus(models.Model):
    """The top-up for which a customer had the bonus for the first one: at most one, for ever."""

    customer = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, primary_key=True, related_name="first_bonus"
    )
    topup = models.OneToOneField(TopUp, models.PROTECT, related_name="first_bonus_given")

    class Meta:
        verbose_name = _("bonus for a first top-up")
        verbose_name_plural = _("bonuses for first top-ups")

    def __str__(self) -> str:
        return str(self.topup_id)


class SignUpCredit(models.Model):
    """A new customer's credit. ``person`` is the digest of the address without what makes many of one mailbox."""

    customer = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, primary_key=True, related_name="signup_credit"
    )
    person = models.CharField(max_length=64, unique=True)
    network = models.CharField(_("network"), max_length=50, unique=True)
    amount = AmountField(_("amount"))
    at = models.DateTimeField(_("time"))

    class Meta:
        verbose_name = _("credit for a new customer")
        verbose_name_plural = _("credits for new customers")
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=LEAST, amount__lt=MOST), name="signup_credit_sane")
        ]
        indexes = [models.Index(fields=["at"], name="signup_credit_by_time")]

    def __str__(self) -> str:
        return str(self.customer_id)
