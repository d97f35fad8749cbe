"""Roles of staff: the ready ones, how much money each may move by hand, and what was moved on a day."""

from django.contrib.auth.models import Group
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.money import LEAST, MOST, AmountField


class StaffRole(models.Model):
    """A ready role (`accounts.roles`): the group that stands for it, and the rights that migrate gave to that group.

    Without a group, an owner deleted it; no migrate makes it again.
    """

    code = models.CharField(max_length=20, primary_key=True)
    group = models.OneToOneField(Group, models.SET_NULL, null=True, related_name="ready_role")
    given = ArrayField(models.CharField(max_length=120), default=list)

    class Meta:
        verbose_name = _("ready role")
        verbose_name_plural = _("ready roles")
        default_permissions = ()

    def __str__(self) -> str:
        return self.code


class StaffLimit(models.Model):
    """How much of the shop's money each member of a group may move by hand. None: the group sets no limit."""

    group = models.OneToOneField(Group, models.CASCADE, primary_key=True, related_name="money_limit")
    per_day = AmountField(_("money moved by hand in a day"), null=True, blank=True)
    per_action = AmountField(_("money moved by one action"), null=True, blank=True)

    class Meta:
        verbose_name = _("limit of staff")
        verbose_name_plural = _("limits of staff")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=(Q(per_day=None) | Q(per_day__gte=LEAST, per_day__lt=MOST))
                & (Q(per_action=None) | Q(per_action__gte=LEAST, per_action__lt=MOST)),
                name="staff_limit_sane",
            )
        ]

    def __str__(self) -> str:
        return str(self.group_id)


class MoneyByHand(models.Model):
    """What one member of staff moved by hand on one day of the shop's time zone, into wallets and out of them.

    ``most`` is the limit as it was at the last operation, so that the database itself refuses one that would pass it.
    """

    person = models.ForeignKey("accounts.User", models.PROTECT, related_name="money_by_hand")
    day = models.DateField(_("day"))
    amount = AmountField(_("moved"))
    most = AmountField(_("limit"), null=True)

    class Meta:
        verbose_name = _("money moved by hand")
        verbose_name_plural = _("money moved by hand")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["person", "day"], name="money_by_hand_once_a_day"),
            models.CheckConstraint(condition=Q(amount__gt=LEAST, amount__lt=MOST), name="money_by_hand_sane"),
            models.CheckConstraint(
                condition=Q(most=None) | Q(amount__lte=F("most")), name="money_by_hand_within_limit"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.day}"
