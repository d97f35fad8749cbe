from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from catalog.models import Provider
from orders.models.order import Order
from orders.states import CANCEL_OPEN, CancelState


class Cancellation(models.Model):
    """A customer's request to cancel an order that the provider has. It may be repeated and moves no money.

    ``answer`` is the state in which the order ended, or the class of the refusal that closed the request.
    """

    order = models.ForeignKey(Order, models.PROTECT, verbose_name=_("order"), related_name="cancellations")
    provider = models.ForeignKey(Provider, models.PROTECT, verbose_name=_("provider"), related_name="+")
    state = models.CharField(_("state"), max_length=10, choices=CancelState, default=CancelState.QUEUED)
    actor = models.CharField(_("by"), max_length=254, blank=True)
    next_at = models.DateTimeField(_("next try"), null=True, blank=True)
    tries = models.PositiveIntegerField(_("tries"), default=0)
    answer = models.CharField(_("answer"), max_length=40, blank=True)
    created_at = models.DateTimeField(_("asked for"), db_default=Now())
    asked_at = models.DateTimeField(_("last asked"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("cancellation")
        verbose_name_plural = _("cancellations")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=Q(state__in=CANCEL_OPEN), name="cancellation_one_open_per_order"
            ),
        ]
        indexes = [
            models.Index(
                fields=["provider", "next_at"], condition=Q(next_at__isnull=False), name="cancellation_to_ask"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order} X{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in CANCEL_OPEN
