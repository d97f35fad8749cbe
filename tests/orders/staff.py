"""Who decides in the admin, signed in as a decision about money demands."""

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import User

PASSWORD = "correct horse battery"


def signed_in(person: User) -> Client:
    """Just signed in, and asked for the password once more as every decision about money demands."""
    EmailAddress.objects.get_or_create(user=person, email=person.email, defaults={"verified": True, "primary": True})
    client = Client()
    client.post(reverse("account_login"), {"login": person.email, "password": PASSWORD})
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client


def clerk_with(*codenames: str) -> Client:
    """A member of staff who holds these permissions and no other."""
    clerk = User.objects.create_user("clerk@example.com", PASSWORD, is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return signed_in(clerk)
