from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class ApiRequest(models.Model):
    """A request that its sender named, and its answer: a repeat gets the same answer and does nothing.

    Only what succeeded is here, written in the transaction of the operation itself, so that there is never one without
    the other. ``digest`` is of the body without the key and without the name.
    """

    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("customer"), related_name="+", db_index=False
    )
    action = models.CharField(_("action"), max_length=20)
    request_id = models.CharField(_("request id"), max_length=64)
    digest = models.CharField(max_length=64, editable=False)
    answer = models.JSONField(_("answer"))
    created_at = models.DateTimeField(_("time"), db_default=Now())

    class Meta:
        verbose_name = _("named API request")
        verbose_name_plural = _("named API requests")
        constraints = [
            models.UniqueConstraint(fields=["customer", "action", "request_id"], name="api_request_once"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.request_id}"
