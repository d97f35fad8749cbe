from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from catalog.models import Provider
from core.money import EXACT, LIMIT, ProviderAmountField
from orders.models.order import Order


class EntryKind(models.TextChoices):
    OPENING = "opening", _("Opening balance")
    DEPOSIT = "deposit", _("Deposit")
    CORRECTION = "correction", _("Correction")


class ProviderEntry(models.Model):
    """Money on our account at a provider that no order moved, in the provider's currency. Never changed or deleted.

    ``key`` names the entry, so that a form sent twice enters it once. A correction may be below zero.
    """

    provider = models.ForeignKey(Provider, models.PROTECT, verbose_name=_("provider"), related_name="entries")
    kind = models.CharField(_("kind"), max_length=12, choices=EntryKind)
    amount = ProviderAmountField(_("amount"))
    currency = models.CharField(_("currency"), max_length=8)
    key = models.CharField(_("key"), max_length=80, unique=True)
    reference = models.CharField(_("reference"), max_length=120, blank=True)
    memo = models.CharField(_("reason"), max_length=300, blank=True)
    actor = models.CharField(_("by"), max_length=254, blank=True)
    at = models.DateTimeField(_("time"), db_default=Now())

    class Meta:
        verbose_name = _("entry of a provider's account")
        verbose_name_plural = _("entries of providers' accounts")
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider"], condition=Q(kind=EntryKind.OPENING), name="provider_entry_one_opening"
            ),
            # Bounded on both sides: Postgres takes NaN for larger than any number.
            models.CheckConstraint(condition=Q(amount__gt=-LIMIT, amount__lt=LIMIT), name="provider_entry_sane"),
            models.CheckConstraint(
                condition=~Q(kind=EntryKind.DEPOSIT) | Q(amount__gt=0), name="provider_entry_deposit_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.amount.normalize():f} {self.currency}"


class BalanceReading(models.Model):
    """What a provider reported as our balance, and what our books held at that moment. Never changed or deleted.

    ``entries`` and ``charges`` are the two sums of our side. ``sends`` differs between two readings if something was
    sent between them; a quiet reading equals the one before it with nothing sent, charged or entered between.
    """

    provider = models.ForeignKey(Provider, models.PROTECT, verbose_name=_("provider"), related_name="readings")
    at = models.DateTimeField(_("read"))
    amount = ProviderAmountField(_("reported"))
    currency = models.CharField(_("currency"), max_length=8)
    entries = ProviderAmountField(_("opening balance and entries"))
    charges = ProviderAmountField(_("charges"))
    sends = models.CharField(_("sends so far"), max_length=60)
    is_quiet = models.BooleanField(_("quiet"))

    class Meta:
        verbose_name = _("balance reading")
        verbose_name_plural = _("balance readings")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["provider", "-id"], name="balance_reading_newest"),
            models.Index(fields=["provider", "-id"], condition=Q(is_quiet=True), name="balance_reading_quiet"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.at:%Y-%m-%d %H:%M}"

    @property
    def ours(self) -> Decimal:
        """Our own balance of the account at that moment."""
        return EXACT.subtract(self.entries, self.charges)

    @property
    def difference(self) -> Decimal:
        """The reported balance less ours: below zero, money is missing."""
        return EXACT.subtract(self.amount, self.ours)


class BreakKind(models.TextChoices):
    BALANCE = "balance", _("Balance differs")
    CHARGE = "charge", _("Charged above the price")
    MARGIN = "margin", _("Sold at a loss")
    OWED = "owed", _("The provider owes us")
    UNKNOWN_ORDER = "unknown_order", _("Order that nobody placed")


class BreakState(models.TextChoices):
    OPEN = "open", _("Open")
    EXPLAINED = "explained", _("Explained")
    CLOSED = "closed", _("Closed")


class ReconciliationBreak(models.Model):
    """A difference between a provider's account and ours. It moves no money: it is explained, or it goes away.

    ``amount`` is in ``currency``: the reported balance less ours (balance), what they took above the price
    (charge), what was lost (margin, below zero), what they keep for an order that was not delivered (owed), what an
    order unknown to us cost. One row that is not closed for each cause; ``suspects`` are orders worth a look.
    """

    provider = models.ForeignKey(Provider, models.PROTECT, verbose_name=_("provider"), related_name="breaks")
    kind = models.CharField(_("kind"), max_length=16, choices=BreakKind)
    order = models.ForeignKey(
        Order, models.PROTECT, verbose_name=_("order"), null=True, blank=True, related_name="breaks"
    )
    upstream_id = models.CharField(_("id at the provider"), max_length=64, blank=True)
    amount = ProviderAmountField(_("amount"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=8)
    facts = models.JSONField(_("facts"), default=dict, blank=True)
    suspects = models.JSONField(_("suspects"), default=list, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=BreakState, default=BreakState.OPEN)
    note = models.CharField(_("note"), max_length=500, blank=True)
    actor = models.CharField(_("by"), max_length=254, blank=True)
    first_seen = models.DateTimeField(_("first seen"))
    last_seen = models.DateTimeField(_("last seen"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    class Meta:
        verbose_name = _("reconciliation break")
        verbose_name_plural = _("reconciliation breaks")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "kind", "order", "upstream_id"],
                condition=~Q(state=BreakState.CLOSED),
                nulls_distinct=False,
                name="break_one_open_per_cause",
            ),
            models.CheckConstraint(
                condition=Q(state=BreakState.CLOSED, closed_at__isnull=False)
                | (~Q(state=BreakState.CLOSED) & Q(closed_at=None)),
                name="break_closed_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(kind=BreakKind.UNKNOWN_ORDER) | ~Q(upstream_id=""), name="break_unknown_order_has_id"
            ),
        ]

    def __str__(self) -> str:
        about = self.order or self.upstream_id
        return f"{self.get_kind_display()} ({about})" if about else str(self.get_kind_display())


class ReconciliationSchedule(models.Model):
    """When a provider's account is checked next. ``tries`` counts readings in a row that were not quiet."""

    provider = models.OneToOneField(Provider, models.CASCADE, verbose_name=_("provider"), related_name="+")
    next_at = models.DateTimeField(_("next check"))
    tries = models.PositiveIntegerField(_("unquiet readings in a row"), default=0)
    checked_at = models.DateTimeField(_("orders last checked"), null=True, blank=True)

    class Meta:
        verbose_name = _("reconciliation schedule")
        verbose_name_plural = _("reconciliation schedules")

    def __str__(self) -> str:
        return str(self.provider)


class ProviderAccount(Provider):
    """A provider as an account: opening balance, deposits, charges, and what it reports."""

    class Meta:
        proxy = True
        verbose_name = _("provider account")
        verbose_name_plural = _("provider accounts")
        ordering = ["name"]
