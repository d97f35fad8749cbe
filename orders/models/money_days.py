from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.models import Provider, Service
from core.money import AmountField


class MoneyHour(models.Model):
    """What the whole shop earned and paid in one hour that is over; an hour without any movement has no row.

    Written by `orders.profit.counting` alone. Money counts in the hour of its transfer, an order's cost in the hour in
    which its hold was closed. ``fees``, ``bonuses`` and ``losses`` are what those accounts paid less what came back.
    """

    hour = models.DateTimeField(_("hour"), primary_key=True)
    orders = models.PositiveIntegerField(_("orders placed"))
    customers = models.PositiveIntegerField(_("new customers"))
    earned = AmountField(_("earned"))
    refunded = AmountField(_("refunded before the end"))
    late_refunds = AmountField(_("refunded after completion"))
    cost = AmountField(_("cost"))
    fees = AmountField(_("fees"))
    bonuses = AmountField(_("bonuses"))
    losses = AmountField(_("losses"))
    topups = AmountField(_("top-ups"))

    class Meta:
        verbose_name = _("money of an hour")
        verbose_name_plural = _("money of hours")

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}"


class MoneyDay(models.Model):
    """What the orders for one service at one provider moved on one day, in the shop's time zone.

    ``orders`` were placed on it, ``ended`` had their hold closed on it. The cost is that of those that ended. The day
    that runs is counted up to `MoneyState.counted_until`.
    """

    day = models.DateField(_("day"))
    service = models.ForeignKey(Service, models.CASCADE, verbose_name=_("service"), related_name="+", db_index=False)
    provider = models.ForeignKey(Provider, models.CASCADE, verbose_name=_("provider"), related_name="+", db_index=False)
    orders = models.PositiveIntegerField(_("orders placed"))
    ended = models.PositiveIntegerField(_("orders ended"))
    earned = AmountField(_("earned"))
    refunded = AmountField(_("refunded before the end"))
    late_refunds = AmountField(_("refunded after completion"))
    cost = AmountField(_("cost"))

    class Meta:
        verbose_name = _("money of a day")
        verbose_name_plural = _("money of days")
        constraints = [models.UniqueConstraint(fields=["day", "service", "provider"], name="money_day_once")]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d} {self.service_id} {self.provider_id}"


class CustomerMoneyDay(models.Model):
    """What the orders of one customer moved on one day, as `MoneyDay` counts them."""

    day = models.DateField(_("day"))
    customer = models.ForeignKey(
        "accounts.User", models.CASCADE, verbose_name=_("customer"), related_name="+", db_index=False
    )
    orders = models.PositiveIntegerField(_("orders placed"))
    ended = models.PositiveIntegerField(_("orders ended"))
    earned = AmountField(_("earned"))
    refunded = AmountField(_("refunded before the end"))
    late_refunds = AmountField(_("refunded after completion"))
    cost = AmountField(_("cost"))

    class Meta:
        verbose_name = _("money of a customer's day")
        verbose_name_plural = _("money of customers' days")
        constraints = [models.UniqueConstraint(fields=["day", "customer"], name="customer_money_day_once")]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d} {self.customer_id}"


class MoneyState(models.Model):
    """How far money is counted, in one row: every hour before ``counted_until``, which begins an hour of a day.

    ``time_zone`` is the one whose days were counted.
    """

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    time_zone = models.CharField(_("time zone"), max_length=64)
    counted_until = models.DateTimeField(_("counted until"), null=True)

    class Meta:
        verbose_name = _("state of counted money")
        verbose_name_plural = _("state of counted money")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="money_state_one_row")]

    def __str__(self) -> str:
        return self.time_zone


class ChangedCost(models.Model):
    """An order that was changed after its hold had been closed: its cost is counted anew, on the day it counts on.

    It may stand here many times, because two transactions that marked the same row would wait for each other.
    """

    order_id = models.BigIntegerField(_("order"))

    class Meta:
        verbose_name = _("changed cost")
        verbose_name_plural = _("changed costs")

    def __str__(self) -> str:
        return f"#{self.order_id}"
