from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.models import Provider


class PollSchedule(models.Model):
    """When the next status call to a provider may leave, and how many are under way, over all workers.

    ``busy`` holds one time for each call under way, after which it no longer counts, because its worker is gone.
    """

    provider = models.OneToOneField(
        Provider, models.CASCADE, verbose_name=_("provider"), primary_key=True, related_name="+"
    )
    next_call_at = models.DateTimeField(_("next call"))
    busy = ArrayField(models.DateTimeField(), verbose_name=_("calls under way"), default=list)
    halvings = models.PositiveSmallIntegerField(_("pace halved, times"), default=0)
    halved_at = models.DateTimeField(_("last halved"), null=True, blank=True)

    class Meta:
        verbose_name = _("status polling schedule")
        verbose_name_plural = _("status polling schedules")

    def __str__(self) -> str:
        return str(self.provider)
