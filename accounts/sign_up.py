"""Whether new customers may sign up now, and which accounts nobody has verified."""

from collections.abc import Iterator
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.fields.reverse_related import ForeignObjectRel
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.password_limits import count_all, networks_of
from core.clock import database_now
from core.models import ShopSettings

#: What every account gets at its sign-up, and what therefore does not keep it; what belongs to these rows does.
_OF_SIGN_UP = {"account.emailaddress", "account.emailconfirmation", "usersessions.usersession", "billing.account"}

#: Each of these rows comes with a line of its wallet, which an index finds.
_KNOWN_BY_LINES = {"billing.transfer", "billing.hold"}

#: Sign-ups from one network. The limit over the whole shop counts those whose address was verified, so that it takes
#: many networks and mailboxes to keep others out.
RATES = {"sign_up_from_network": "20/1h/key", "sign_up_from_wide_network": "60/1h/key"}
_VERIFIED = Exists(EmailAddress.objects.filter(user=OuterRef("pk"), verified=True))


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
        # Numbers grow with time, so the newest customers are at the end of the key's index. Accounts that are of no use
        # to anybody count for nothing: they cost no mailbox.
        used = User.objects.filter(Q(last_login__isnull=False) | _VERIFIED, is_staff=False)
        newest = used.order_by("-id").values_list("date_joined", flat=True)
        limiting = newest[shop.signups_per_hour - 1 : shop.signups_per_hour]
        if any(joined > database_now() - timedelta(hours=1) for joined in limiting):
            return SignUp.TOO_MANY
    return SignUp.OPEN


def count_sign_up(request: HttpRequest) -> bool:
    """Count a sign-up from the client's network; return False if there were too many within the hour.

    It counts whether or not the address has an account already, which nobody learns from it.
    """
    network, wide = networks_of(request)
    counts = [("sign_up_from_network", network), ("sign_up_from_wide_network", wide)]
    return count_all(request, counts, RATES) is not None


def never_verified() -> QuerySet[User]:
    """Return the customers who never verified an address nor signed in, and to whom no other row belongs."""
    unused = User.objects.filter(last_login=None, is_staff=False).exclude(_VERIFIED)
    for model, path in _kept_by(User):
        unused = unused.exclude(Exists(model._default_manager.filter(**{path: OuterRef("pk")})))
    return unused


def _kept_by(model: type[models.Model], path: str = "") -> Iterator[tuple[type[models.Model], str]]:
    """Yield each model whose rows keep an account, with the lookup that leads from such a row to the account."""
    for relation in model._meta.get_fields(include_hidden=True):
        if not isinstance(relation, ForeignObjectRel) or relation.many_to_many:
            continue
        owning, way = relation.related_model, f"{relation.field.name}{path}"
        if owning._meta.label_lower in _KNOWN_BY_LINES:
            continue
        if owning._meta.label_lower in _OF_SIGN_UP:
            yield from _kept_by(owning, f"__{way}")
        else:
            yield owning, way
