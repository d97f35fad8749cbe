from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from catalog.models import Provider
from core.money import ProviderAmountField
from orders.models.order import Order
from orders.states import FINAL, Progress

_NOTHING = (Progress.CANCELED, Progress.REFUNDED)


class ChildOrder(models.Model):
    """One run of a drip-feed, or one post of a subscription: an order at the provider that belongs to one of ours.

    ``quantity`` is what the provider was to deliver; for a subscription it is derived from the provider's answers.
    """

    parent = models.ForeignKey(Order, models.PROTECT, verbose_name=_("order"), related_name="children")
    provider = models.ForeignKey(Provider, models.PROTECT, verbose_name=_("provider"), related_name="+")
    upstream_id = models.CharField(_("id at the provider"), max_length=64)
    quantity = models.BigIntegerField(_("quantity"), null=True, blank=True)
    progress = models.CharField(_("progress"), max_length=12, choices=Progress, blank=True)
    raw_state = models.CharField(_("state in the provider's words"), max_length=100, blank=True)
    state_since = models.DateTimeField(_("in this state since"), null=True, blank=True)
    start_count = models.BigIntegerField(_("start count"), null=True, blank=True)
    remains = models.BigIntegerField(_("remains"), null=True, blank=True)
    charge = ProviderAmountField(_("charged by the provider"), null=True, blank=True)
    needs_review = models.CharField(_("needs review"), max_length=120, blank=True)
    created_at = models.DateTimeField(_("first listed"), db_default=Now())
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    next_poll_at = models.DateTimeField(_("next poll"), null=True, blank=True)
    asked_at = models.DateTimeField(_("last asked"), null=True, blank=True)
    answered_at = models.DateTimeField(_("last answered"), null=True, blank=True)
    poll_misses = models.PositiveIntegerField(_("unanswered polls in a row"), default=0)

    class Meta:
        verbose_name = _("child order")
        verbose_name_plural = _("child orders")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "upstream_id"], name="child_one_per_upstream_id"),
            models.CheckConstraint(condition=~Q(upstream_id=""), name="child_id_not_empty"),
        ]
        indexes = [
            models.Index(
                fields=["provider", "next_poll_at"], condition=Q(next_poll_at__isnull=False), name="child_to_poll"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.parent} / {self.upstream_id}"

    @property
    def is_final(self) -> bool:
        return self.progress in FINAL

    @property
    def delivered(self) -> int:
        """How much of it was delivered, as far as we know."""
        quantity, missing = self.quantity or 0, self.remains
        if self.progress == Progress.COMPLETED:
            return quantity
        if missing is None or self.progress in ("", Progress.PENDING, Progress.PROCESSING, *_NOTHING):
            return 0
        return quantity - max(0, min(missing, quantity))
