"""Pages that the owner writes, the versions of the terms, and who accepted which."""

from django.conf import settings
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length, Now
from django.db.models.lookups import LessThanOrEqual
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

#: Characters of a page. Rendering the worst text of this length takes about two seconds, once.
LONGEST = 100_000


class Place(models.TextChoices):
    """Where the menu shows a page: in the head, or in a column of the foot."""

    HEAD = "head", _("At the top of every page")
    HELP = "help", _("At the bottom, under Help")
    RULES = "rules", _("At the bottom, under Rules")
    NOWHERE = "", _("In no menu: only by its address")


class OwnPage(models.Model):
    """A page of the owner, in Markdown. Of the terms, customers read the newest TermsVersion and not ``body``."""

    title = models.CharField(_("title"), max_length=80)
    slug = models.SlugField(_("address"), unique=True, help_text=_("The page is at /pages/ADDRESS/."))
    body = models.TextField(
        _("text"),
        validators=[MaxLengthValidator(LONGEST)],
        help_text=_(
            "Markdown: ## heading, **bold**, - list, [words](https://…), | table |. HTML is shown as it is "
            "typed. Pictures: from /static/ of this shop alone."
        ),
    )
    is_published = models.BooleanField(
        _("published"), default=False, help_text=_("Off: only staff see it, under View on site.")
    )
    place = models.CharField(_("in the menu"), max_length=5, choices=Place, default=Place.HELP, blank=True)
    position = models.PositiveSmallIntegerField(
        _("position"), default=10, help_text=_("Pages of one menu are ordered by this number, the lowest first.")
    )
    is_terms = models.BooleanField(
        _("these are the terms"),
        default=False,
        help_text=_("Customers accept this page. It is published by Publish as a new version, after saving."),
    )
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("own page")
        verbose_name_plural = _("own pages")
        ordering = ["place", "position", "title"]
        constraints = [
            models.UniqueConstraint(
                F("is_terms"),
                condition=Q(is_terms=True),
                name="own_page_one_of_terms",
                violation_error_message=_("Another page holds the terms already."),
            ),
            models.CheckConstraint(condition=LessThanOrEqual(Length("body"), LONGEST), name="own_page_bounded"),
            models.CheckConstraint(condition=Q(place__in=Place.values), name="own_page_place_known"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("pages:page", args=[self.slug])


class TermsVersion(models.Model):
    """The terms as they were published. The database refuses to change or delete one.

    ``digest`` is the SHA-256 of ``body`` in UTF-8; ``published_by`` is written as in StaffAction: "staff:17".
    """

    number = models.PositiveIntegerField(_("version"), unique=True)
    title = models.CharField(_("title"), max_length=80)
    body = models.TextField(_("text"))
    digest = models.CharField(_("SHA-256 of the text"), max_length=64)
    published_at = models.DateTimeField(_("published"), db_default=Now(), editable=False)
    published_by = models.CharField(_("by"), max_length=40)

    class Meta:
        verbose_name = _("version of the terms")
        verbose_name_plural = _("versions of the terms")
        ordering = ["-number"]
        constraints = [
            models.CheckConstraint(condition=LessThanOrEqual(Length("body"), LONGEST), name="terms_version_bounded"),
            models.CheckConstraint(condition=Q(number__gte=1), name="terms_version_counts_from_1"),
        ]

    def __str__(self) -> str:
        return str(self.number)


class TermsAcceptance(models.Model):
    """That a customer accepted a version, when, and from where. Rows are only ever added."""

    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, verbose_name=_("customer"), related_name="accepted_terms"
    )
    version = models.ForeignKey(TermsVersion, models.PROTECT, verbose_name=_("version"), related_name="acceptances")
    at = models.DateTimeField(_("time"), db_default=Now(), editable=False)
    address = models.GenericIPAddressField(_("from"), null=True)

    class Meta:
        verbose_name = _("acceptance of the terms")
        verbose_name_plural = _("acceptances of the terms")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["customer", "version"], name="terms_accepted_once")]

    def __str__(self) -> str:
        return f"{self.customer} · {self.version}"
