from django.db import models
from django.utils.translation import gettext_lazy as _


class ChangedDay(models.Model):
    """A day of placement whose facts have to be counted anew: ``placed_at`` is a moment of it.

    Written by triggers of orders and refills, so that no way of changing them can forget it. A day may stand here
    many times, because two transactions that marked the same row would wait for each other.
    """

    placed_at = models.DateTimeField(_("placed"), db_index=True)

    class Meta:
        verbose_name = _("changed day")
        verbose_name_plural = _("changed days")

    def __str__(self) -> str:
        return f"{self.placed_at:%Y-%m-%d}"
