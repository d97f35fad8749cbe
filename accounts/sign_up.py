"""Whether new customers may sign up now, and which accounts nobody has verified."""

from datetime import timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from core.clock import database_now
from core.models import ShopSettings

#: What every account gets at its sign-up, and what therefore does not keep it.
_OF_SIGN_UP = {"account.emailaddress", "usersessions.usersession"}


class SignUp(models.TextChoices):
    """The labels are what a visitor reads."""

    OPEN = "open", ""
    UNOPENED = "unopened", _("This shop has not opened yet.")
    NO_MAIL = "no mail", _("This shop cannot send mail at the moment, so nobody can sign up. Please come back later.")
    CLOSED = "closed", _("This shop takes no new customers at the moment.")
    TOO_MANY = "too many", _("Many people are signing up just now. Please try again in an hour.")


def sign_up_state(shop: ShopSettings) -> SignUp:
    """Return whether a visitor may sign up, and if not, why."""
    if shop.opened_at is None:
        return SignUp.UNOPENED
    if not settings.MAIL_IS_SET_UP:
        return SignUp.NO_MAIL
    if not shop.signup_is_open:
        return SignUp.CLOSED
    if shop.signups_per_hour:
        # Numbers grow with time, so the newest customers are at the end of the key's index.
        newest = User.objects.filter(is_staff=False).order_by("-id").values_list("date_joined", flat=True)
        limiting = newest[shop.signups_per_hour - 1 : shop.signups_per_hour]
        if any(joined > database_now() - timedelta(hours=1) for joined in limiting):
            return SignUp.TOO_MANY
    return SignUp.OPEN


def never_verified() -> QuerySet[User]:
    """Return the customers who never verified an address nor signed in, and to whom no other row belongs."""
    unused = User.objects.filter(last_login=None, is_staff=False).exclude(
        Exists(EmailAddress.objects.filter(user=OuterRef("pk"), verified=True))
    )
    for relation in User._meta.get_fields(include_hidden=True):
        if not isinstance(relation, ForeignObjectRel) or relation.many_to_many:
            continue
        rows = relation.related_model._default_manager
        if rows.model._meta.label_lower not in _OF_SIGN_UP:
            unused = unused.exclude(Exists(rows.filter(**{relation.field.name: OuterRef("pk")})))
    return unused
