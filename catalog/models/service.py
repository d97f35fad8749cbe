from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length, Now
from django.db.models.lookups import LessThanOrEqual
from django.utils.translation import gettext_lazy as _

from catalog.models.provider import Provider, SameLink
from catalog.refill_terms import MOST_DAYS, MOST_HOURS
from core.money import QUANTUM, AmountField, ProviderAmountField
from upstream.service_types import SERVICE_TYPES, service_type

#: Types that can be delivered in several runs, where the provider's row allows it.
DRIPFEED_TYPES = tuple(kind.name for kind in SERVICE_TYPES if kind.allows_dripfeed)


class Unit(models.TextChoices):
    PER_1000 = "per_1000", _("per 1,000")
    PER_PACKAGE = "per_package", _("per package")


class Category(models.Model):
    """A category of the price list, shown as a heading."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    position = models.PositiveIntegerField(_("position"), default=0)
    is_visible = models.BooleanField(_("shown"), default=True)
    description = models.TextField(
        _("text"),
        blank=True,
        db_default="",
        max_length=600,
        help_text=_("On top of the category's page, at most 600 characters"),
    )

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ["position", "id"]
        constraints = [
            models.CheckConstraint(
                condition=LessThanOrEqual(Length("description"), 600), name="category_description_bounded"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ProviderService(models.Model):
    """A row of a provider's list as last read. Never deleted: a row that is gone has ``vanished_at``.

    ``rate`` is in the provider's currency, per 1,000 or per package (see ``unit``), exactly as received.
    ``quarantine`` holds the reasons why it is not sold ("rate is 0", …); empty means it may be.
    """

    # The unique constraint's index serves the column as well; a second one would cost every first sync.
    provider = models.ForeignKey(
        Provider, models.PROTECT, verbose_name=_("provider"), related_name="services", db_index=False
    )
    external_id = models.CharField(_("id at the provider"), max_length=64)
    name = models.CharField(_("name"), max_length=500, blank=True)
    type = models.CharField(_("type"), max_length=40)
    unit = models.CharField(_("unit"), max_length=12, choices=Unit, default=Unit.PER_1000)
    category = models.CharField(_("category"), max_length=200, blank=True)
    rate = ProviderAmountField(_("rate"), null=True, blank=True)
    #: The last rate that was sold, or that the owner accepted: a sudden change is measured against it.
    accepted_rate = ProviderAmountField(_("last accepted rate"), null=True, blank=True, editable=False)
    #: Prices are made from this higher rate while the owner holds a fall back.
    held_rate = ProviderAmountField(_("price still made of"), null=True, blank=True, editable=False)
    #: What the row was when it was last sold, while it waits for the owner because it became another product.
    product_before = models.JSONField(_("was"), null=True, blank=True, editable=False)
    min = models.BigIntegerField(_("min"), null=True, blank=True)
    max = models.BigIntegerField(_("max"), null=True, blank=True)
    description = models.TextField(_("description"), blank=True, help_text=_("Cleaned on arrival"))
    refill = models.BooleanField(_("refill"), default=False)
    cancel = models.BooleanField(_("cancel"), default=False)
    dripfeed = models.BooleanField(_("drip-feed"), default=False)
    average_time = models.CharField(_("average time"), max_length=100, blank=True)
    #: What the row says about refills, in days and hours after completion (`catalog.refill_terms`); 0: nothing.
    refill_days = models.PositiveSmallIntegerField(_("refill, days"), default=0, db_default=0)
    refill_opens_hours = models.PositiveSmallIntegerField(_("refill opens, hours"), default=0, db_default=0)
    #: What the row says that fields such as "device" may hold: {"device": {"1": "Desktop"}} (`upstream.coded_fields`).
    codes = models.JSONField(_("codes"), default=dict, db_default={}, blank=True, editable=False)
    position = models.PositiveIntegerField(_("position"), default=0)
    quarantine = ArrayField(
        models.CharField(max_length=120), verbose_name=_("quarantined because"), default=list, blank=True
    )
    #: If not, no service is made of the row: it was not imported, or its service is now sold from another row.
    is_wanted = models.BooleanField(_("imported"), default=True, db_default=True)
    vanished_at = models.DateTimeField(_("vanished"), null=True, blank=True)
    #: Digest of the row as received: an equal digest means that a sync writes nothing.
    digest = models.CharField(max_length=32, editable=False, default="")
    raw = models.JSONField(_("as received"), default=dict, editable=False)
    first_seen_at = models.DateTimeField(_("first seen"), db_default=Now(), editable=False)
    changed_at = models.DateTimeField(_("changed"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("provider's service")
        verbose_name_plural = _("provider's services")
        constraints = [
            models.UniqueConstraint(fields=["provider", "external_id"], name="provider_service_unique"),
            models.CheckConstraint(
                condition=Q(rate=None) | Q(rate__gt=0, rate__lt=10**12) | ~Q(quarantine=[]),
                name="provider_service_rate_sane",
            ),
            models.CheckConstraint(
                condition=Q(min__gte=1, max__gte=F("min")) | ~Q(quarantine=[]), name="provider_service_limits_sane"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.external_id} {self.name}"

    @property
    def has_other_unit(self) -> bool:
        """True while the row waits for the owner because it is priced by another unit than when it was sold."""
        return self.product_before is not None and self.product_before.get("unit", self.unit) != self.unit


class ServiceQuerySet(models.QuerySet["Service"]):
    def on_sale(self) -> "ServiceQuerySet":
        """Services that customers see and can order now."""
        return self.filter(
            is_visible=True,
            price__gt=0,
            category__is_visible=True,
            source__vanished_at=None,
            source__quarantine=[],
            source__provider__is_active=True,
            source__provider__sale_stopped="",
        )

    def once_sold(self) -> "ServiceQuerySet":
        """Services that customers see, or saw before something took them off sale that the owner did not hide."""
        return self.filter(is_visible=True, price__gt=0, category__is_visible=True)


class Service(models.Model):
    """A service as sold: customers use its id and see its ``price``, in the shop's currency.

    ``price`` is per 1,000 or per package, as the source's ``unit`` says, written by `catalog.shop.publishing` and
    `catalog.prices.reprice` alone.
    ``pins`` names the fields ("name", "description", "category", "min", "max") that no longer follow the provider.
    """

    source = models.ForeignKey(ProviderService, models.PROTECT, verbose_name=_("source"), related_name="sold_as")
    #: New orders go to this row while the provider of ``source`` is parked.
    fallback = models.ForeignKey(
        ProviderService,
        models.PROTECT,
        verbose_name=_("fallback"),
        null=True,
        blank=True,
        related_name="fallback_of",
        db_index=False,
    )
    category = models.ForeignKey(
        Category, models.PROTECT, verbose_name=_("category"), related_name="services", db_index=False
    )
    name = models.CharField(_("name"), max_length=500)
    description = models.TextField(_("description"), blank=True)
    platform = models.CharField(_("platform"), max_length=20, blank=True)
    min = models.BigIntegerField(_("min"))
    max = models.BigIntegerField(_("max"))
    price = AmountField(_("price"), null=True, blank=True, editable=False)
    #: The rule that made the price; none when the provider's own markup did.
    price_rule = models.ForeignKey(
        "catalog.MarkupRule",
        models.SET_NULL,
        verbose_name=_("priced by"),
        null=True,
        editable=False,
        related_name="+",
        db_index=False,
    )
    own_price = AmountField(
        _("own price"),
        null=True,
        blank=True,
        validators=[MinValueValidator(QUANTUM)],
        help_text=_("In place of the markup. Cost, minimum margin and lowest price still hold. Empty: by the rules."),
    )
    #: The product of all price adjustments of this service; written by `catalog.prices.adjustments` alone.
    price_factor = models.DecimalField(
        _("adjusted by"),
        max_digits=28,
        decimal_places=18,
        default=Decimal(1),
        db_default=Decimal(1),
        editable=False,
    )
    is_visible = models.BooleanField(_("shown"), default=True)
    position = models.PositiveIntegerField(_("position"), default=0)
    badges = ArrayField(
        models.CharField(max_length=20),
        verbose_name=_("badges"),
        size=3,
        default=list,
        db_default=[],
        blank=True,
        help_text=_("At most three short words, separated by commas"),
    )
    own_time = models.CharField(
        _("estimated time"), max_length=100, blank=True, db_default="", help_text=_("Empty: what the provider says")
    )
    own_refill_days = models.PositiveSmallIntegerField(
        _("refill, days"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(MOST_DAYS)],
        help_text=_("After an order is completed. 0: without an end. Empty: what the provider's list says."),
    )
    own_refill_opens_hours = models.PositiveSmallIntegerField(
        _("refill opens, hours"),
        null=True,
        blank=True,
        validators=[MaxValueValidator(MOST_HOURS)],
        help_text=_("After an order is completed. 0: at once. Empty: what the provider's list says."),
    )
    own_same_link = models.CharField(
        _("second order for a link"),
        max_length=8,
        choices=SameLink,
        blank=True,
        db_default="",
        help_text=_("Empty: what is set for the provider."),
    )
    pins = ArrayField(models.CharField(max_length=20), verbose_name=_("pinned fields"), default=list, blank=True)
    #: Name, category and id, folded (NFKC, lower case) for the search box.
    search_text = models.TextField(editable=False, default="")
    created_at = models.DateTimeField(_("added"), db_default=Now(), editable=False)

    objects = ServiceQuerySet.as_manager()

    class Meta:
        verbose_name = _("service")
        verbose_name_plural = _("services")
        ordering = ["category__position", "position", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(min__gte=1, max__gte=F("min")), name="service_limits_sane"),
            models.CheckConstraint(
                condition=Q(price=None) | Q(price__gt=0, price__lt=10**12), name="service_price_sane"
            ),
            models.CheckConstraint(
                condition=Q(own_price=None) | Q(own_price__gt=0, own_price__lt=10**12), name="service_own_price_sane"
            ),
            models.CheckConstraint(condition=Q(price_factor__gt=0), name="service_price_factor_sane"),
        ]
        # Every service stands in each of these, so there are no more of them than are read.
        indexes = [
            models.Index(fields=["category", "position"], name="service_in_category"),
            models.Index(fields=["fallback"], condition=Q(fallback__isnull=False), name="service_with_fallback"),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.name}"

    @property
    def shown_price(self) -> Decimal | None:
        """The price this visitor pays: the group's, if `catalog.prices.group_prices` has set it, else the list's."""
        return getattr(self, "_shown_price", self.price)

    @shown_price.setter
    def shown_price(self, price: Decimal | None) -> None:
        self._shown_price = price

    @property
    def type(self) -> str:
        return self.source.type

    @property
    def unit(self) -> str:
        return self.source.unit

    @property
    def allows_refill(self) -> bool:
        return self.source.refill and self.source.provider.can_refill

    @property
    def refill_days(self) -> int:
        """For how many days after completion a refill can be asked for; 0 without an end or without refills."""
        if not self.allows_refill:
            return 0
        return self.source.refill_days if self.own_refill_days is None else self.own_refill_days

    @property
    def refill_opens_hours(self) -> int:
        """How many hours after completion a refill can be asked for; 0 at once or without refills."""
        if not self.allows_refill:
            return 0
        own = self.own_refill_opens_hours
        return self.source.refill_opens_hours if own is None else own

    @property
    def same_link(self) -> SameLink:
        """What becomes of a second order of a customer for a link while the first one is open."""
        return SameLink(self.own_same_link or self.source.provider.same_link)

    @property
    def allows_cancel(self) -> bool:
        return self.source.cancel and self.source.provider.can_cancel

    @property
    def allows_dripfeed(self) -> bool:
        kind = service_type(self.type)
        return self.source.dripfeed and kind is not None and kind.allows_dripfeed
