from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.models.service import Category, Service
from upstream.service_types import SERVICE_TYPES

MOST_CHARACTERS = 4_000


class OrderRules(models.Model):
    """What the owner says in the order form of some services: of one, or of a platform, a category and a type.

    What is left empty holds for all of them.
    """

    service = models.ForeignKey(
        Service, models.CASCADE, verbose_name=_("service"), null=True, blank=True, related_name="+"
    )
    category = models.ForeignKey(
        Category, models.CASCADE, verbose_name=_("category"), null=True, blank=True, related_name="+"
    )
    #: A slug of `catalog.shop.platforms`.
    platform = models.CharField(_("platform"), max_length=20, blank=True)
    type = models.CharField(
        _("type"), max_length=40, blank=True, choices=[(kind.name, kind.label) for kind in SERVICE_TYPES]
    )
    text = models.TextField(
        _("text"),
        validators=[MaxLengthValidator(MOST_CHARACTERS)],
        help_text=_("Markdown. Customers read it above the fields of the order form."),
    )
    position = models.PositiveIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("rules for ordering")
        verbose_name_plural = _("rules for ordering")
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(service=None) | Q(category=None, platform="", type=""),
                name="order_rules_of_one_service",
                violation_error_message=_("With a service, leave category, platform and type empty."),
            ),
            models.CheckConstraint(condition=~Q(text=""), name="order_rules_say_something"),
        ]

    def __str__(self) -> str:
        return self.text[:60]
