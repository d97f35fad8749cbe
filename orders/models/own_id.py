from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.models import Provider
from core.money import ProviderAmountField
from orders.models.attempt import ForwardAttempt
from orders.models.order import Order
from orders.states import Explanation

UNEXPLAINED = ("", Explanation.ORPHAN)


class OwnId(models.Model):
    """An order number of a provider that answers to our key.

    Its first readable answer is kept, because charge and state identify an order only before they change; the first
    that names its charge takes the place of earlier ones that did not. ``number`` is None for an id that is not a
    number. An orphan is listed for the owner and stays unexplained.
    """

    provider = models.ForeignKey(Provider, models.PROTECT, verbose_name=_("provider"), related_name="+")
    upstream_id = models.CharField(_("id at the provider"), max_length=64)
    number = models.BigIntegerField(_("as a number"), null=True, blank=True)
    #: An upper bound of when it became ours: the moment after the answer that showed it.
    first_seen_at = models.DateTimeField(_("first seen"))
    answered_at = models.DateTimeField(_("first answer"), null=True, blank=True)
    #: When it was last asked about again, since its charge was unknown.
    asked_at = models.DateTimeField(_("last asked again"), null=True, blank=True)
    state = models.CharField(_("first state"), max_length=20, blank=True)
    charge = ProviderAmountField(_("first charge"), null=True, blank=True)
    remains = models.BigIntegerField(_("first remains"), null=True, blank=True)
    shape = models.CharField(_("shape of the answer"), max_length=12, blank=True)
    runs = models.BigIntegerField(_("runs"), null=True, blank=True)
    explained = models.CharField(_("known as"), max_length=8, choices=Explanation, blank=True)
    attempt = models.OneToOneField(
        ForwardAttempt, models.PROTECT, verbose_name=_("attempt"), null=True, blank=True, related_name="own_id"
    )
    parent = models.ForeignKey(
        Order, models.PROTECT, verbose_name=_("parent order"), null=True, blank=True, related_name="children_ids"
    )
    decided_by = models.CharField(_("decided by"), max_length=254, blank=True)

    class Meta:
        verbose_name = _("own order number")
        verbose_name_plural = _("own order numbers")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "upstream_id"], name="own_id_once"),
            models.CheckConstraint(
                condition=Q(explained=Explanation.ATTEMPT, attempt__isnull=False)
                | (~Q(explained=Explanation.ATTEMPT) & Q(attempt=None)),
                name="own_id_explained_by_attempt",
            ),
            models.CheckConstraint(
                condition=~Q(explained=Explanation.CHILD) | Q(parent__isnull=False), name="own_id_child_has_parent"
            ),
        ]
        indexes = [
            models.Index(fields=["provider", "-number"], name="own_id_by_number"),
            models.Index(
                fields=["provider", "first_seen_at"],
                condition=~Q(explained__in=[Explanation.ATTEMPT, Explanation.CHILD]),
                name="own_id_unexplained",
            ),
            models.Index(fields=["provider"], condition=Q(explained=Explanation.CHILD), name="own_id_of_child"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.upstream_id}"
