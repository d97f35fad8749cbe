"""Find customers, and add them without the sign-up page: for operators, scripts and the demo."""

import secrets
from dataclasses import dataclass

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from core.refusals import Refusal


class NotACustomer(Refusal):
    """The address is invalid, unknown or belongs to staff."""

    code = "not_a_customer"


@dataclass(frozen=True)
class Registration:
    """``password`` is set only when it was generated here; it is shown once and not stored."""

    customer: User
    is_new: bool
    password: str | None = None


def find_customer(email: str) -> User:
    """Return the customer with that address. Raises NotACustomer for an unknown address and for staff."""
    person: User | None = User.objects.filter(email__iexact=email.strip()).first()
    if person is None:
        raise NotACustomer(_("There is no customer with the address %(email)s.") % {"email": email})
    if person.is_staff:
        raise NotACustomer(_("%(email)s belongs to staff; customers are never staff.") % {"email": email})
    return person


def register_customer(*, email: str, password: str | None = None) -> Registration:
    """Return the customer with that address; add a verified one, who can sign in at once, if there is none.

    A customer who exists already is not changed. An unverified address stays unverified too: the person who signed
    up with it may not be its owner. Raises NotACustomer.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise NotACustomer(_("“%(email)s” is not an e-mail address.") % {"email": email[:100]}) from None
    if User.objects.filter(email__iexact=email).exists():
        return Registration(find_customer(email), is_new=False)
    generated = None if password else secrets.token_urlsafe(12)
    try:
        with transaction.atomic():
            customer = User.objects.create_user(email, password or generated)
            EmailAddress.objects.create(user=customer, email=email, verified=True, primary=True)
    except IntegrityError:
        # Another process has added the same customer in the meantime.
        return Registration(find_customer(email), is_new=False)
    return Registration(customer, is_new=True, password=generated)


def is_verified(customer: User) -> bool:
    """True if the customer has verified the address; without that nobody can sign in."""
    verified: bool = EmailAddress.objects.filter(user=customer, email__iexact=customer.email, verified=True).exists()
    return verified
