"""Who decides in the admin: signed in with a second factor, and asked again just now as money demands."""

from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from tests.sign_in import sign_in_staff

PASSWORD = "correct horse battery"


def signed_in(person: User) -> Client:
    return sign_in_staff(person)


def clerk_with(*codenames: str) -> Client:
    """A member of staff who holds these permissions and no other."""
    clerk = User.objects.create_user("clerk@example.com", PASSWORD, is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return signed_in(clerk)
