from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Severity(models.TextChoices):
    INFO = "info", _("For information")
    ATTENTION = "attention", _("Needs attention")
    MONEY = "money", _("Costs money")


class Alert(models.Model):
    """Something the owner should know. While it is open, the same cause adds to ``times`` instead of a second row."""

    cause = models.CharField(_("cause"), max_length=120, help_text=_("Machine name, e.g. provider:3:parked"))
    severity = models.CharField(_("severity"), max_length=12, choices=Severity, default=Severity.ATTENTION)
    title = models.CharField(_("title"), max_length=200)
    body = models.TextField(_("what happened"), blank=True)
    path = models.CharField(_("page"), max_length=300, blank=True, help_text=_("Where to look, inside this site"))
    times = models.PositiveIntegerField(_("times"), default=1)
    opened_at = models.DateTimeField(_("opened"), db_default=Now())
    last_at = models.DateTimeField(_("last seen"), db_default=Now())
    mailed_at = models.DateTimeField(_("mailed"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.CharField(_("closed by"), max_length=254, blank=True)

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["cause"], condition=Q(closed_at=None), name="alert_one_open_per_cause")
        ]
        indexes = [
            models.Index(fields=["opened_at"], condition=Q(closed_at=None, mailed_at=None), name="alert_to_mail")
        ]

    def __str__(self) -> str:
        return self.title


class Heartbeat(models.Model):
    """The last sign of life of a part of the shop: beat, each queue of the workers, the sweep."""

    part = models.CharField(_("part"), max_length=40, primary_key=True)
    at = models.DateTimeField(_("last sign of life"))

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.part
