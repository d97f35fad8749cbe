"""allauth's forms for signing in, in the shop's words."""

from collections.abc import Callable
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import ChangePasswordForm, LoginForm
from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.password_limits import count_attempt, count_code
from accounts.security_events import account_meant, log_event
from core.security_log import Event


class SignInForm(LoginForm):
    """No help text: the page links "Forgot it?" next to the label. No placeholders: every field has a label."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)


class AddPasskeyForm(AddWebAuthnForm):
    """A new passkey; it signs in by itself unless that is switched off."""

    passwordless = forms.BooleanField(label=_("It signs me in without my password"), required=False, initial=True)


class OldPasswordForm(ChangePasswordForm):
    """A new password for who is signed in. The old one is counted as at the sign-in: a session may be a thief's."""

    def clean_oldpassword(self) -> str:
        email = self.user.email
        usage = count_attempt(context.request, email=email)
        if usage is None:
            log_event(Event.SIGN_IN_LIMITED, context.request, account=account_meant(email))
            raise get_adapter().validation_error("too_many_login_attempts")
        try:
            password: str = super().clean_oldpassword()
        except forms.ValidationError:
            log_event(Event.SIGN_IN_FAILED, context.request, account=account_meant(email))
            raise
        usage.rollback()
        return password


class SecondStepForm(AuthenticateForm):
    """allauth's form for a code at the sign-in, with the shop's limits."""

    def clean_code(self) -> str:
        return _counted(self.user, super().clean_code)


class ConfirmingCodeForm(ReauthenticateForm):
    """allauth's form for a code before something that matters, with the shop's limits."""

    def clean_code(self) -> str:
        return _counted(self.user, super().clean_code)


def _counted(account: User, check: Callable[[], str]) -> str:
    """Return the code that ``check`` finds right; a wrong one is counted. Raises ValidationError."""
    usage = count_code(context.request, account)
    if usage is None:
        log_event(Event.FACTOR_LIMITED, context.request, account)
        raise get_adapter().validation_error("too_many_login_attempts")
    code = check()
    usage.rollback()
    return code
