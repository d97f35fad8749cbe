from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.models.provider import Provider
from upstream.errors import ErrorClass

#: The meanings that the owner can give an unknown text: every class of answer to an ``add``.
MEANINGS = [
    (ErrorClass.BAD_LINK.value, _("the link is wrong: refund")),
    (ErrorClass.BAD_QUANTITY.value, _("the quantity is wrong: refund")),
    (ErrorClass.SERVICE_RESTING.value, _("the service rests: try later, sell it no more for an hour")),
    (ErrorClass.SERVICE_GONE.value, _("the service is gone: refund, stop selling it")),
    (ErrorClass.BAD_PARAMS.value, _("something is missing or wrong: refund")),
    (ErrorClass.DUPLICATE_LINK.value, _("another order for this link is active: try later")),
    (ErrorClass.RATE_LIMITED.value, _("too many calls: try later")),
    (ErrorClass.MAINTENANCE.value, _("maintenance: try later")),
    (ErrorClass.NOT_ENOUGH_FUNDS.value, _("our account there is empty: park the provider")),
    (ErrorClass.INVALID_KEY.value, _("our key is not accepted: park the provider")),
    (ErrorClass.ACCOUNT_BLOCKED.value, _("our account there is blocked: park the provider")),
    (ErrorClass.SERVER_FAULT.value, _("the provider failed and may have taken the order: keep in doubt")),
]


class UnlistedText(models.Model):
    """A text with which a provider refused an order and that no table lists. The text is hostile: escape it."""

    provider = models.ForeignKey(Provider, models.CASCADE, verbose_name=_("provider"), related_name="unlisted_texts")
    text = models.CharField(_("text"), max_length=500)
    times = models.PositiveIntegerField(_("times seen"), default=1)
    first_at = models.DateTimeField(_("first seen"))
    last_at = models.DateTimeField(_("last seen"))
    meaning = models.CharField(_("it means"), max_length=20, choices=MEANINGS, blank=True)
    decided_by = models.CharField(_("decided by"), max_length=254, blank=True, editable=False)

    class Meta:
        verbose_name = _("unknown refusal")
        verbose_name_plural = _("unknown refusals")
        ordering = ["-last_at"]
        constraints = [models.UniqueConstraint(fields=["provider", "text"], name="unlisted_text_once")]

    def __str__(self) -> str:
        return self.text[:80]
