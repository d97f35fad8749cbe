from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from catalog.models import Provider
from core.money import ProviderAmountField
from orders.models.attempt import Attempt, ForwardAttempt, ProviderExchange
from orders.models.own_id import OwnId
from orders.states import Explanation, Outcome


class RepeatAttempt(Attempt):
    """One repeat of the request of an attempt in doubt: with the same bytes and the same key.

    Placed means that the provider named an order number. Whether that is the order's is judged by `orders.doubt`.
    """

    attempt = models.ForeignKey(ForwardAttempt, models.PROTECT, verbose_name=_("attempt"), related_name="repeats")
    exchange = models.OneToOneField(
        ProviderExchange, models.PROTECT, verbose_name=_("exchange"), null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = _("repeat")
        verbose_name_plural = _("repeats")
        ordering = ["attempt", "n"]
        constraints = [
            models.UniqueConstraint(fields=["attempt", "n"], name="repeat_n_once"),
            models.UniqueConstraint(
                fields=["provider"],
                condition=Q(outcome__in=[Outcome.CLAIMED, Outcome.SENDING]),
                name="repeat_one_under_way_per_provider",
            ),
            models.CheckConstraint(
                condition=Q(outcome=Outcome.PLACED, upstream_id__isnull=False)
                | (~Q(outcome=Outcome.PLACED) & Q(upstream_id=None)),
                name="repeat_placed_has_id",
            ),
            models.CheckConstraint(
                condition=~Q(outcome__in=[Outcome.SENDING, Outcome.PLACED, Outcome.REFUSED, Outcome.IN_DOUBT])
                | Q(sent_at__isnull=False),
                name="repeat_sent_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.attempt}, {self.n}"


#: Repeats whose answer contradicts something else that is known of their order.
CONTRADICTED = Q(evidence__has_key="contradiction")


#: Repeats that were answered with the number of another order.
_ANOTHERS = Q(evidence__has_key="is_anothers")


def unjudged(provider_id: int) -> models.QuerySet[RepeatAttempt]:
    """The repeats that were answered with a number, while their order is in doubt and the proof stands."""
    named = RepeatAttempt.objects.filter(
        provider=provider_id, outcome=Outcome.PLACED, attempt__outcome=Outcome.IN_DOUBT
    )
    return named.exclude(CONTRADICTED).exclude(provider__request_id_proof="").order_by("id")


def named_by_repeats(provider_id: int, ids: Iterable[str]) -> dict[str, int]:
    """Return which of these ids belong to an attempt by the answers to its repeats, and that attempt.

    Such an id is the one that a repeat was answered with, or the other one where two orders were bought: whatever
    became of the attempt since, never another attempt's.
    """
    wanted = list(ids)
    named = RepeatAttempt.objects.filter(provider=provider_id, outcome=Outcome.PLACED).order_by("id")
    by_id: dict[str, int] = {}
    for upstream_id, other, attempt_id in named.filter(
        Q(upstream_id__in=wanted) | Q(evidence__other__in=wanted)
    ).values_list("upstream_id", "evidence__other", "attempt_id"):
        by_id |= {str(found): attempt_id for found in (upstream_id, other) if found}
    for upstream_id in named.filter(_ANOTHERS, upstream_id__in=wanted).values_list("upstream_id", flat=True):
        by_id.pop(str(upstream_id), None)
    return {upstream_id: by_id[upstream_id] for upstream_id in wanted if upstream_id in by_id}


def number_named(attempt: ForwardAttempt) -> str | None:
    """Return the number that a repeat of this attempt was answered with, unless it is known to be another order's."""
    named = attempt.repeats.filter(outcome=Outcome.PLACED).exclude(_ANOTHERS).values_list("upstream_id", flat=True)
    explained = (Explanation.ATTEMPT, Explanation.CHILD, Explanation.FOREIGN, Explanation.TEST)
    anothers = OwnId.objects.filter(provider=attempt.provider_id, explained__in=explained)
    others = set(anothers.filter(upstream_id__in=list(named)).values_list("upstream_id", flat=True))
    return next((str(number) for number in named if number not in others), None)


class RequestTestState(models.TextChoices):
    """How far a test order got. Only PROVEN proves anything."""

    QUEUED = "queued", _("Waits to be sent")
    FIRST = "first", _("Being sent")
    WAITING = "waiting", _("Ordered; waits to be sent again")
    SECOND = "second", _("Being sent again")
    PROVEN = "proven", _("Proven: one order")
    TWICE = "twice", _("Not proven: ordered twice")
    UNCLEAR = "unclear", _("Not proven: unclear")
    NOTHING = "nothing", _("Not proven: nothing was ordered")


TEST_OPEN = (RequestTestState.QUEUED, RequestTestState.FIRST, RequestTestState.WAITING, RequestTestState.SECOND)


class RequestIdTest(models.Model):
    """A test order: the same bytes sent twice, to see whether the provider recognises the key of a repeated request.

    It is the owner's own order, paid from the account at the provider, and no customer's. Never deleted: the books
    count what it cost. ``settings`` and ``body`` are keyed digests, of what it was made with and of the bytes sent.
    """

    provider = models.ForeignKey(Provider, models.PROTECT, verbose_name=_("provider"), related_name="+")
    external_service_id = models.CharField(_("service id at the provider"), max_length=64)
    service_name = models.CharField(_("service"), max_length=500)
    fields = models.JSONField(_("fields"))
    expected_charge = ProviderAmountField(_("expected charge"))
    currency = models.CharField(_("currency"), max_length=8)
    #: The key in the request, and of the form: a form sent twice is one test.
    request_id = models.UUIDField(_("key of the request"), unique=True)
    settings = models.CharField(_("made with"), max_length=64)
    body = models.CharField(_("digest of the request"), max_length=64, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=RequestTestState, default=RequestTestState.QUEUED)
    actor_code = models.CharField(_("actor"), max_length=40)
    actor = models.CharField(_("by"), max_length=254)
    created_at = models.DateTimeField(_("ordered"), db_default=Now())
    leased_until = models.DateTimeField(_("lease ends"), null=True, blank=True)
    first_sent_at = models.DateTimeField(_("first sent"), null=True, blank=True)
    second_due_at = models.DateTimeField(_("second due"), null=True, blank=True)
    second_sent_at = models.DateTimeField(_("second sent"), null=True, blank=True)
    first_id = models.CharField(_("first order number"), max_length=64, blank=True)
    second_id = models.CharField(_("second order number"), max_length=64, blank=True)
    first_answer = models.CharField(_("first answer"), max_length=500, blank=True)
    second_answer = models.CharField(_("second answer"), max_length=500, blank=True)
    first_exchange = models.OneToOneField(
        ProviderExchange, models.PROTECT, verbose_name=_("first exchange"), null=True, blank=True, related_name="+"
    )
    second_exchange = models.OneToOneField(
        ProviderExchange, models.PROTECT, verbose_name=_("second exchange"), null=True, blank=True, related_name="+"
    )
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    result = models.CharField(_("what happened"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("test order")
        verbose_name_plural = _("test orders")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider"], condition=Q(state__in=TEST_OPEN), name="request_id_test_one_open_per_provider"
            ),
            # Also refuses NaN, which Postgres takes for larger than any number.
            models.CheckConstraint(
                condition=Q(expected_charge__gte=0, expected_charge__lt=Decimal("1e12")),
                name="request_id_test_charge_sane",
            ),
            models.CheckConstraint(
                condition=~Q(state=RequestTestState.PROVEN) | (~Q(first_id="") & Q(first_id=models.F("second_id"))),
                name="request_id_test_proven_by_one_id",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        return self.state in TEST_OPEN

    @property
    def ids(self) -> list[str]:
        """The order numbers known of it, each once."""
        return [number for number in dict.fromkeys((self.first_id, self.second_id)) if number]

    @property
    def unnamed(self) -> list[datetime]:
        """When those of its requests left that may have placed an order whose number is not known."""
        if self.state == RequestTestState.NOTHING:
            return []
        sent = ((self.first_sent_at, self.first_id), (self.second_sent_at, self.second_id))
        return [at for at, number in sent if at is not None and not number]
