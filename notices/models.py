from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Severity(models.TextChoices):
    INFO = "info", _("For information")
    ATTENTION = "attention", _("Needs attention")
    MONEY = "money", _("Costs money")


class Alert(models.Model):
    """Something the owner should know. While it is open, the same cause adds to ``times`` instead of a second row."""

    cause = models.CharField(_("cause"), max_length=120, help_text=_("Machine name, e.g. provider:3:parked"))
    severity = models.CharField(_("severity"), max_length=12, choices=Severity, default=Severity.ATTENTION)
    title = models.CharField(_("title"), max_length=200)
    body = models.TextField(_("what happened"), blank=True)
    path = models.CharField(_("page"), max_length=300, blank=True, help_text=_("Where to look, inside this site"))
    times = models.PositiveIntegerField(_("times"), default=1)
    opened_at = models.DateTimeField(_("opened"), db_default=Now())
    last_at = models.DateTimeField(_("last seen"), db_default=Now())
    mailed_at = models.DateTimeField(_("mailed"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.CharField(_("closed by"), max_length=254, blank=True)

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["cause"], condition=Q(closed_at=None), name="alert_one_open_per_cause")
        ]
        indexes = [
            models.Index(fields=["opened_at"], condition=Q(closed_at=None, mailed_at=None), name="alert_to_mail")
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def page(self) -> str:
        """Where to look; empty unless it is a path of this site, whatever wrote the row."""
        return self.path if self.path.startswith("/") and not self.path.startswith(("//", "/\\")) else ""


class SendState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    SENT = "sent", _("Sent")
    REFUSED = "refused", _("Address refused")
    GIVEN_UP = "given_up", _("Given up")


class Outbox(models.Model):
    """One message to one address. It is sent at least once, with the same Message-ID each time.

    While it waits, ``next_at`` is when it is due; a sender that claims it moves that to the end of its lease and counts
    ``tries``, by which it recognises its own claim again. ``data`` fills the template. What works like a password
    stands in ``sealed`` instead, encrypted, and is wiped as soon as the row waits no longer.
    """

    channel = models.CharField(_("channel"), max_length=12, default="mail")
    key = models.CharField(_("key"), max_length=340, unique=True, help_text=_("The same key is never queued twice"))
    to = models.CharField(_("to"), max_length=254)
    template = models.CharField(_("template"), max_length=100)
    language = models.CharField(_("language"), max_length=16)
    data = models.JSONField(_("data"), default=dict)
    has_secret = models.BooleanField(_("holds a code or link"), default=False)
    sealed = models.TextField(_("sealed data"), blank=True)
    is_alert = models.BooleanField(_("alert to the owner"), default=False)
    #: News to a customer: it can be switched off by a link in it, waits behind codes, and a thaw ends it unsent.
    is_news = models.BooleanField(_("news to a customer"), default=False, db_default=False)
    message_id = models.CharField(_("Message-ID"), max_length=300)
    state = models.CharField(_("state"), max_length=10, choices=SendState, default=SendState.WAITING)
    queued_at = models.DateTimeField(_("queued"))
    next_at = models.DateTimeField(_("next try"), null=True, blank=True)
    good_until = models.DateTimeField(
        _("good until"), null=True, blank=True, help_text=_("After that its code no longer works, and it is not sent")
    )
    tries = models.PositiveIntegerField(_("tries"), default=0)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    gave_up_at = models.DateTimeField(_("given up"), null=True, blank=True)
    error = models.CharField(_("last error"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("mail")
        verbose_name_plural = _("mails")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state=SendState.WAITING, next_at__isnull=False)
                | (~Q(state=SendState.WAITING) & Q(next_at=None)),
                name="outbox_due_while_waiting",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[SendState.WAITING, SendState.SENT], gave_up_at=None)
                | Q(state__in=[SendState.REFUSED, SendState.GIVEN_UP], gave_up_at__isnull=False),
                name="outbox_time_of_end",
            ),
            models.CheckConstraint(
                condition=~Q(state=SendState.SENT) | Q(sent_at__isnull=False), name="outbox_sent_has_time"
            ),
            models.CheckConstraint(
                condition=Q(sealed="") | Q(has_secret=True, state=SendState.WAITING), name="outbox_secret_only_waiting"
            ),
        ]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(state=SendState.WAITING), name="outbox_due"),
            models.Index(fields=["queued_at"], name="outbox_by_age"),
            models.Index(fields=["state", "-id"], name="outbox_by_state"),
        ]

    def __str__(self) -> str:
        return f"{self.template} → {self.to}"


class News(models.Model):
    """Something a customer may want a mail about, written with what happened and deleted with the mail.

    ``kind`` is a switch of `accounts.models.MailChoices`, ``reference`` names the order or top-up, as the ledger does.
    ``is_quiet`` is set for orders through the API and in bulk. ``at_digest`` is set once it waits for the daily mail.
    """

    # Without a constraint: it would lock the customer's row with every order that ends.
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    kind = models.CharField(max_length=20)
    reference = models.CharField(max_length=60)
    is_quiet = models.BooleanField(default=False, db_default=False)
    at = models.DateTimeField()
    due_at = models.DateTimeField()
    at_digest = models.BooleanField(default=False, db_default=False)

    class Meta:
        verbose_name = _("news")
        verbose_name_plural = _("news")
        indexes = [models.Index(fields=["due_at", "customer"], name="news_due")]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference}"


class Heartbeat(models.Model):
    """The last sign of life of a part of the shop: beat, each queue of the workers, the sweep."""

    part = models.CharField(_("part"), max_length=40, primary_key=True)
    at = models.DateTimeField(_("last sign of life"))

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.part
