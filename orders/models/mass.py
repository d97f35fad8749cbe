from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.money import LEAST, MOST, AmountField


class MassOrder(models.Model):
    """Orders that a customer placed together, in one transaction (`orders.mass`).

    ``numbers`` are the orders and ``lines`` the lines of the form they came from, in the same sequence. ``charge`` is
    the sum of their charges, ``left`` how many lines of the form were not placed.
    """

    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("customer"), related_name="mass_orders", db_index=False
    )
    nonce = models.CharField(_("nonce"), max_length=64)
    numbers = ArrayField(models.BigIntegerField(), verbose_name=_("orders"))
    lines = ArrayField(models.PositiveIntegerField(), verbose_name=_("lines"))
    charge = AmountField(_("charge"))
    left = models.PositiveIntegerField(_("lines not placed"))
    created_at = models.DateTimeField(_("placed"))

    class Meta:
        verbose_name = _("mass order")
        verbose_name_plural = _("mass orders")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["customer", "nonce"], name="mass_order_once_per_nonce"),
            models.CheckConstraint(condition=Q(charge__gt=LEAST, charge__lt=MOST), name="mass_order_charge_positive"),
            models.CheckConstraint(
                condition=Q(numbers__len__gte=1, lines__len=models.F("numbers__len")), name="mass_order_line_of_each"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} ({len(self.numbers)})"


class MassDraft(models.Model):
    """The lines of a mass order that a customer has typed and that are not placed."""

    customer = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("customer"), related_name="+", primary_key=True
    )
    text = models.TextField(_("lines"))
    #: Service -> the price that was shown, for lines that were not placed because it rose.
    risen = models.JSONField(_("prices shown before"), default=dict)
    kept_at = models.DateTimeField(_("kept"))
    expires_at = models.DateTimeField(_("expires"), db_index=True)

    class Meta:
        verbose_name = _("draft of a mass order")
        verbose_name_plural = _("drafts of mass orders")

    def __str__(self) -> str:
        return f"{self.customer_id} ({self.kept_at:%Y-%m-%d %H:%M})"
