from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.models.service import Category, Service, Unit
from core.money import AmountField


class ChangeKind(models.TextChoices):
    NEW = "new", _("New")
    DEARER = "dearer", _("Dearer")
    CHEAPER = "cheaper", _("Cheaper")
    GONE = "gone", _("Gone")
    BACK = "back", _("Back")


class ServiceChange(models.Model):
    """A service update that customers see: the service is new, back or gone, or its list price changed.

    Without ``service`` it is one entry about many: ``count`` services, of ``category`` if they are all of one, whose
    prices changed by about ``percent``. Prices are per 1,000 or per package, as ``unit`` says.
    """

    service = models.ForeignKey(
        Service, models.CASCADE, verbose_name=_("service"), null=True, blank=True, related_name="changes"
    )
    count = models.PositiveIntegerField(_("services"), null=True, blank=True)
    category = models.ForeignKey(
        Category, models.SET_NULL, verbose_name=_("category"), null=True, blank=True, related_name="+", db_index=False
    )
    percent = models.DecimalField(_("percent"), max_digits=9, decimal_places=2, null=True, blank=True)
    kind = models.CharField(_("what"), max_length=8, choices=ChangeKind)
    unit = models.CharField(
        _("unit"), max_length=12, choices=Unit, default=Unit.PER_1000, db_default=Unit.PER_1000.value
    )
    old_price = AmountField(_("old price"), null=True)
    new_price = AmountField(_("new price"), null=True)
    at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("service update")
        verbose_name_plural = _("service updates")
        # Numbered as they happen, so the newest come first without an index of their own.
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(service__isnull=False, count=None) | Q(service=None, count__gt=0),
                name="change_of_one_or_many",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service_id or self.count} {self.kind}"
