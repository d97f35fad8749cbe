"""The tables that every room shares: what staff did, what the owner says about the shop, and in other languages."""

from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Length, Now
from django.db.models.lookups import GreaterThan, LessThanOrEqual
from django.utils.translation import gettext_lazy as _

#: Characters of one text: as many as a page of the owner may have.
LONGEST_TEXT = 100_000


class StaffAction(models.Model):
    """One thing that a member of staff did. Rows are only ever added; the database refuses everything else.

    ``actor`` is "staff:17" for a person of the admin and "shell" for a command on the server. ``before`` and ``after``
    hold the changed values by name; secrets appear there as "set" only.
    """

    at = models.DateTimeField(_("time"), db_default=Now(), editable=False)
    actor = models.CharField(_("by"), max_length=40)
    address = models.GenericIPAddressField(_("from"), null=True)
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    action = models.CharField(_("action"), max_length=60)
    object_type = models.CharField(_("kind of object"), max_length=80)
    object_id = models.CharField(_("object"), max_length=80)
    object_name = models.CharField(_("name then"), max_length=200, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    before = models.JSONField(_("before"), encoder=DjangoJSONEncoder, default=dict)
    after = models.JSONField(_("after"), encoder=DjangoJSONEncoder, default=dict)

    class Meta:
        verbose_name = _("staff action")
        verbose_name_plural = _("staff actions")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["object_type", "object_id", "-id"], name="staff_action_by_object"),
            models.Index(fields=["actor", "-id"], name="staff_action_by_actor"),
            models.Index(fields=["action", "-id"], name="staff_action_by_action"),
            models.Index(fields=["at"], name="staff_action_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_name or self.object_id}"


class ShopSettings(models.Model):
    """What the owner says about the shop: one row. Times and limits that move money stay in the environment.

    ``opened_at`` is when the shop was first opened to customers. Until then nobody can sign up, and its first owner
    may enter the admin without a second factor.
    """

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    name = models.CharField(_("name"), max_length=60, help_text=_("On every page and in the subject of every mail"))
    headline = models.CharField(
        _("headline"), max_length=120, blank=True, help_text=_("On top of the price list. Empty: the shop's own words.")
    )
    home_text = models.TextField(
        _("text of the home page"),
        blank=True,
        db_default="",
        max_length=600,
        help_text=_("Below the headline, at most 600 characters. Empty: the shop's own words."),
    )
    contact_email = models.EmailField(_("contact"), blank=True, help_text=_("The address for customers to write to"))
    sender_name = models.CharField(
        _("sender of mails"), max_length=60, blank=True, help_text=_("Empty: the name of the shop")
    )
    signup_is_open = models.BooleanField(
        _("new customers"), default=True, help_text=_("Off: nobody can sign up. Customers go on as before.")
    )
    signups_per_hour = models.PositiveIntegerField(
        _("sign-ups in an hour"),
        default=100,
        validators=[MaxValueValidator(100_000)],
        help_text=_(
            "The most new customers of one hour, over the whole shop. Accounts that nobody verified do not count. "
            "0: no limit."
        ),
    )
    #: Codes of settings.LANGUAGES that customers may choose, besides the default one.
    languages = ArrayField(
        models.CharField(max_length=10),
        verbose_name=_("languages"),
        default=list,
        db_default=[],
        blank=True,
        help_text=_("Customers choose among these and the shop's default language. The admin stays English."),
    )
    opened_at = models.DateTimeField(_("open since"), null=True, blank=True, editable=False)
    #: SHOP_CURRENCY as it was when money first moved; see storefront.currency_lock.
    currency = models.CharField(_("currency"), max_length=8, blank=True, editable=False)

    class Meta:
        verbose_name = _("settings of the shop")
        verbose_name_plural = _("settings of the shop")
        default_permissions = ("change", "view")
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="shop_settings_one_row"),
            models.CheckConstraint(condition=~Q(name=""), name="shop_settings_named"),
            models.CheckConstraint(condition=Q(signups_per_hour__lte=100_000), name="shop_settings_signups_sane"),
            models.CheckConstraint(
                condition=LessThanOrEqual(Length("home_text"), 600), name="shop_settings_home_text_bounded"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def mail_sender(self) -> str:
        """The name that mails come from."""
        return self.sender_name or self.name


class OwnerText(models.Model):
    """A text of the owner in another language: of one field of one object, such as the name of a service.

    ``object_type`` is the object's table as Django names it, "catalog.service". Where there is no row, the original
    is shown.
    """

    object_type = models.CharField(_("kind of object"), max_length=80)
    object_id = models.BigIntegerField(_("object"))
    field = models.CharField(_("field"), max_length=30)
    language = models.CharField(_("language"), max_length=10)
    text = models.TextField(_("text"))

    class Meta:
        verbose_name = _("text in another language")
        verbose_name_plural = _("texts in other languages")
        constraints = [
            models.UniqueConstraint(
                fields=["language", "object_type", "object_id", "field"], name="owner_text_once_in_a_language"
            ),
            models.CheckConstraint(
                condition=Q(GreaterThan(Length("text"), 0), LessThanOrEqual(Length("text"), LONGEST_TEXT)),
                name="owner_text_bounded",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.object_type} {self.object_id}, {self.field}, {self.language}"
