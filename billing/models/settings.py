"""What the owner says about money: the company on receipts, tax, the credit for new customers, what is listed."""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.money import LEAST, MOST, AmountField


class MoneySettings(models.Model):
    """One row. Receipts that are there keep what they say; changes hold for the next ones."""

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    company = models.CharField(
        _("company"), max_length=120, blank=True, help_text=_("On receipts. Empty: the name of the shop.")
    )
    address = models.TextField(_("address"), max_length=300, blank=True, help_text=_("Lines as on an envelope."))
    tax_number = models.CharField(_("tax number"), max_length=40, blank=True)
    tax_name = models.CharField(
        _("name of the tax"), max_length=20, blank=True, default="VAT", help_text=_("Such as VAT or GST.")
    )
    tax_percent = models.DecimalField(
        _("tax in percent"),
        max_digits=5,
        decimal_places=2,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(50))],
        help_text=_("It is part of what customers pay. 0: receipts name no tax."),
    )
    foot = models.CharField(
        _("last line"), max_length=300, blank=True, help_text=_("Such as your register and its number.")
    )
    #: Grows with each restore: numbers of the lost hours are never given to another receipt.
    restores = models.SmallIntegerField(default=0, editable=False)
    signup_credit = AmountField(
        _("credit for new customers"),
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0))],
        help_text=_("Once they have confirmed their address: once for each person and each network. 0: none."),
    )
    signup_budget = AmountField(
        _("most of it in a day"),
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0))],
        help_text=_("What new customers get in all in 24 hours."),
    )
    list_from = AmountField(
        _("list credits from"),
        default=Decimal(500),
        validators=[MinValueValidator(Decimal(0))],
        help_text=_("Top-ups of so much and more, and every credit by hand, stand in the list of large credits."),
    )

    class Meta:
        verbose_name = _("receipts and bonuses")
        verbose_name_plural = _("receipts and bonuses")
        default_permissions = ("change", "view")
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="money_settings_one_row"),
            models.CheckConstraint(
                condition=Q(tax_percent__gte=LEAST, tax_percent__lte=Decimal("50.0"))
                & Q(signup_credit__gte=LEAST, signup_credit__lt=MOST)
                & Q(signup_budget__gte=LEAST, signup_budget__lt=MOST, list_from__gte=LEAST, list_from__lt=MOST),
                name="money_settings_sane",
            ),
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


def money_settings() -> MoneySettings:
    """Return the owner's settings of money; a shop that never saved them has the first values."""
    return MoneySettings.objects.filter(pk=1).first() or MoneySettings()
