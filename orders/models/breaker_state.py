from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.models import Provider


class SendingGate(models.Model):
    """The breaker of one provider: shut, nothing is sent but one order at a time after the doubts had time to settle.

    A row of its own, so that sending orders never waits for a sync that writes the provider.
    """

    provider = models.OneToOneField(
        Provider, models.CASCADE, verbose_name=_("provider"), primary_key=True, related_name="sending_gate"
    )
    streak = models.PositiveIntegerField(_("unclear answers in a row"), default=0, db_default=0)
    shut_at = models.DateTimeField(_("shut"), null=True, blank=True)
    shut_because = models.CharField(_("shut because"), max_length=40, blank=True, default="", db_default="")
    #: Doubts sent before this are explained by an earlier shutting, and do not count again.
    opened_at = models.DateTimeField(_("opened again"), null=True, blank=True)

    class Meta:
        verbose_name = _("breaker")
        verbose_name_plural = _("breakers")

    def __str__(self) -> str:
        return f"{self.provider}"
