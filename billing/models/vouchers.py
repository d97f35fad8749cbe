"""Vouchers: codes of which only a digest is stored, made in batches that the owner sold or gave away."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.models.topups import TopUp
from core.money import LEAST, MOST, AmountField


class VoucherBatch(models.Model):
    """Codes of one worth, made together. Given ones are the shop's own money: they count as a bonus."""

    name = models.CharField(_("name"), max_length=80, help_text=_("For you: customers do not see it."))
    amount = AmountField(_("amount of each"))
    count = models.IntegerField(_("codes"))
    is_gift = models.BooleanField(_("given away"), default=False)
    good_until = models.DateTimeField(_("good until"), null=True, blank=True)
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True)
    made_by = models.CharField(_("made by"), max_length=254)
    created_at = models.DateTimeField(_("made"))

    class Meta:
        verbose_name = _("batch of vouchers")
        verbose_name_plural = _("batches of vouchers")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=LEAST, amount__lt=MOST), name="voucher_batch_sane")
        ]

    def __str__(self) -> str:
        return self.name


class Voucher(models.Model):
    """One code, by its digest. ``topup`` is what it was redeemed for: at most one, for ever."""

    batch = models.ForeignKey(VoucherBatch, models.PROTECT, verbose_name=_("batch"), related_name="vouchers")
    digest = models.CharField(max_length=64, unique=True)
    topup = models.OneToOneField(TopUp, models.PROTECT, null=True, blank=True, related_name="voucher")
    redeemed_at = models.DateTimeField(_("redeemed"), null=True, blank=True)
    #: Redeemed in hours that a restore lost: see `manage.py mark_vouchers`.
    spent_at = models.DateTimeField(_("spent before a restore"), null=True, blank=True)

    class Meta:
        verbose_name = _("voucher")
        verbose_name_plural = _("vouchers")

    def __str__(self) -> str:
        return f"{self.pk}"
