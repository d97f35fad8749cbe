from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.models.service import Service
from core.money import AmountField


class ChangeKind(models.TextChoices):
    NEW = "new", _("New")
    DEARER = "dearer", _("Dearer")
    CHEAPER = "cheaper", _("Cheaper")
    GONE = "gone", _("Gone")
    BACK = "back", _("Back")


class ServiceChange(models.Model):
    """A service update that customers see: the service is new, back or gone, or its list price changed."""

    service = models.ForeignKey(Service, models.CASCADE, verbose_name=_("service"), related_name="changes")
    kind = models.CharField(_("what"), max_length=8, choices=ChangeKind)
    old_price = AmountField(_("old price"), null=True)
    new_price = AmountField(_("new price"), null=True)
    at = models.DateTimeField(_("when"))

    class Meta:
        verbose_name = _("service update")
        verbose_name_plural = _("service updates")
        # Numbered as they happen, so the newest come first without an index of their own.
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.service_id} {self.kind}"
