from django.utils.translation import gettext_lazy as _

from orders.models.order import Order


class DoubtfulOrder(Order):
    """An order whose answer was lost, as the owner's queue shows it."""

    class Meta:
        proxy = True
        verbose_name = _("order in doubt")
        verbose_name_plural = _("orders in doubt")
        ordering = ["sent_at", "id"]
