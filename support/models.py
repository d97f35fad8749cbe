from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length, Now
from django.db.models.lookups import LessThanOrEqual
from django.utils.translation import gettext_lazy as _

from orders.models import Order

#: Characters of one message.
LONGEST_MESSAGE = 10_000
#: Characters of one note about a customer.
LONGEST_CUSTOMER_NOTE = 4_000


class Priority(models.TextChoices):
    LOW = "low", _("Low")
    NORMAL = "normal", _("Normal")
    HIGH = "high", _("High")
    URGENT = "urgent", _("Urgent")


class Ticket(models.Model):
    """A customer's question, perhaps about an order. Open until somebody closes it; a reply opens it again.

    ``message`` is what the customer wrote first, what follows are rows of TicketMessage. ``waits_since`` is the time of
    the customer's first message that has no answer, empty if there is none.
    """

    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("customer"), related_name="tickets"
    )
    order = models.ForeignKey(
        Order, models.PROTECT, verbose_name=_("order"), related_name="tickets", null=True, blank=True, editable=False
    )
    subject = models.CharField(_("subject"), max_length=200)
    message = models.TextField(_("message"), max_length=LONGEST_MESSAGE)
    priority = models.CharField(_("priority"), max_length=8, choices=Priority, default=Priority.NORMAL)
    created_at = models.DateTimeField(_("asked"), db_default=Now(), editable=False)
    last_at = models.DateTimeField(_("last message"), db_default=Now(), editable=False)
    waits_since = models.DateTimeField(_("waits since"), null=True, blank=True, editable=False)
    #: An answer that the customer has not opened yet.
    is_unread = models.BooleanField(_("not read"), default=False, db_default=False, editable=False)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True, editable=False)
    closed_by = models.CharField(_("closed by"), max_length=254, blank=True, editable=False)

    class Meta:
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(closed_at=None) | Q(waits_since=None), name="ticket_closed_waits_not")
        ]
        indexes = [
            models.Index(fields=["customer"], condition=Q(closed_at=None), name="ticket_open_of_customer"),
            models.Index(fields=["customer", "-last_at", "-id"], name="ticket_of_customer"),
            models.Index(fields=["customer"], condition=Q(is_unread=True), name="ticket_unread"),
            models.Index(fields=["waits_since"], condition=Q(waits_since__isnull=False), name="ticket_waits"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {self.subject}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None


class Author(models.TextChoices):
    CUSTOMER = "customer", _("Customer")
    STAFF = "staff", _("Staff")
    NOTE = "note", _("Note of staff")


class TicketMessage(models.Model):
    """What was written in a ticket after its first message. Rows are never changed.

    ``name`` is the address of who wrote it, for staff alone; customers never see rows of ``NOTE``.
    """

    ticket = models.ForeignKey(Ticket, models.PROTECT, verbose_name=_("ticket"), related_name="messages")
    author = models.CharField(_("written by"), max_length=8, choices=Author)
    name = models.CharField(_("name"), max_length=254)
    text = models.TextField(_("text"), max_length=LONGEST_MESSAGE)
    created_at = models.DateTimeField(_("written"), db_default=Now())

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.ticket_id}: {self.text[:60]}"


class CannedAnswer(models.Model):
    """A text that staff begin an answer with. It may name ``{order}``, ``{service}``, ``{link}`` and ``{refunded}``."""

    title = models.CharField(_("title"), max_length=100, unique=True)
    text = models.TextField(
        _("text"), max_length=LONGEST_MESSAGE,
        help_text=_("May contain {order}, {service}, {link} and {refunded}, which are filled in from the order."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("canned answer")
        verbose_name_plural = _("canned answers")
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title


class CustomerNote(models.Model):
    """What staff wrote about a customer, for staff alone. Rows are never changed; ``author`` is who wrote it."""

    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("customer"), related_name="+", db_index=False
    )
    author = models.CharField(_("written by"), max_length=254)
    text = models.TextField(_("text"), max_length=LONGEST_CUSTOMER_NOTE)
    created_at = models.DateTimeField(_("written"), db_default=Now())

    class Meta:
        verbose_name = _("note about a customer")
        verbose_name_plural = _("notes about customers")
        default_permissions = ("add", "view")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(text="") & Q(LessThanOrEqual(Length("text"), LONGEST_CUSTOMER_NOTE)),
                name="customer_note_bounded",
            )
        ]
        indexes = [models.Index(fields=["customer", "-id"], name="customer_note_of_customer")]

    def __str__(self) -> str:
        return f"{self.customer_id}: {self.text[:60]}"
