from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.models.service import Category, Service
from core.money import LEAST, MOST, AmountField


class CustomerPrice(models.Model):
    """What one customer pays: a fixed ``price`` for a service, or ``percent`` off for a category.

    The price is in the shop's currency, per 1,000 or per package as the service is. It counts until ``ends_at``, or for
    ever. Whatever it says, a customer never pays less than the cost in force (`catalog.prices.customer_prices`).
    """

    # Without an index of its own: both constraints begin with it.
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("customer"), related_name="own_prices", db_index=False
    )
    service = models.ForeignKey(
        Service, models.CASCADE, verbose_name=_("service"), null=True, blank=True, related_name="customer_prices"
    )
    category = models.ForeignKey(
        Category, models.CASCADE, verbose_name=_("category"), null=True, blank=True, related_name="customer_prices"
    )
    price = AmountField(
        _("price"), null=True, blank=True, help_text=_("For a service: per 1,000, or per package as it is sold.")
    )
    percent = models.DecimalField(
        _("percent off"),
        max_digits=5,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text=_("For a category: taken off the prices of the list."),
    )
    ends_at = models.DateTimeField(_("until"), null=True, blank=True, help_text=_("Empty: for ever."))

    class Meta:
        verbose_name = _("customer price")
        verbose_name_plural = _("customer prices")
        ordering = ["customer", "service", "category"]
        constraints = [
            models.UniqueConstraint(fields=["customer", "service"], name="customer_price_once_per_service"),
            models.UniqueConstraint(fields=["customer", "category"], name="customer_price_once_per_category"),
            models.CheckConstraint(
                condition=Q(service__isnull=False, category=None, price__isnull=False, percent=None)
                | Q(service=None, category__isnull=False, price=None, percent__isnull=False),
                name="customer_price_about_one_thing",
            ),
            # Bounded above as well: Postgres takes NaN for larger than any number.
            models.CheckConstraint(
                condition=(Q(price=None) | Q(price__gt=LEAST, price__lt=MOST))
                & (Q(percent=None) | Q(percent__gte=0, percent__lte=100)),
                name="customer_price_sane",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer}: {self.service or self.category}"
