from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.models import Provider


class BreakerState(models.Model):
    """The breaker of one provider. While it is tripped, only trials are sent: one order at a time.

    A row of its own, so that sending orders never waits for a sync that writes the provider.
    """

    provider = models.OneToOneField(
        Provider, models.CASCADE, verbose_name=_("provider"), primary_key=True, related_name="+"
    )
    streak = models.PositiveIntegerField(_("unclear answers in a row"), default=0, db_default=0)
    tripped_at = models.DateTimeField(_("tripped"), null=True, blank=True)
    tripped_because = models.CharField(_("tripped because"), max_length=40, blank=True, default="", db_default="")
    #: Doubts sent before this were counted when it tripped the last time, and do not count again.
    reset_at = models.DateTimeField(_("reset"), null=True, blank=True)

    class Meta:
        verbose_name = _("breaker")
        verbose_name_plural = _("breakers")

    def __str__(self) -> str:
        return f"{self.provider}"
