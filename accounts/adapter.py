"""How django-allauth speaks and where it sends people, for this shop."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from core.secrets import seal, unseal


class AccountAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _("E-mail and password do not match."),
        "too_many_login_attempts": _("Too many tries. Wait a few minutes, then try again."),
    }

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Staff work in the admin; customers come for the price list."""
        user: Any = request.user
        return reverse("admin:index") if user.is_staff else super().get_login_redirect_url(request)

    def get_email_verification_redirect_url(self, email_address: Any) -> str:
        return reverse("catalog:prices")


class MFAAdapter(DefaultMFAAdapter):
    """Keeps the secrets of second factors sealed, so that a dump of the database opens no account."""

    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text)

    def _get_site_name(self) -> str:
        name: str = settings.SHOP_NAME
        return name
