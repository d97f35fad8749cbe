from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.models import Provider


class ProbePass(models.Model):
    """One search for our order numbers. ``ranges`` are the [low, high] pairs searched in full, bounds exclusive.

    ``todo`` holds [low, high, asked up to] of what there was no time for; the next search continues it.
    """

    provider = models.ForeignKey(Provider, models.PROTECT, verbose_name=_("provider"), related_name="+")
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"))
    ranges = models.JSONField(_("asked for"), default=list)
    todo = models.JSONField(_("still to ask for"), default=list)
    new_ids = models.JSONField(_("seen first"), default=list)
    calls = models.PositiveIntegerField(_("calls"), default=0)
    voids = models.PositiveIntegerField(_("void calls"), default=0)
    stopped_by = models.CharField(_("stopped by"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("search")
        verbose_name_plural = _("searches")
        ordering = ["-id"]
        indexes = [models.Index(fields=["provider", "started_at"], name="probe_pass_by_time")]

    def __str__(self) -> str:
        return f"{self.provider} {self.started_at:%Y-%m-%d %H:%M:%S}"


class RateReading(models.Model):
    """Rates of services with an open doubt: external id -> rate as text, null when the list does not hold it."""

    provider = models.ForeignKey(Provider, models.PROTECT, verbose_name=_("provider"), related_name="+")
    at = models.DateTimeField(_("read"))
    rates = models.JSONField(_("rates"))

    class Meta:
        verbose_name = _("reading of rates")
        verbose_name_plural = _("readings of rates")
        ordering = ["-id"]
        indexes = [models.Index(fields=["provider", "at"], name="rate_reading_by_time")]

    def __str__(self) -> str:
        return f"{self.provider} {self.at:%Y-%m-%d %H:%M:%S}"


class ProbeSchedule(models.Model):
    """Which resolver has claimed a provider's doubts, until when, and when each kind of search is due."""

    provider = models.OneToOneField(Provider, models.CASCADE, verbose_name=_("provider"), related_name="+")
    claimed_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    next_at = models.DateTimeField(_("next check"), null=True, blank=True)
    calibrated_at = models.DateTimeField(_("calibrated"), null=True, blank=True)
    next_scan_at = models.DateTimeField(_("next orphan scan"), null=True, blank=True)
    asked_at = models.DateTimeField(_("last asked"), null=True, blank=True)
    scanned_to = models.BigIntegerField(_("scanned up to"), null=True, blank=True)

    class Meta:
        verbose_name = _("probing schedule")
        verbose_name_plural = _("probing schedules")

    def __str__(self) -> str:
        return str(self.provider)
