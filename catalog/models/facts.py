from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.models.service import Service


class ServiceDay(models.Model):
    """What became of the orders for one service that were placed on one day, in the shop's time zone.

    Written by `orders.facts.days` alone, a whole day at a time. ``whole``, ``partial`` and ``canceled`` are the orders
    that have ended, ``ordered`` and ``delivered`` the units of those among them that deliver to one link. ``held`` are
    the orders that the shop kept for a quarter of an hour or longer before it sent them. The times are histograms,
    ``{"12": 5}`` for five orders in step 12 (`catalog.facts.histogram`): medians of days cannot be added, histograms
    can. As JSON, because a day fills about ten of the 87 steps, and arrays would store all of them.
    """

    # The unique constraint begins with it.
    service = models.ForeignKey(Service, models.CASCADE, verbose_name=_("service"), related_name="days", db_index=False)
    day = models.DateField(_("day"))
    orders = models.PositiveIntegerField(_("orders"))
    whole = models.PositiveIntegerField(_("delivered whole"))
    partial = models.PositiveIntegerField(_("partial"))
    canceled = models.PositiveIntegerField(_("canceled"))
    held = models.PositiveIntegerField(_("held back"), default=0, db_default=0)
    ordered = models.BigIntegerField(_("units ordered"))
    delivered = models.BigIntegerField(_("units delivered"))
    refills = models.PositiveIntegerField(_("refills asked for"))
    refilled = models.PositiveIntegerField(_("refilled"))
    refills_declined = models.PositiveIntegerField(_("refills declined or never answered"))
    start_times = models.JSONField(_("times to start"))
    thousand_times = models.JSONField(_("times for 1,000"))
    refill_times = models.JSONField(_("times of refills"))

    class Meta:
        verbose_name = _("day of a service")
        verbose_name_plural = _("days of services")
        constraints = [models.UniqueConstraint(fields=["service", "day"], name="service_day_once")]
        indexes = [models.Index(fields=["day"], name="service_day_by_day")]

    def __str__(self) -> str:
        return f"{self.service_id} {self.day:%Y-%m-%d}"


class ServiceFigures(models.Model):
    """The measured times of one service as lists show and sort them: one row, so that no page adds up days.

    In seconds, None where fewer than `catalog.facts.figures.ENOUGH` orders were measured; ``…_orders`` is how many
    there were in the last ``…_days`` days, 7 if those are enough, else 30. ``average_time`` is ``takes`` as the API
    says it: it changes once a day, so that a list of services stays the same for as long.
    """

    service = models.OneToOneField(
        Service, models.CASCADE, verbose_name=_("service"), related_name="figures", primary_key=True
    )
    starts_in = models.PositiveIntegerField(_("starts in, seconds"), null=True)
    starts_orders = models.PositiveIntegerField(_("orders that started"), default=0)
    starts_days = models.PositiveSmallIntegerField(_("days"), default=30)
    takes = models.PositiveIntegerField(_("1,000 takes, seconds"), null=True)
    takes_orders = models.PositiveIntegerField(_("orders timed"), default=0)
    takes_days = models.PositiveSmallIntegerField(_("days"), default=30)
    average_time = models.PositiveIntegerField(_("average time of the API, seconds"), null=True)

    class Meta:
        verbose_name = _("figures of a service")
        verbose_name_plural = _("figures of services")

    def __str__(self) -> str:
        return str(self.service_id)


class FactsState(models.Model):
    """How far the facts are, in one row. Without it nothing has been counted yet.

    ``time_zone`` is the one whose days were counted, ``counted_at`` when the newest days were, ``day`` the day up to
    which the figures look back, ``published_on`` the day on which the API's times last changed.
    """

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    time_zone = models.CharField(_("time zone"), max_length=64)
    counted_at = models.DateTimeField(_("counted"), null=True)
    day = models.DateField(_("day of the figures"), null=True)
    published_on = models.DateField(_("published"), null=True)

    class Meta:
        verbose_name = _("state of the facts")
        verbose_name_plural = _("state of the facts")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="facts_state_one_row")]

    def __str__(self) -> str:
        return self.time_zone
