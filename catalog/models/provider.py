from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from catalog.addresses import validate_provider_url
from core.money import ProviderAmountField
from core.secrets import seal


class BodyEncoding(models.TextChoices):
    FORM = "form", _("Form fields")
    JSON = "json", _("JSON body")


class NewServices(models.TextChoices):
    SHOWN = "shown", _("Shown at once")
    HIDDEN = "hidden", _("Hidden until you show them")
    CHOSEN = "chosen", _("Not sold until you import them")


class SameLink(models.TextChoices):
    """What becomes of a customer's order for a link that an earlier one of theirs is still open for."""

    WARN = "warn", _("Warn, and take it")
    WAIT = "wait", _("Take it, and send it when the earlier one has ended")
    REFUSE = "refuse", _("Refuse it until the earlier one has ended")


class Provider(models.Model):
    """A provider we buy from, and our account there. Rates and balance are in its own ``currency``.

    ``exchange_rate`` is how much of the shop's currency one unit of the provider's currency costs.
    """

    name = models.CharField(_("name"), max_length=80, unique=True)
    #: Not a URLField: that one refuses hosts without a dot, such as a container's name.
    url = models.CharField(
        _("API address"), max_length=300, validators=[validate_provider_url], help_text=_("Used exactly as given")
    )
    sealed_key = models.TextField(_("API key"), editable=False)
    currency = models.CharField(_("currency"), max_length=8, default="USD")
    exchange_rate = models.DecimalField(
        _("exchange rate"),
        max_digits=20,
        decimal_places=10,
        default=Decimal(1),
        validators=[MinValueValidator(Decimal("0.0000000001"))],
        help_text=_("Price of one unit of the provider's currency in the shop's currency"),
    )
    markup_percent = models.DecimalField(
        _("markup, %"), max_digits=8, decimal_places=2, default=Decimal(30), validators=[MinValueValidator(Decimal(0))]
    )

    body_encoding = models.CharField(_("body"), max_length=4, choices=BodyEncoding, default=BodyEncoding.FORM)
    dialect = models.JSONField(
        _("dialect"),
        default=dict,
        blank=True,
        help_text=_("Settings for an unusual API, as JSON"),
    )
    batch_size = models.PositiveSmallIntegerField(_("ids per call"), default=100)
    can_refill = models.BooleanField(_("supports refills"), default=True)
    can_cancel = models.BooleanField(
        _("supports cancellations"),
        default=True,
        help_text=_(
            "Customers may ask to cancel orders of services whose row in the list allows it. It is only a request: "
            "money moves when the provider says that an order is canceled."
        ),
    )
    same_link = models.CharField(
        _("second order for a link"),
        max_length=8,
        choices=SameLink,
        default=SameLink.WARN,
        db_default=SameLink.WARN.value,
        help_text=_(
            "While an order of the same customer for the same service and link is open. Many providers refuse a second "
            "one, or count it wrongly."
        ),
    )
    can_list_orders = models.BooleanField(
        _("lists our orders"), default=False, help_text=_("An unofficial action that lists our recent orders")
    )

    #: How an order in doubt can be found at this provider. None: not measured yet.
    probing_enabled = models.BooleanField(
        _("search by order number"),
        default=True,
        help_text=_("Asks for order numbers near a lost order, to find out whether it was placed"),
    )
    ids_grow = models.BooleanField(_("order numbers grow"), null=True, blank=True, editable=False)
    foreign_ids_refused = models.BooleanField(_("hides others' orders"), null=True, blank=True, editable=False)
    charge_decimals = models.PositiveSmallIntegerField(_("decimals of a charge"), null=True, blank=True, editable=False)

    #: What catalog.providers.repeatable proved, of which settings, when and by whose test order; empty: nothing.
    request_id_proof = models.CharField(
        _("proof"), max_length=64, blank=True, default="", db_default="", editable=False
    )
    request_id_proven_at = models.DateTimeField(_("proven"), null=True, blank=True, editable=False)
    request_id_proven_by = models.CharField(
        _("proven by"), max_length=254, blank=True, default="", db_default="", editable=False
    )

    follows_name = models.BooleanField(_("names follow"), default=True)
    follows_description = models.BooleanField(_("descriptions follow"), default=True)
    follows_category = models.BooleanField(_("categories follow"), default=True)
    follows_limits = models.BooleanField(
        _("limits follow"), default=True, help_text=_("If not, yours hold, within the provider's")
    )
    holds_falls = models.BooleanField(
        _("hold falling rates"),
        default=False,
        help_text=_("Prices stay until you pass a fall on. A rise always changes prices at once."),
    )
    #: A new provider's services wait until the owner has seen them with their prices.
    new_services = models.CharField(_("new services"), max_length=8, choices=NewServices, default=NewServices.HIDDEN)

    is_active = models.BooleanField(_("active"), default=True, help_text=_("Inactive: nothing is sold or sent"))
    sale_stopped = models.CharField(_("sale stopped because"), max_length=200, blank=True)
    parked_at = models.DateTimeField(_("parked"), null=True, blank=True)
    parked_reason = models.CharField(_("parked because"), max_length=40, blank=True)
    #: The charge of the order that was refused for lack of funds, in the provider's currency.
    short_of = ProviderAmountField(_("charge of the order it had no money for"), null=True, blank=True)
    next_probe_at = models.DateTimeField(_("next check while parked"), null=True, blank=True)
    outages = models.PositiveIntegerField(_("failures in a row"), default=0)

    patience_seconds = models.PositiveIntegerField(
        _("patience, seconds"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("An order not accepted after this time is refunded. Empty: the shop's setting"),
    )
    #: Orders refused since the last accepted one: how many, and which by the reason, an error class or a text in no
    #: table of ours. catalog.providers.health counts witnesses among them.
    refusals = models.PositiveIntegerField(_("refusals in a row"), default=0, editable=False)
    refused_orders = models.JSONField(_("refused orders"), default=dict, db_default={}, editable=False)

    low_balance = ProviderAmountField(
        _("low balance"),
        default=Decimal(0),
        db_default=Decimal(0),
        validators=[MinValueValidator(Decimal(0))],
        help_text=_("You get an alert when the balance falls to this, in the provider's currency."),
    )
    balance = ProviderAmountField(_("balance"), null=True, blank=True)
    balance_at = models.DateTimeField(_("balance read"), null=True, blank=True)
    last_answer_at = models.DateTimeField(_("last answer"), null=True, blank=True)
    last_synced_at = models.DateTimeField(_("last sync"), null=True, blank=True)
    #: What catalog.providers.checks found at the last test of the connection, as a list of lines.
    last_test = models.JSONField(_("last test"), default=list, db_default=[], blank=True, editable=False)
    tested_at = models.DateTimeField(_("tested"), null=True, blank=True, editable=False)
    next_sync_at = models.DateTimeField(_("next sync"), null=True, blank=True)
    created_at = models.DateTimeField(_("added"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("provider")
        verbose_name_plural = _("providers")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(exchange_rate__gt=0, exchange_rate__lt=Decimal("1e9")), name="provider_exchange_rate_sane"
            ),
            models.CheckConstraint(
                condition=Q(markup_percent__gte=0, markup_percent__lt=Decimal("1e6")), name="provider_markup_sane"
            ),
            models.CheckConstraint(
                condition=Q(low_balance__gte=0, low_balance__lt=Decimal("1e12")), name="provider_low_balance_sane"
            ),
            models.CheckConstraint(
                condition=Q(batch_size__gte=1, batch_size__lte=1000), name="provider_batch_size_sane"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_selling(self) -> bool:
        return self.is_active and not self.sale_stopped

    @property
    def is_sending(self) -> bool:
        return self.is_active and self.parked_at is None

    @property
    def kept_fields(self) -> tuple[str, ...]:
        """Fields of services that never follow this provider, named as in `Service.pins`."""
        follows = {
            "name": self.follows_name,
            "description": self.follows_description,
            "category": self.follows_category,
            "min": self.follows_limits,
            "max": self.follows_limits,
        }
        return tuple(name for name, is_followed in follows.items() if not is_followed)

    def set_key(self, plain: str) -> None:
        """Seal the API key. It is unsealed only by :mod:`catalog.providers.connection` and never shown."""
        self.sealed_key = seal(plain.strip())

    def clean(self) -> None:
        self.currency = self.currency.strip().upper()


class AnswerCount(models.Model):
    """How many calls to a provider were made in an hour, and how many brought no JSON answer."""

    provider = models.ForeignKey(
        Provider, models.CASCADE, verbose_name=_("provider"), related_name="answer_counts", db_index=False
    )
    hour = models.DateTimeField(_("hour"))
    calls = models.PositiveIntegerField(_("calls"))
    failures = models.PositiveIntegerField(_("failures"))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "hour"], name="answers_counted_once"),
            models.CheckConstraint(condition=Q(failures__lte=F("calls")), name="answers_counted_sanely"),
        ]

    def __str__(self) -> str:
        return f"{self.provider_id} {self.hour:%Y-%m-%d %H}: {self.failures}/{self.calls}"


class SyncState(models.TextChoices):
    REQUESTED = "asked", _("Waiting for its turn")
    RUNNING = "running", _("Running")
    APPLIED = "applied", _("Applied")
    UNCHANGED = "unchanged", _("Nothing changed")
    REFUSED = "refused", _("Refused")
    FAILED = "failed", _("Failed")


class SyncStage(models.TextChoices):
    """The steps of a running sync, in this order."""

    LIST = "list", _("Asking for the list")
    ACCOUNT = "account", _("Asking for the balance")
    APPLYING = "applying", _("Comparing and applying")


class SyncRun(models.Model):
    """A sync of a provider's service list and what it changed. REFUSED and FAILED changed nothing."""

    provider = models.ForeignKey(Provider, models.CASCADE, verbose_name=_("provider"), related_name="sync_runs")
    state = models.CharField(_("state"), max_length=10, choices=SyncState, default=SyncState.RUNNING)
    stage = models.CharField(_("at"), max_length=10, choices=SyncStage, blank=True)
    started_at = models.DateTimeField(_("started"), db_default=Now())
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    actor = models.CharField(_("by"), max_length=254, blank=True)
    forced = models.BooleanField(_("forced"), default=False)
    received = models.PositiveIntegerField(_("rows received"), default=0)
    added = models.PositiveIntegerField(_("new"), default=0)
    changed = models.PositiveIntegerField(_("changed"), default=0)
    vanished = models.PositiveIntegerField(_("gone"), default=0)
    returned = models.PositiveIntegerField(_("back"), default=0)
    quarantined = models.PositiveIntegerField(_("quarantined"), default=0)
    skipped = models.PositiveIntegerField(_("skipped"), default=0)
    problem = models.CharField(_("problem"), max_length=500, blank=True)
    #: {"rate": 543, "name": 342, …}: how many of the changed services changed this field.
    fields_changed = models.JSONField(_("fields changed"), default=dict)
    #: The first changes: [{"id": "12", "field": "rate", "old": "0.9", "new": "1.1"}, …].
    examples = models.JSONField(_("examples"), default=list)

    class Meta:
        verbose_name = _("sync")
        verbose_name_plural = _("syncs")
        ordering = ["-started_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["provider"], condition=Q(state=SyncState.REQUESTED), name="sync_asked_once")
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.started_at:%Y-%m-%d %H:%M}"

    @property
    def is_open(self) -> bool:
        return self.state in (SyncState.REQUESTED, SyncState.RUNNING)

    @property
    def progress(self) -> int:
        """How many stages are done."""
        if not self.is_open:
            return len(SyncStage)
        return SyncStage.values.index(self.stage) if self.stage else 0
