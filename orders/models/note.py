from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual
from django.utils.translation import gettext_lazy as _

from orders.models.order import Order

#: Characters of a note.
LONGEST_NOTE = 500


class OrderNote(models.Model):
    """What a customer wrote about an order of theirs, for themselves alone.

    ``customer`` is the order's; a trigger writes it.
    """

    order = models.OneToOneField(
        Order, models.PROTECT, verbose_name=_("order"), primary_key=True, related_name="own_note"
    )
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        verbose_name=_("customer"),
        editable=False,
        related_name="+",
        db_index=False,
    )
    text = models.CharField(_("text"), max_length=LONGEST_NOTE)

    class Meta:
        verbose_name = _("note of a customer")
        verbose_name_plural = _("notes of customers")
        constraints = [
            models.CheckConstraint(
                condition=~Q(text="") & Q(LessThanOrEqual(Length("text"), LONGEST_NOTE)), name="order_note_bounded"
            ),
        ]
        indexes = [models.Index(fields=["customer", "-order"], name="order_note_of_customer")]

    def __str__(self) -> str:
        return f"{self.order_id}"
