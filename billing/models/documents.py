"""Receipts and credit notes: written once, numbered without gaps, kept as they were made."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models.topups import TopUp
from core.money import LEAST, MOST, AmountField


class DocumentKind(models.TextChoices):
    RECEIPT = "receipt", _("Receipt")
    CREDIT_NOTE = "credit_note", _("Credit note")


class BuyerDetails(models.Model):
    """To whom a customer's next receipts are made out. Receipts that are there keep what they say."""

    customer = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="buyer_details"
    )
    name = models.CharField(_("name"), max_length=120, blank=True)
    address = models.TextField(_("address"), max_length=300, blank=True)
    tax_number = models.CharField(_("tax number"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("details for receipts")
        verbose_name_plural = _("details for receipts")

    def __str__(self) -> str:
        return self.name


class DocumentCounter(models.Model):
    """The last number of one series, such as "R-2026". Its row is locked last, in the transaction of the credit."""

    series = models.CharField(max_length=12, primary_key=True)
    last = models.IntegerField()

    class Meta:
        verbose_name = _("counter of receipts")
        verbose_name_plural = _("counters of receipts")

    def __str__(self) -> str:
        return f"{self.series} {self.last}"


class Document(models.Model):
    """One receipt or credit note. ``html`` is what it says, for ever; the amounts are in the shop's currency.

    ``amount`` is what was paid or refunded in all, with the ``fee`` for paying and the ``tax`` that are part of it.
    """

    kind = models.CharField(_("kind"), max_length=12, choices=DocumentKind)
    series = models.CharField(_("series"), max_length=12)
    ordinal = models.IntegerField(_("number in its series"))
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("customer"), related_name="documents"
    )
    topup = models.ForeignKey(TopUp, models.PROTECT, verbose_name=_("top-up"), related_name="documents")
    corrects = models.ForeignKey(
        "self", models.PROTECT, verbose_name=_("corrects"), related_name="corrections", null=True
    )
    amount = AmountField(_("amount"))
    fee = AmountField(_("fee"))
    tax = AmountField(_("tax"))
    tax_percent = models.DecimalField(_("tax in percent"), max_digits=5, decimal_places=2, default=Decimal(0))
    language = models.CharField(_("language"), max_length=10)
    html = models.TextField()
    made_at = models.DateTimeField(_("made"))

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["series", "ordinal"], name="document_number_once"),
            models.CheckConstraint(
                condition=Q(amount__gt=LEAST, amount__lt=MOST, fee__gte=LEAST, fee__lte=F("amount"))
                & Q(tax__gte=LEAST, tax__lt=F("amount"), ordinal__gte=1),
                name="document_sane",
            ),
            models.CheckConstraint(condition=Q(kind__in=DocumentKind.values), name="document_of_known_kind"),
        ]
        indexes = [models.Index(fields=["customer", "-id"], name="document_by_customer")]

    def __str__(self) -> str:
        return self.number

    @property
    def number(self) -> str:
        """What people call it, such as R-2026-000417."""
        return f"{self.series}-{self.ordinal:06d}"


class DocumentPdf(models.Model):
    """The PDF of a document, made when it is asked for first and the same from then on."""

    document = models.OneToOneField(Document, models.PROTECT, primary_key=True, related_name="pdf")
    content = models.BinaryField()
    made_at = models.DateTimeField(_("made"))

    class Meta:
        verbose_name = _("PDF of a receipt")
        verbose_name_plural = _("PDFs of receipts")

    def __str__(self) -> str:
        return str(self.document_id)


class CatchUp(models.Model):
    """A top-up that moved money while the shop was frozen: its bonus and its receipt follow when it is thawed."""

    topup = models.OneToOneField(TopUp, models.PROTECT, primary_key=True, related_name="catch_up")

    class Meta:
        verbose_name = _("top-up of a frozen shop")
        verbose_name_plural = _("top-ups of a frozen shop")

    def __str__(self) -> str:
        return str(self.topup_id)
