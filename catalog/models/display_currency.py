from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

#: What SHOP_CURRENCY may be, too.
CODE = r"^[A-Z]{3,8}$"
LEAST_RATE, MOST_RATE = Decimal("0.000000000001"), Decimal("1000000000000")
MOST_DECIMALS = 8


class DisplayCurrency(models.Model):
    """A currency in which prices are shown next to the shop's own. Nothing is charged, booked or answered in it.

    ``rate`` is how much of it one unit of the shop's currency is; ``rated_at`` is when the owner last set or confirmed
    it.
    """

    code = models.CharField(
        _("currency"),
        max_length=8,
        unique=True,
        validators=[RegexValidator(CODE, _("Enter a code of 3 to 8 letters, such as EUR."))],
        help_text=_("Its code, such as EUR"),
    )
    rate = models.DecimalField(
        _("rate"),
        max_digits=24,
        decimal_places=12,
        validators=[MinValueValidator(LEAST_RATE), MaxValueValidator(MOST_RATE - LEAST_RATE)],
        help_text=_("How much of this currency one unit of the shop’s currency is"),
    )
    decimals = models.PositiveSmallIntegerField(
        _("decimals"),
        default=2,
        validators=[MaxValueValidator(MOST_DECIMALS)],
        help_text=_("2 for cents, 0 for a currency without them. Small amounts are shown with two digits that count."),
    )
    position = models.PositiveIntegerField(_("position"), default=0)
    is_shown = models.BooleanField(_("shown"), default=True)
    rated_at = models.DateTimeField(_("rate of"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("display currency")
        verbose_name_plural = _("display currencies")
        ordering = ["position", "code"]
        constraints = [
            models.CheckConstraint(condition=Q(code__regex=CODE), name="display_currency_code_sane"),
            models.CheckConstraint(
                condition=Q(rate__gte=LEAST_RATE, rate__lt=MOST_RATE), name="display_currency_rate_sane"
            ),
            models.CheckConstraint(condition=Q(decimals__lte=MOST_DECIMALS), name="display_currency_decimals_sane"),
        ]

    def __str__(self) -> str:
        return self.code
