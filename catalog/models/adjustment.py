from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.models.service import Category, Service

#: Bounds of one change, as a factor: from a tenth of a price to eleven times.
LEAST_FACTOR, MOST_FACTOR = Decimal("0.1"), Decimal(11)


class PriceAdjustment(models.Model):
    """Prices of a list of services, raised or lowered by a percentage until it is undone.

    The price that the markup rules give is multiplied by ``factor`` before it is rounded, now and after each sync. The
    services are rows of :class:`AdjustedService`.
    """

    name = models.CharField(_("services"), max_length=250)
    #: The category of all these services, if they are of one: customers read its name.
    category = models.ForeignKey(
        Category, models.SET_NULL, verbose_name=_("category"), null=True, blank=True, related_name="+", db_index=False
    )
    factor = models.DecimalField(_("factor"), max_digits=8, decimal_places=4)
    services = models.ManyToManyField(Service, through="catalog.AdjustedService", related_name="adjustments")
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="", db_default="")
    by = models.CharField(_("by"), max_length=254)
    at = models.DateTimeField(_("since"))
    undone_by = models.CharField(_("undone by"), max_length=254, blank=True, default="", db_default="")
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)

    class Meta:
        verbose_name = _("price adjustment")
        verbose_name_plural = _("price adjustments")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(factor__gte=LEAST_FACTOR, factor__lte=MOST_FACTOR), name="adjustment_factor_sane"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.percent_text}"

    @property
    def percent(self) -> Decimal:
        """The change in percent: 5 for a factor of 1.05."""
        return (self.factor - 1) * 100

    @property
    def percent_text(self) -> str:
        """``+5 %``, ``−2.5 %``."""
        return f"{'+' if self.factor > 1 else '−'}{abs(self.percent).normalize():f} %"


class AdjustedService(models.Model):
    """A service in a price adjustment."""

    adjustment = models.ForeignKey(PriceAdjustment, models.CASCADE, db_index=False, related_name="rows")
    service = models.ForeignKey(Service, models.CASCADE, related_name="+")
    #: For a service whose margin would be too low, another factor than the adjustment's.
    factor = models.DecimalField(_("own factor"), max_digits=8, decimal_places=4, null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["adjustment", "service"], name="adjusted_once"),
            models.CheckConstraint(
                condition=Q(factor=None) | Q(factor__gte=LEAST_FACTOR, factor__lte=MOST_FACTOR),
                name="adjusted_factor_sane",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.adjustment_id}: {self.service_id}"
