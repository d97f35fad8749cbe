from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.models import Service


class OrderDraft(models.Model):
    """A filled order form that waits for its customer to come back: nothing is priced, held or placed for it.

    It belongs to a customer, or to one visitor's session by the digest of a secret that the session holds.
    """

    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        verbose_name=_("customer"),
        null=True,
        related_name="+",
        db_index=False,
    )
    visitor = models.CharField(_("visitor"), max_length=64, null=True)  # noqa: DJ001 - absent is not empty
    service = models.ForeignKey(Service, models.CASCADE, verbose_name=_("service"), related_name="+")
    #: What was typed, under the provider API's names of the fields.
    fields = models.JSONField(_("fields"))
    kept_at = models.DateTimeField(_("kept"))
    expires_at = models.DateTimeField(_("expires"), db_index=True)

    class Meta:
        verbose_name = _("draft of an order")
        verbose_name_plural = _("drafts of orders")
        constraints = [
            models.UniqueConstraint(fields=["customer", "service"], name="draft_once_per_customer"),
            models.UniqueConstraint(fields=["visitor", "service"], name="draft_once_per_visitor"),
            models.CheckConstraint(
                condition=Q(customer=None, visitor__isnull=False) | Q(customer__isnull=False, visitor=None),
                name="draft_of_one_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service_id} ({self.kept_at:%Y-%m-%d %H:%M})"
