"""Make a customer without the sign-up page: for operators, scripts and the demo."""

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
    """The address cannot be a customer's: it is no address, or it belongs to staff."""

    code = "not_a_customer"


@dataclass(frozen=True)
class Registration:
    """``password`` is set only when one was made up here: it is shown once and kept nowhere."""

    customer: User
    is_new: bool
    password: str | None = None


def find_customer(email: str) -> User:
    """The customer of that address. Raises NotACustomer for an unknown address and for staff."""
    person: User | None = User.objects.filter(email__iexact=email.strip()).first()
    if person is None:
        raise NotACustomer(_("There is no customer with the address %(email)s.") % {"email": email})
    if person.is_staff:
        raise NotACustomer(_("%(email)s belongs to staff; customers are never staff.") % {"email": email})
    return person


def register_customer(*, email: str, password: str | None = None) -> Registration:
    """The customer of that address, made if there is none: verified, so that signing in works at once.

    Somebody who exists already is left as found. That includes an address that is still to be verified: whoever
    signed up with it may not be its owner. Raises NotACustomer.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise NotACustomer(_("“%(email)s” is not an e-mail address.") % {"email": email[:100]}) from None
    if User.objects.filter(email__iexact=email).exists():
        return Registration(find_customer(email), is_new=False)
    made_up = None if password else secrets.token_urlsafe(12)
    try:
        with transaction.atomic():
            customer = User.objects.create_user(email, password or made_up)
            EmailAddress.objects.create(user=customer, email=email, verified=True, primary=True)
    except IntegrityError:
        # Somebody else made the same customer since we looked.
        return Registration(find_customer(email), is_new=False)
    return Registration(customer, is_new=True, password=made_up)


def is_verified(customer: User) -> bool:
    """Whether the customer has shown that the address is theirs; without it nobody signs in."""
    verified: bool = EmailAddress.objects.filter(user=customer, email__iexact=customer.email, verified=True).exists()
    return verified
