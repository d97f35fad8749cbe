from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from catalog.models import Provider
from core.money import LIMIT, AmountField
from orders.models.order import Order
from orders.models.refill import Refill
from orders.states import LIVE, Outcome


class Attempt(models.Model):
    """One attempt to send something that must not be sent twice.

    Claimed and committed before any byte can leave, recorded after. ``token`` fences off a worker whose lease ran out;
    ``lane_pid`` and ``lane_started`` name the database session that must be alive while it sends.
    """

    n = models.PositiveIntegerField(_("try"))
    provider = models.ForeignKey(Provider, models.PROTECT, verbose_name=_("provider"), related_name="+")
    token = models.UUIDField(_("token"))
    lane = models.PositiveSmallIntegerField(_("lane"))
    lane_pid = models.IntegerField(_("lane session"))
    lane_started = models.DateTimeField(_("lane session since"))
    claimed_at = models.DateTimeField(_("claimed"))
    leased_until = models.DateTimeField(_("lease ends"))
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    send_calls = models.PositiveIntegerField(_("writes to the socket"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome, default=Outcome.CLAIMED)
    upstream_id = models.CharField(_("id at the provider"), max_length=64, null=True, blank=True)  # noqa: DJ001 - absent is not empty
    unconfirmed_id = models.CharField(_("unconfirmed id from a damaged answer"), max_length=64, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    decided_by = models.CharField(_("decided by"), max_length=254, null=True, blank=True)  # noqa: DJ001 - absent is not empty
    evidence = models.JSONField(_("evidence"), default=dict, blank=True)

    class Meta:
        abstract = True


def _proofs(prefix: str) -> list[models.BaseConstraint]:
    return [
        models.CheckConstraint(
            condition=Q(outcome=Outcome.PLACED, upstream_id__isnull=False)
            | (~Q(outcome=Outcome.PLACED) & Q(upstream_id=None)),
            name=f"{prefix}_placed_has_id",
        ),
        models.CheckConstraint(condition=Q(upstream_id=None) | ~Q(upstream_id=""), name=f"{prefix}_id_not_empty"),
        # NULL must not pass: a check that is unknown is a check that is satisfied.
        models.CheckConstraint(
            condition=~Q(outcome=Outcome.NOT_SENT) | Q(send_calls__isnull=False, send_calls=0),
            name=f"{prefix}_not_sent_is_proven",
        ),
        models.CheckConstraint(
            condition=~Q(outcome=Outcome.NOT_PLACED) | Q(evidence__has_key="bracket") | Q(decided_by__isnull=False),
            name=f"{prefix}_not_placed_is_proven",
        ),
    ]


class ForwardAttempt(Attempt):
    order = models.ForeignKey(Order, models.PROTECT, verbose_name=_("order"), related_name="attempts")
    expected_cost = AmountField(_("expected cost"))
    #: A keyed digest of the bytes sent, "" for a request that carried no key of its own and is never repeated.
    request_digest = models.CharField(_("digest of the request"), max_length=64, blank=True, default="", db_default="")
    is_trial = models.BooleanField(
        _("trial"), default=False, db_default=False, help_text=_("The one order that a tripped breaker lets through")
    )

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ["order", "n"]
        constraints = [
            models.UniqueConstraint(
                fields=["order"], condition=Q(outcome__in=LIVE), name="forward_attempt_one_live_per_order"
            ),
            models.UniqueConstraint(fields=["order", "n"], name="forward_attempt_n_once"),
            models.UniqueConstraint(
                fields=["provider", "upstream_id"],
                condition=Q(upstream_id__isnull=False),
                name="forward_attempt_one_order_per_upstream_id",
            ),
            *_proofs("forward_attempt"),
            models.CheckConstraint(
                condition=Q(expected_cost__gte=0, expected_cost__lt=LIMIT), name="forward_attempt_cost_sane"
            ),
        ]
        indexes = [
            models.Index(
                fields=["leased_until"],
                condition=Q(outcome__in=[Outcome.CLAIMED, Outcome.SENDING]),
                name="forward_attempt_under_way",
            ),
            # What may own an unknown id (`orders.doubt.evidence.may_own`): few rows, asked for all the time.
            models.Index(
                fields=["provider"],
                condition=Q(outcome__in=[Outcome.SENDING, Outcome.IN_DOUBT, Outcome.NOT_PLACED]),
                name="forward_attempt_may_own",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order} ({self.n})"


class RefillAttempt(Attempt):
    refill = models.ForeignKey(Refill, models.PROTECT, verbose_name=_("refill"), related_name="attempts")

    class Meta:
        verbose_name = _("refill attempt")
        verbose_name_plural = _("refill attempts")
        ordering = ["refill", "n"]
        constraints = [
            models.UniqueConstraint(
                fields=["refill"], condition=Q(outcome__in=LIVE), name="refill_attempt_one_live_per_refill"
            ),
            models.UniqueConstraint(fields=["refill", "n"], name="refill_attempt_n_once"),
            *_proofs("refill_attempt"),
        ]
        indexes = [
            models.Index(
                fields=["leased_until"],
                condition=Q(outcome__in=[Outcome.CLAIMED, Outcome.SENDING]),
                name="refill_attempt_under_way",
            )
        ]

    def __str__(self) -> str:
        return f"{self.refill} ({self.n})"


class ProviderExchange(models.Model):
    """One request that must not be repeated, and its answer. Append-only, without the API key."""

    provider = models.ForeignKey(Provider, models.PROTECT, verbose_name=_("provider"), related_name="+")
    action = models.CharField(_("action"), max_length=20)
    forward_attempt = models.ForeignKey(
        ForwardAttempt, models.PROTECT, verbose_name=_("attempt"), null=True, blank=True, related_name="exchanges"
    )
    refill_attempt = models.ForeignKey(
        RefillAttempt, models.PROTECT, verbose_name=_("refill attempt"), null=True, blank=True, related_name="exchanges"
    )
    at = models.DateTimeField(_("stored"), db_default=Now())
    http_status = models.IntegerField(_("HTTP status"), null=True, blank=True)
    send_calls = models.PositiveIntegerField(_("writes to the socket"), default=0)
    transcript = models.JSONField(_("exchange"))

    class Meta:
        verbose_name = _("exchange")
        verbose_name_plural = _("exchanges")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(forward_attempt=None) | Q(refill_attempt=None), name="exchange_about_one_thing"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.at:%Y-%m-%d %H:%M:%S}"
