"""Notes that customers write about their own orders. Nobody else reads them."""

from django.utils.translation import gettext as _

from core.refusals import Refusal
from orders.models import LONGEST_NOTE, Order, OrderNote


class NoteTooLong(Refusal):
    """The note has more characters than one may have."""

    code = "note_too_long"


def note_of(order: Order) -> str:
    """Return the customer's note about ``order``, "" without one."""
    return OrderNote.objects.filter(pk=order.pk).values_list("text", flat=True).first() or ""


def save_note(order: Order, text: str) -> None:
    """Save the note about ``order`` in place of the one before; without text delete it. Raises NoteTooLong."""
    text = text.replace("\0", "").replace("\r\n", "\n").strip()
    if len(text) > LONGEST_NOTE:
        words = {"count": len(text), "most": LONGEST_NOTE}
        raise NoteTooLong(_("The note has %(count)s characters. At most %(most)s fit; shorten it.") % words)
    if text:
        OrderNote.objects.update_or_create(order=order, defaults={"text": text})
    else:
        OrderNote.objects.filter(pk=order.pk).delete()
