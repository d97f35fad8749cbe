from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import MD5, Now
from django.db.models.lookups import LessThanOrEqual
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiKey
from catalog.models import Provider, Service, Unit
from core.money import LEAST, MOST, AmountField, ProviderAmountField
from orders.states import FINAL, Face, Forward, Progress, face_of
from upstream.errors import ErrorClass
from upstream.service_types import QuantitySource, service_type

SUBSCRIPTIONS = "subscriptions"
#: What may have child orders at the provider: drip-feeds and subscriptions.
PARENTS = Q(runs__isnull=False) | Q(service_type=SUBSCRIPTIONS)
#: Orders that are not over: not sent yet, in doubt, or with work to come at the provider.
NOT_OVER = ~Q(forward_state__in=[Forward.REFUSED, Forward.REFUNDED]) & (
    ~Q(forward_state=Forward.PLACED) | ~Q(progress__in=sorted(FINAL))
)
_LEFT_OF_IT = (F("charge") - F("refunded")) * F("expected_charge")
_COST_OF_IT = F("expected_cost") * F("provider_charge")
#: Placed orders that cost more than expected, or no less than was earned by them: the checks of charges look at these.
#: "What is left of the charge, at most what it cost" is multiplied out, so that nothing is divided by a charge of 0.
DEARER = Q(forward_state=Forward.PLACED, provider_charge__gt=LEAST) & (
    Q(provider_charge__gt=F("expected_charge")) | Q(LessThanOrEqual(_LEFT_OF_IT, _COST_OF_IT))
)


class Source(models.TextChoices):
    WEB = "web", _("Website")
    API = "api", _("API")
    MASS = "mass", _("Mass order")


class Order(models.Model):
    """What a customer bought, for how much, and how far it has come. Its id is the number everybody uses.

    The first block never changes after placement, but for the link of an order that was never sent
    (`orders.link_change`). ``quantity`` is per run; ``total`` is all that is to be delivered.
    ``charge`` and ``expected_cost`` are in the shop's currency, ``expected_charge`` in the provider's.
    """

    # Without an index of its own: two others begin with it, and each costs every order a write.
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("customer"), related_name="orders", db_index=False
    )
    service = models.ForeignKey(Service, models.PROTECT, verbose_name=_("service"), related_name="orders")
    provider = models.ForeignKey(
        Provider, models.PROTECT, verbose_name=_("provider"), related_name="orders", db_index=False
    )
    external_service_id = models.CharField(_("service at the provider"), max_length=64)
    service_name = models.CharField(_("service name"), max_length=500)
    service_type = models.CharField(_("type"), max_length=40)
    unit = models.CharField(_("unit"), max_length=12, choices=Unit)
    link = models.CharField(_("link"), max_length=2000, blank=True)
    #: One key for all spellings of the link (`catalog.links.reader`); empty without a link, and until it is filled in.
    link_key = models.CharField(_("key of the link"), max_length=200, blank=True, default="", db_default="")
    quantity = models.BigIntegerField(_("quantity"))
    runs = models.PositiveIntegerField(_("runs"), null=True, blank=True)
    interval = models.PositiveIntegerField(_("interval, minutes"), null=True, blank=True)
    total = models.BigIntegerField(_("to be delivered"))
    #: Exactly the fields of the provider's ``add`` besides key, action and service: what is sent comes from here alone.
    fields = models.JSONField(_("fields"))
    price = AmountField(_("price"))
    charge = AmountField(_("charge"))
    expected_cost = AmountField(_("expected cost"))
    expected_charge = ProviderAmountField(_("expected charge of the provider"))
    provider_currency = models.CharField(_("provider's currency"), max_length=8)
    nonce = models.CharField(_("nonce"), max_length=64, null=True, blank=True)  # noqa: DJ001 - absent is not empty
    source = models.CharField(_("placed through"), max_length=10, choices=Source, default=Source.WEB)
    # Without index and constraint, which each order through the API would pay for: a key that was used is never
    # deleted, as its use by day refers to it.
    api_key = models.ForeignKey(
        ApiKey,
        models.PROTECT,
        verbose_name=_("API key"),
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    created_at = models.DateTimeField(_("placed"), db_default=Now(), db_index=True)
    #: The terms of refill as they were when it was placed (`orders.refill_window`); 0 without an end, and at once.
    refill_days = models.SmallIntegerField(_("refill, days"), default=0, db_default=0)
    refill_opens_hours = models.SmallIntegerField(_("refill opens, hours"), default=0, db_default=0)

    #: The earlier order for the same link that has to end before this one is sent (`orders.checkout.waiting`).
    waits_for = models.ForeignKey(
        "self",
        models.PROTECT,
        verbose_name=_("waits for"),
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )

    forward_state = models.CharField(_("forwarding"), max_length=10, choices=Forward, default=Forward.QUEUED)
    next_at = models.DateTimeField(_("next try"), null=True, blank=True)
    tries = models.PositiveIntegerField(_("tries"), default=0)
    last_refusal = models.CharField(_("last refusal"), max_length=40, blank=True)

    upstream_id = models.CharField(_("id at the provider"), max_length=64, null=True, blank=True)  # noqa: DJ001 - absent is not empty
    progress = models.CharField(_("progress"), max_length=12, choices=Progress, blank=True)
    raw_state = models.CharField(_("state in the provider's words"), max_length=100, blank=True)
    #: When the first question was sent that the provider answered with exactly this state.
    state_since = models.DateTimeField(_("in this state since"), null=True, blank=True)
    #: The final state of a parent of child orders, as answered while some of those still run.
    ended_as = models.CharField(_("ended, waiting for its runs"), max_length=12, choices=Progress, blank=True)
    start_count = models.BigIntegerField(_("start count"), null=True, blank=True)
    remains = models.BigIntegerField(_("remains"), null=True, blank=True)
    provider_charge = ProviderAmountField(_("charged by the provider"), null=True, blank=True)
    answered_currency = models.CharField(_("currency of the answer"), max_length=8, blank=True)
    needs_review = models.CharField(_("needs review"), max_length=120, blank=True)
    #: The reason for a review that a person has dealt with: it is not raised again.
    reviewed = models.CharField(_("reviewed"), max_length=120, blank=True, default="", db_default="")
    #: How many were not delivered, as decided by a person; None if nobody had to decide.
    missing_by_hand = models.BigIntegerField(_("not delivered, decided by a person"), null=True, blank=True)
    refunded = AmountField(_("refunded"), default=0, db_default=0)
    #: What a person decided that is refunded in all, at least (`orders.refund_by_hand`).
    refunded_by_hand = AmountField(_("refunded by hand"), default=0, db_default=0)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    placed_at = models.DateTimeField(_("accepted by the provider"), null=True, blank=True)
    #: When the provider had begun to deliver, as far as its answers show (`orders.following.starting`); set once.
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    next_poll_at = models.DateTimeField(_("next poll"), null=True, blank=True)
    asked_at = models.DateTimeField(_("last asked"), null=True, blank=True)
    answered_at = models.DateTimeField(_("last answered"), null=True, blank=True)
    poll_misses = models.PositiveIntegerField(_("unanswered polls in a row"), default=0)

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["customer", "nonce"], name="order_once_per_nonce"),
            models.UniqueConstraint(fields=["provider", "upstream_id"], name="order_one_per_upstream_id"),
            models.CheckConstraint(condition=Q(charge__gt=LEAST, charge__lt=MOST), name="order_charge_positive"),
            models.CheckConstraint(
                condition=Q(expected_cost__gte=LEAST, expected_cost__lte=F("charge")), name="order_never_below_cost"
            ),
            # Bounded above as well: Postgres takes NaN for larger than any number.
            models.CheckConstraint(
                condition=Q(price__gt=LEAST, price__lt=MOST, expected_charge__gte=LEAST, expected_charge__lt=MOST)
                & (Q(provider_charge=None) | Q(provider_charge__gte=LEAST, provider_charge__lt=MOST)),
                name="order_figures_sane",
            ),
            models.CheckConstraint(
                condition=Q(refunded__gte=LEAST) & Q(refunded__lte=F("charge")), name="order_refunded_within_charge"
            ),
            models.CheckConstraint(condition=Q(quantity__gte=1, total__gte=F("quantity")), name="order_quantity_sane"),
            models.CheckConstraint(
                condition=Q(missing_by_hand=None) | Q(missing_by_hand__gte=0, missing_by_hand__lte=F("total")),
                name="order_missing_by_hand_within_total",
            ),
            models.CheckConstraint(
                condition=Q(forward_state=Forward.PLACED, upstream_id__isnull=False)
                | (~Q(forward_state=Forward.PLACED) & Q(upstream_id=None)),
                name="order_placed_has_upstream_id",
            ),
        ]
        indexes = [
            models.Index(
                fields=["provider", "next_at", "id"], condition=Q(forward_state=Forward.QUEUED), name="order_to_forward"
            ),
            models.Index(
                fields=["provider", "next_poll_at"], condition=Q(next_poll_at__isnull=False), name="order_to_poll"
            ),
            # A page of "My orders" whatever it is narrowed to, without looking at the rows of other pages.
            models.Index(fields=["customer", "-id"], include=["service", "created_at"], name="order_in_list"),
            models.Index(
                fields=["placed_at"],
                condition=Q(forward_state=Forward.PLACED) & ~Q(progress__in=sorted(FINAL)),
                name="order_open",
            ),
            # A tab of "My orders": how many, and the next 25 of each state.
            models.Index(
                fields=["customer", "forward_state", "progress", "-id"],
                include=["service", "created_at"],
                name="order_in_tab",
            ),
            models.Index(fields=["customer", "-id"], condition=PARENTS, include=["runs"], name="order_parent_in_list"),
            # For equality and for prefixes, which an index in the order of a language could not find.
            models.Index(fields=["link_key"], opclasses=["varchar_pattern_ops"], name="order_link_key"),
            models.Index(fields=["id"], condition=Q(link_key="") & ~Q(link=""), name="order_without_link_key"),
            # By digest: a link may be longer than an entry of an index.
            models.Index(
                F("provider"),
                MD5("link"),
                F("id"),
                condition=Q(forward_state=Forward.QUEUED, last_refusal=ErrorClass.DUPLICATE_LINK.value),
                name="order_waits_for_link",
            ),
            models.Index(
                fields=["waits_for"],
                condition=Q(waits_for__isnull=False, forward_state=Forward.QUEUED, next_at=None),
                name="order_waits_for_order",
            ),
            models.Index(
                fields=["forward_state"],
                condition=~Q(forward_state__in=[Forward.PLACED, Forward.REFUSED, Forward.REFUNDED]),
                name="order_unplaced",
            ),
            # Few rows each, which would otherwise be looked for among all.
            models.Index(fields=["id"], condition=~Q(needs_review=""), name="order_to_look_at"),
            models.Index(fields=["provider", "finished_at"], condition=PARENTS, name="order_with_children"),
            # How many were completed in a week and how long they took, without looking at the rows.
            models.Index(
                fields=["finished_at"],
                condition=Q(progress=Progress.COMPLETED),
                include=["created_at"],
                name="order_completed",
            ),
            models.Index(fields=["provider", "id"], condition=DEARER, name="order_dearer"),
            models.Index(
                fields=["progress", "-id"],
                condition=~Q(progress__in=["", Progress.COMPLETED]),
                name="order_ended_otherwise",
            ),
            # The owner's list of open orders: in its order, so that a page is not all of them sorted.
            models.Index(fields=["-id"], condition=NOT_OVER, name="order_not_over"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def reference(self) -> str:
        """How the ledger names this order."""
        return f"order:{self.pk}"

    @property
    def face(self) -> Face:
        return face_of(self.forward_state, self.progress)

    @property
    def is_final(self) -> bool:
        return self.face.is_final

    @property
    def is_in_doubt(self) -> bool:
        return self.forward_state in (Forward.IN_DOUBT, Forward.REVIEW)

    @property
    def waits_for_order(self) -> bool:
        """True while it is not sent because an earlier order for its link is open."""
        return self.waits_for_id is not None and self.forward_state == Forward.QUEUED and self.next_at is None

    @property
    def is_subscription(self) -> bool:
        """Placed for future posts: what is delivered is counted by its child orders."""
        kind = service_type(self.service_type)
        return kind is not None and kind.quantity_from is QuantitySource.NONE

    @property
    def may_have_children(self) -> bool:
        """True if a provider may list child orders of it."""
        return self.is_subscription or bool(self.runs)

    @property
    def target(self) -> str:
        """What is delivered to: the link, or the account of a subscription."""
        return self.link or str(self.fields.get("username", ""))

    @property
    def delivered(self) -> int:
        """How many were delivered, as far as we know; between 0 and the total."""
        if self.is_subscription and self.progress in (Progress.COMPLETED, Progress.EXPIRED):
            return self.total - (self.remains or 0)
        if self.progress == Progress.COMPLETED:
            return self.total
        if self.forward_state != Forward.PLACED or self.remains is None or not self.progress:
            return 0
        if self.progress in FINAL and self.progress != Progress.PARTIAL:
            return 0
        if self.progress in (Progress.PENDING, Progress.PROCESSING) and self.remains == 0:
            return 0  # some providers answer 0 before they have counted anything
        return self.total - max(0, min(self.remains, self.total))

    @property
    def missing(self) -> int:
        return self.total - self.delivered

    @property
    def net_charge(self) -> Decimal:
        """What the customer has paid, refunds deducted."""
        return self.charge - self.refunded

    @property
    def can_be_canceled(self) -> bool:
        """True if its customer may cancel it: unsent, or running where the service allows it and no request is open."""
        if self.forward_state == Forward.QUEUED:
            return True
        return (
            self.forward_state == Forward.PLACED
            and not self.is_final
            and self.service.allows_cancel
            and not self.cancel_is_open
        )

    @property
    def cancel_is_open(self) -> bool:
        """True if its customer asked to cancel it and the provider has not answered yet."""
        return any(c.is_open for c in self.cancellations.all())

    @property
    def can_be_refilled(self) -> bool:
        """True if its customer may ask for a refill, as far as the time allows it (`orders.refill_window`).

        It is completed, the service offers refills, and none is open.
        """
        return (
            self.forward_state == Forward.PLACED
            and self.progress == Progress.COMPLETED
            and self.service.allows_refill
            and not any(r.is_open for r in self.refills.all())
        )


class EventKind(models.TextChoices):
    ACCEPTED = "accepted", _("Accepted from the customer")
    REQUEUED = "requeued", _("Queued again")
    SENT = "sent", _("Sent to the provider")
    DELAYED = "delayed", _("Kept for later")
    DOUBTED = "doubted", _("Answer lost")
    PLACED = "placed", _("Placed at the provider")
    REFUSED = "refused", _("Refused by the provider")
    REFUNDED_UNSENT = "refunded", _("Refunded unsent")
    STARTED = "started", _("Started")
    MOVED = "moved", _("State changed")
    FINISHED = "finished", _("Finished")
    REFUND = "returned", _("Refund")
    REMARK = "remark", _("Note for the owner")
    REFILL_ASKED = "refill_asked", _("Refill asked for")
    REFILL_REQUESTED = "refill_requested", _("Refill passed on")
    REFILL_DOUBTED = "refill_doubted", _("Refill answer lost")
    REFILL_DONE = "refill_done", _("Refilled")
    REFILL_DECLINED = "refill_declined", _("Refill declined")
    REFILL_CLOSED = "refill_closed", _("Refill never answered")
    CANCEL_ASKED = "cancel_asked", _("Cancellation asked for")
    CANCEL_REQUESTED = "cancel_requested", _("Cancellation passed on")
    CANCEL_DECLINED = "cancel_declined", _("Cancellation declined")
    DECIDED = "decided", _("Decided by a person")
    LINK_CHANGED = "link_changed", _("Link changed")


class OrderEvent(models.Model):
    """One entry in the timeline of an order. ``detail`` is only shown; nothing is computed from it."""

    order = models.ForeignKey(Order, models.PROTECT, verbose_name=_("order"), related_name="events")
    at = models.DateTimeField(_("time"), db_default=Now())
    kind = models.CharField(_("what"), max_length=20, choices=EventKind)
    detail = models.JSONField(_("detail"), default=dict, blank=True)
    actor = models.CharField(_("by"), max_length=254, blank=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.at:%Y-%m-%d %H:%M:%S})"
