from decimal import Decimal
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import OpClass
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Lower, Now, Upper
from django.utils.translation import gettext_lazy as _

from accounts.role_models import MoneyByHand, StaffLimit, StaffRole
from core.money import LEAST, MOST, AmountField

__all__ = ["MoneyByHand", "StaffLimit", "StaffRole"]


class UserManager(BaseUserManager["User"]):
    def _create(self, email: str, password: str | None, **fields: Any) -> "User":
        if not email:
            raise ValueError("An account needs an e-mail address.")
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        fields.setdefault("is_staff", False)
        fields.setdefault("is_superuser", False)
        return self._create(email, password, **fields)

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create an owner. It takes access to the server, so the address counts as verified."""
        from allauth.account.models import EmailAddress  # imports this module itself

        owner = self._create(email, password, **{**fields, "is_staff": True, "is_superuser": True})
        EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
        return owner

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class CustomerGroup(models.Model):
    """Customers with prices of their own: ``percent`` is added to a service's price; a negative one is a discount."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    percent = models.DecimalField(
        _("surcharge, %"),
        max_digits=6,
        decimal_places=2,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(-99)), MaxValueValidator(Decimal(1000))],
        help_text=_("-5 is a discount of 5 %. No price falls below its minimum margin or its lowest price."),
    )

    class Meta:
        verbose_name = _("customer group")
        verbose_name_plural = _("customer groups")
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(percent__gte=-99, percent__lte=1000), name="customer_group_percent_sane")
        ]

    def __str__(self) -> str:
        return self.name


#: What stands after the @ of an address, in capitals: as `user_email_domain` has it.
EMAIL_DOMAIN = Upper(Func(F("email"), Value("@"), Value(2), function="split_part", output_field=models.TextField()))


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in by e-mail: staff if ``is_staff``, otherwise a customer."""

    email = models.EmailField(_("e-mail"))
    is_staff = models.BooleanField(_("staff"), default=False, help_text=_("May sign in to the admin."))
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Off: cannot sign in or use API keys. Open orders go on.")
    )
    group = models.ForeignKey(
        CustomerGroup,
        models.PROTECT,
        verbose_name=_("price group"),
        null=True,
        blank=True,
        related_name="customers",
        help_text=_("The group whose prices this customer pays."),
    )
    #: Of mails, and of pages after a sign-in. Empty: never chosen.
    language = models.CharField(_("language"), max_length=10, blank=True, default="", db_default="")
    date_joined = models.DateTimeField(_("joined"), db_default=Now(), editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        permissions = (("view_as_customer", _("Can view the shop as a customer")),)
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_unique",
                violation_error_message=_("A person with this e-mail address exists already."),
            )
        ]
        indexes = [
            models.Index(Upper("email"), name="user_email_upper"),  # email__iexact, at each attempt to sign in
            models.Index(OpClass(Upper("email"), name="text_pattern_ops"), name="user_email_begins"),
            models.Index(OpClass(EMAIL_DOMAIN, name="text_pattern_ops"), name="user_email_domain"),
            models.Index(fields=["date_joined"], condition=Q(last_login=None), name="user_never_signed_in"),
        ]

    def __str__(self) -> str:
        return self.email


class Scope(models.TextChoices):
    """What a key may do through the API."""

    READ = "read", _("Read services, orders and the balance")
    ORDER = "order", _("Order, refill and cancel")


class StatusWords(models.TextChoices):
    """The words in which the API answers how a subscription stands.

    Programs of the SmartPanel family ask again only after "Active", and refund their customer by `posts` alone after
    "Expired" and "Paused", each time that they read it: the last is therefore never answered.
    """

    PANEL = "panel", _("Panel words")
    SMARTPANEL = "smartpanel", _("SmartPanel words")


class ApiKey(models.Model):
    """A key to the reseller API. Only the SHA-256 is stored: keys are long and random, so a slow hash adds nothing.

    ``networks`` lists the addresses that may use it ("203.0.113.7/32"); empty allows any. ``daily_limit`` is the most
    that orders through it may cost in a day of the shop's time zone; None allows any amount.
    """

    customer = models.ForeignKey(User, models.PROTECT, verbose_name=_("customer"), related_name="api_keys")
    name = models.CharField(_("name"), max_length=60)
    prefix = models.CharField(_("begins with"), max_length=12, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope), verbose_name=_("permissions"))
    networks = ArrayField(
        models.CharField(max_length=50), verbose_name=_("allowed addresses"), default=list, blank=True
    )
    status_words = models.CharField(
        _("words for subscriptions"),
        max_length=10,
        choices=StatusWords,
        default=StatusWords.PANEL,
        db_default=StatusWords.PANEL,
    )
    daily_limit = AmountField(_("daily limit"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["digest"], name="api_key_digest_unique"),
            models.CheckConstraint(condition=~Q(scopes=[]), name="api_key_may_do_something"),
            models.CheckConstraint(
                condition=Q(daily_limit=None) | Q(daily_limit__gt=LEAST, daily_limit__lt=MOST),
                name="api_key_daily_limit_sane",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def scope_words(self) -> list[str]:
        return [str(Scope(scope).label) for scope in self.scopes]


class ApiKeyUse(models.Model):
    """What was ordered through a key on one day of the shop's time zone. Written by the statement that places an order.

    ``spent`` is what the orders cost when they were placed, whatever became of them. ``most`` is the key's daily limit
    as it was at the last order, so that the database itself refuses the order that would pass it.
    """

    key = models.ForeignKey(ApiKey, models.PROTECT, verbose_name=_("API key"), related_name="use")
    day = models.DateField(_("day"))
    orders = models.BigIntegerField(_("orders"))
    spent = AmountField(_("spent"))
    most = AmountField(_("daily limit"), null=True)

    class Meta:
        verbose_name = _("use of an API key")
        verbose_name_plural = _("use of API keys")
        ordering = ["key", "-day"]
        constraints = [
            models.UniqueConstraint(fields=["key", "day"], name="api_key_use_once_a_day"),
            models.CheckConstraint(
                condition=Q(orders__gte=1, spent__gt=LEAST, spent__lt=MOST), name="api_key_use_sane"
            ),
            models.CheckConstraint(condition=Q(most=None) | Q(spent__lte=F("most")), name="api_key_within_daily_limit"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.day}"


class Pace(models.TextChoices):
    """When mails about orders are sent."""

    AUTO = "auto", _("At once, and once a day when there are many")
    AT_ONCE = "at_once", _("Always at once")
    DAILY = "daily", _("Once a day")


class MailChoices(models.Model):
    """Which mails a customer wants. Without a row it is what a new one says.

    ``orders`` switches all mails about orders placed on the pages, ``bulk`` those about orders through the API and in
    bulk, which come once a day only.
    """

    customer = models.OneToOneField(User, models.CASCADE, primary_key=True, related_name="mail_choices")
    order_completed = models.BooleanField(default=True)
    order_refunded = models.BooleanField(default=True)
    refill = models.BooleanField(default=True)
    top_up = models.BooleanField(default=True)
    ticket = models.BooleanField(default=True, db_default=True)
    orders = models.BooleanField(default=True)
    bulk = models.BooleanField(default=False)
    pace = models.CharField(max_length=10, choices=Pace, default=Pace.AUTO)
    #: A mail is sent when the balance falls below this; ``low_since`` marks that it did, until it is back.
    low_balance = models.BooleanField(default=False, db_default=False)
    low_below = AmountField(null=True)
    low_since = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("choice of mails")
        verbose_name_plural = _("choices of mails")
        constraints = [
            models.CheckConstraint(
                condition=Q(low_balance=False) | Q(low_below__gt=LEAST, low_below__lt=MOST, low_below__isnull=False),
                name="mail_choices_low_below_sane",
            )
        ]
        indexes = [models.Index(fields=["customer"], condition=Q(low_balance=True), name="mail_choices_low_balance")]

    def __str__(self) -> str:
        return str(self.customer_id)
