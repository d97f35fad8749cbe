"""Payments that a gateway lists and no top-up explains."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.gateways.reading import amount_text
from billing.models.methods import PaymentMethod
from core.money import LEAST, MOST, ProviderAmountField


class UnknownPayment(models.Model):
    """A payment that came in while the database did not know: the owner finds out whose it is, and closes the row."""

    method = models.ForeignKey(PaymentMethod, models.PROTECT, verbose_name=_("method"), related_name="unknown_payments")
    payment_id = models.CharField(_("id at the gateway"), max_length=200)
    reference = models.CharField(_("reference"), max_length=64, blank=True)
    amount = ProviderAmountField(_("amount"))
    currency = models.CharField(_("currency"), max_length=12)
    payer = models.CharField(_("payer"), max_length=254, blank=True)
    paid_at = models.DateTimeField(_("paid"))
    seen_at = models.DateTimeField(_("seen"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.CharField(_("closed by"), max_length=254, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("unknown payment")
        verbose_name_plural = _("unknown payments")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["method", "payment_id"], name="unknown_payment_once"),
            models.CheckConstraint(condition=Q(amount__gt=LEAST, amount__lt=MOST), name="unknown_payment_sane"),
            models.CheckConstraint(
                condition=Q(closed_at=None, closed_by="", reason="")
                | (Q(closed_at__isnull=False) & ~Q(closed_by="") & ~Q(reason="")),
                name="unknown_payment_closed_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.payment_id

    @property
    def amount_text(self) -> str:
        return amount_text(self.amount, self.currency)
