from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from catalog.models import Provider
from orders.models.order import Order
from orders.states import REFILL_OPEN, RefillState


class Refill(models.Model):
    """A customer's request to refill a completed order. It never moves money."""

    order = models.ForeignKey(Order, models.PROTECT, verbose_name=_("order"), related_name="refills")
    #: The order's, written by a trigger: a list of one customer's refills begins with it.
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        verbose_name=_("customer"),
        editable=False,
        related_name="+",
        db_index=False,
    )
    provider = models.ForeignKey(Provider, models.PROTECT, verbose_name=_("provider"), related_name="+")
    state = models.CharField(_("state"), max_length=10, choices=RefillState, default=RefillState.QUEUED)
    next_at = models.DateTimeField(_("next try"), null=True, blank=True)
    tries = models.PositiveIntegerField(_("tries"), default=0)
    upstream_id = models.CharField(_("refill id at the provider"), max_length=64, null=True, blank=True)  # noqa: DJ001 - absent is not empty
    raw_state = models.CharField(_("state in the provider's words"), max_length=100, blank=True)
    refusal = models.CharField(_("declined because"), max_length=40, blank=True)
    created_at = models.DateTimeField(_("asked for"), db_default=Now())
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    next_poll_at = models.DateTimeField(_("next poll"), null=True, blank=True)
    asked_at = models.DateTimeField(_("last asked"), null=True, blank=True)
    poll_misses = models.PositiveIntegerField(_("unanswered polls in a row"), default=0)

    class Meta:
        verbose_name = _("refill")
        verbose_name_plural = _("refills")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=Q(state__in=REFILL_OPEN), name="refill_one_open_per_order"
            ),
        ]
        indexes = [
            models.Index(fields=["provider", "next_at"], condition=Q(state=RefillState.QUEUED), name="refill_to_send"),
            models.Index(
                fields=["provider", "next_poll_at"], condition=Q(next_poll_at__isnull=False), name="refill_to_poll"
            ),
            models.Index(fields=["customer", "-id"], name="refill_of_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.order} R{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in REFILL_OPEN
