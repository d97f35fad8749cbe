from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from catalog.models.service import Service


class Favourite(models.Model):
    """A service that a customer has marked, to find it first when ordering. Nobody else sees it."""

    # Without an index of its own: the constraint's begins with it.
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("customer"), related_name="+", db_index=False
    )
    service = models.ForeignKey(Service, models.CASCADE, verbose_name=_("service"), related_name="+")

    class Meta:
        verbose_name = _("favourite")
        verbose_name_plural = _("favourites")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["customer", "service"], name="favourite_once_per_customer"),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id}: {self.service_id}"
