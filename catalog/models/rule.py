from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.models import CustomerGroup
from catalog import rounding
from catalog.models.provider import Provider
from catalog.models.service import Category, Service
from catalog.pricing import Markup
from core.money import AmountField
from upstream.service_types import SERVICE_TYPES

#: What a rule may be for, the narrowest first: of several rules that fit, the first in this order makes the price.
SCOPES = ("service", "category", "service_type", "provider")
#: The highest minimum margin: at 100 % no price would be high enough.
MAX_MARGIN = Decimal("99.99")


class Rounding(models.TextChoices):
    NONE = rounding.QUANTUM_ONLY, _("Only to the smallest unit")
    STEP = rounding.STEP, _("Up to a multiple of")
    ENDING = rounding.ENDING, _("Up to an ending of")
    DIGITS = rounding.DIGITS, _("Up to this many significant digits")


class MarkupRule(models.Model):
    """How prices are made of costs: for one service, a category, a type, a provider, or everything.

    The narrowest active rule makes the price; without one, the provider's own markup does. A rule with a ``group`` is
    for its customers only, and for them it comes before any rule for everybody.
    """

    name = models.CharField(_("name"), max_length=80)
    is_active = models.BooleanField(_("active"), default=True)
    service = models.ForeignKey(
        Service, models.CASCADE, verbose_name=_("service"), null=True, blank=True, related_name="+"
    )
    category = models.ForeignKey(
        Category, models.CASCADE, verbose_name=_("category"), null=True, blank=True, related_name="+"
    )
    service_type = models.CharField(
        _("service type"), max_length=40, blank=True, choices=[(kind.name, kind.label) for kind in SERVICE_TYPES]
    )
    provider = models.ForeignKey(
        Provider, models.CASCADE, verbose_name=_("provider"), null=True, blank=True, related_name="+"
    )
    group = models.ForeignKey(
        CustomerGroup,
        models.CASCADE,
        verbose_name=_("customers' group"),
        null=True,
        blank=True,
        related_name="+",
        help_text=_("For these customers this rule replaces all others and the group's own percentage."),
    )

    percent = models.DecimalField(
        _("markup, %"),
        max_digits=8,
        decimal_places=2,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0))],
    )
    fixed = AmountField(
        _("fixed markup"), default=Decimal(0), validators=[MinValueValidator(Decimal(0))],
        help_text=_("Added after the percentage, per 1,000 or per package"),
    )  # fmt: skip
    minimum_margin = models.DecimalField(
        _("minimum margin, %"),
        max_digits=4,
        decimal_places=2,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(MAX_MARGIN)],
        help_text=_("Percent of the price. It also limits a group's discount."),
    )
    floor = AmountField(
        _("lowest price"), default=Decimal(0), validators=[MinValueValidator(Decimal(0))],
        help_text=_("Per 1,000 or per package. It also limits a group's discount."),
    )  # fmt: skip
    rounding = models.CharField(_("rounding"), max_length=8, choices=Rounding, default=Rounding.NONE)
    rounding_value = AmountField(
        _("to"), default=Decimal(0), validators=[MinValueValidator(Decimal(0))],
        help_text=_("0.05 for a step, 0.99 for an ending, 3 for significant digits"),
    )  # fmt: skip
    created_at = models.DateTimeField(_("added"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("markup rule")
        verbose_name_plural = _("markup rules")
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(percent__gte=0, percent__lt=Decimal("1e6"), fixed__gte=0, fixed__lt=Decimal("1e12")),
                name="rule_markup_sane",
            ),
            models.CheckConstraint(
                condition=Q(minimum_margin__gte=0, minimum_margin__lt=100, floor__gte=0, floor__lt=Decimal("1e12")),
                name="rule_bounds_sane",
            ),
            models.CheckConstraint(
                condition=Q(rounding=Rounding.NONE)
                | Q(rounding__in=[Rounding.STEP, Rounding.ENDING], rounding_value__gt=0, rounding_value__lt=1_000_000)
                | Q(rounding=Rounding.DIGITS, rounding_value__gte=1, rounding_value__lte=rounding.MAX_DIGITS),
                name="rule_rounding_sane",
            ),
            models.UniqueConstraint(
                fields=["service", "category", "service_type", "provider", "group"],
                condition=Q(is_active=True),
                nulls_distinct=False,
                name="rule_unique",
                violation_error_message=_("There is already an active rule for exactly this."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def scope(self) -> str:
        """One of SCOPES, or "everything"."""
        return next((scope for scope in SCOPES if self._about(scope)), "everything")

    @property
    def about(self) -> object:
        """The id (or the type's name) of what the rule is for; None for everything."""
        return self._about(self.scope) if self.scope in SCOPES else None

    def _about(self, scope: str) -> object:
        return self.service_type if scope == "service_type" else getattr(self, f"{scope}_id")

    @property
    def markup(self) -> Markup:
        return Markup(
            percent=self.percent,
            fixed=self.fixed,
            minimum_margin=self.minimum_margin,
            floor=self.floor,
            rounding=self.rounding,
            rounding_value=self.rounding_value,
        )

    def clean(self) -> None:
        if sum(bool(self._about(scope)) for scope in SCOPES) > 1:
            raise ValidationError(_t("Choose only one of service, category, type and provider, or none of them."))
        whole = self.rounding_value == self.rounding_value.to_integral_value()
        if self.rounding == Rounding.DIGITS and not (whole and 1 <= self.rounding_value <= rounding.MAX_DIGITS):
            problem = _t("Must be between 1 and %(n)d digits.") % {"n": rounding.MAX_DIGITS}
            raise ValidationError({"rounding_value": problem})
        if self.rounding in (Rounding.STEP, Rounding.ENDING) and not 0 < self.rounding_value < 1_000_000:
            raise ValidationError({"rounding_value": _t("Must be above 0 and below 1,000,000.")})
