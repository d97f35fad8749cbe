"""The shop's wording for django-allauth, and the pages it redirects to."""

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import password_limits
from accounts.known_devices import NEW_PASSWORD, remember_device
from accounts.mails import forget_reset_mails, queue_account_mail
from accounts.models import ApiKey
from accounts.security_events import account_meant, log_event
from accounts.sign_up import SignUp, sign_up_state
from core.secrets import seal, unseal
from core.security_log import Event
from core.shop_settings import shop_settings


class AccountAdapter(DefaultAccountAdapter):
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": _("This account is frozen. Please write to us."),
        "duplicate_email": _("This is the e-mail of your account already."),
        "email_password_mismatch": _("E-mail and password do not match."),
        "enter_current_password": _("Enter your current password."),
        "incorrect_code": _("That is not the code in our last mail."),
        "incorrect_password": _("That is not your password."),
        "rate_limited": _("Too many attempts. Wait a few minutes, then try again."),
        "same_as_current": _("Choose a value that differs from the current one."),
        "too_many_login_attempts": _("Too many attempts. Wait a few minutes, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        state = sign_up_state(shop_settings())
        request.why_signup_is_closed = state.label  # type: ignore[attr-defined]  # for the page that says so
        return state == SignUp.OPEN

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        request.session[NEW_PASSWORD] = True
        return reverse("keys_after_password")

    def clean_email(self, email: str) -> str:
        """Return the address. Raises ValidationError for one that no mail can be sent to."""
        email = super().clean_email(email)
        try:
            email.rpartition("@")[2].encode("idna")
        except UnicodeError:
            raise ValidationError(_("Enter a valid email address.")) from None
        return email

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """The admin for staff, the price list for customers; after a new password by mail, first the API keys."""
        user: Any = request.user
        is_reset = any(r.get("method") == "password_reset" for r in get_authentication_records(request, user))
        if is_reset and ApiKey.objects.filter(customer=user, revoked_at=None).exists():
            return reverse("keys_after_password")
        return reverse("admin:index") if user.is_staff else super().get_login_redirect_url(request)

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:
        """Keep the language of the page with the new account."""
        user.language = getattr(request, "LANGUAGE_CODE", "")
        return super().save_user(request, user, form, commit)

    def send_mail(self, template_prefix: str, email: str, words: dict[str, Any]) -> None:
        queue_account_mail(context.request, template_prefix, email, words)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        # allauth's own count has the Host header in its key, so that each spelling of our name had five attempts.
        self._login_failed_rl_usage = password_limits.count_attempt(request, email=credentials.get("email", ""))
        if self._login_failed_rl_usage is None:
            log_event(Event.SIGN_IN_LIMITED, request, account=account_meant(credentials.get("email", "")))
            raise self.validation_error("too_many_login_attempts")

    def _delete_login_attempts_cached_email(self, request: HttpRequest, **credentials: Any) -> None:
        password_limits.forget_attempts(request, email=credentials.get("email", ""))
        forget_reset_mails(request, email=credentials.get("email", ""))

    def post_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        remember_device(request, response, user)
        return response

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """Return the second factor if the user has one, else the password. The first one is asked for."""
        words = {"mfa_reauthenticate": _("Use a code"), "mfa_reauthenticate:webauthn": _("Use a passkey")}
        methods: list[dict[str, Any]] = [
            {**method, "description": words.get(method["id"], method["description"])}
            for method in super().get_reauthentication_methods(user)
        ]
        factors = [method for method in methods if method["id"].startswith("mfa_")]
        if factors and not is_mfa_enabled(user, types=[Authenticator.Type.TOTP]):
            factors.reverse()  # the passkey before the recovery codes
        return factors or methods

    def get_email_verification_redirect_url(self, email_address: Any) -> str:
        return reverse("catalog:prices")


class MFAAdapter(DefaultMFAAdapter):
    """Encrypts the secrets of second factors, so that a copy of the database is not enough to sign in."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("That is not the code your app shows now."),
        "unverified_email": _("Confirm your e-mail address first: only its owner can set up a second step."),
    }

    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        # A passkey belongs to the shop's name, not to whatever name of ours a request came to.
        return {"id": urlsplit(settings.SHOP_URL).hostname or "", "name": self._get_site_name()}

    def generate_authenticator_name(self, user: Any, type: Any) -> str:
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return gettext("Passkey %(number)d") % {"number": number}

    def _get_site_name(self) -> str:
        name: str = settings.SHOP_NAME
        return name


class UserSessionsAdapter(DefaultUserSessionsAdapter):
    def end_sessions(self, sessions: Any) -> None:
        log_event(Event.SESSIONS_ENDED, context.request, count=len(sessions))
        super().end_sessions(sessions)
