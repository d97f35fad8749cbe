"""Transfers that people check: what the customer said, and who of the staff approved or rejected it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.gateways.reading import amount_text
from billing.models.files import StoredFile
from billing.models.topups import TopUp
from core.money import LEAST, MOST, ProviderAmountField


class TransferNotice(models.Model):
    """The customer says that the money is on its way. The newest one counts."""

    topup = models.ForeignKey(TopUp, models.PROTECT, verbose_name=_("top-up"), related_name="notices")
    sender = models.CharField(_("name on the sending account"), max_length=120)
    proof = models.ForeignKey(
        StoredFile, models.PROTECT, verbose_name=_("proof"), related_name="notices", null=True, blank=True
    )
    at = models.DateTimeField(_("time"))

    class Meta:
        verbose_name = _("notice of a transfer")
        verbose_name_plural = _("notices of transfers")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.sender

    @property
    def other_topups(self) -> list[str]:
        """The numbers of other top-ups for which the same file was sent."""
        if self.proof_id is None:
            return []
        others = TransferNotice.objects.filter(proof=self.proof_id).exclude(topup=self.topup_id)
        return sorted({f"T-{topup}" for topup in others.values_list("topup_id", flat=True)})


class TransferReview(models.Model):
    """One member of staff approved a transfer, with the amount seen in the account, or rejected it. Never changed."""

    topup = models.ForeignKey(TopUp, models.PROTECT, verbose_name=_("top-up"), related_name="reviews")
    actor = models.CharField(_("by"), max_length=40)
    actor_name = models.CharField(_("name then"), max_length=254)
    is_approved = models.BooleanField(_("approved"))
    amount = ProviderAmountField(_("amount seen"), null=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    at = models.DateTimeField(_("time"))

    class Meta:
        verbose_name = _("review of a transfer")
        verbose_name_plural = _("reviews of transfers")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["topup", "actor"], name="transfer_review_once_each"),
            models.CheckConstraint(
                condition=Q(is_approved=True, amount__isnull=False, amount__gt=LEAST, amount__lt=MOST)
                | (Q(is_approved=False, amount=None) & ~Q(reason="")),
                name="transfer_review_says_what",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.at:%Y-%m-%d %H:%M}"

    @property
    def amount_text(self) -> str:
        return "" if self.amount is None else amount_text(self.amount, self.topup.pay_currency)
