"""allauth's forms for signing up, a second time too while the first code has not arrived."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import ConfirmEmailVerificationCodeForm, SignupForm
from allauth.core import context
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from accounts.security_events import log_event
from accounts.sign_up import count_sign_up, never_verified
from accounts.terms import keep_for_first_sign_in
from core.security_log import Event
from pages.models import TermsVersion
from pages.terms import current_terms


class SignUpForm(SignupForm):
    """allauth's form, with which one can sign up again while the first code has not arrived.

    The account that waits is replaced and not reused: its password belongs to whoever signed up first, who need not be
    the owner of the address.
    """

    account_already_exists: bool

    @cached_property
    def terms(self) -> TermsVersion | None:
        """The terms that the page shows under its button, and that signing up accepts."""
        return current_terms()

    def clean(self) -> dict[str, Any]:
        """Return the fields, counted as a sign-up if they are right. Raises ValidationError beyond the limit."""
        cleaned: dict[str, Any] = super().clean()
        if self.terms and self.data.get("terms") != str(self.terms.number):
            raise ValidationError(_("Our terms have changed. Read the new ones, then create your account below."))
        if not self.errors and not count_sign_up(context.request):
            log_event(Event.SIGN_UP_LIMITED, context.request)
            raise ValidationError(_("Too many sign-ups from your network. Try again in an hour, or from another one."))
        return cleaned

    def try_save(self, request: HttpRequest) -> Any:
        """Return the new account, or the answer for an address that has one; nothing is half made."""
        waiting = never_verified().filter(email__iexact=self.cleaned_data["email"])
        if self.account_already_exists and not waiting.exists():
            return super().try_save(request)
        try:
            with transaction.atomic():
                waiting.delete()
                self.account_already_exists = False
                made = super().try_save(request)
        except IntegrityError:
            # Somebody signed up with this address at the same moment.
            self.account_already_exists = True
            return super().try_save(request)
        if self.terms:
            keep_for_first_sign_in(request, made[0], self.terms)
        return made


class CodeForm(ConfirmEmailVerificationCodeForm):
    """allauth's form, for which a code opens nothing once its account was replaced by a newer sign-up."""

    def clean_code(self) -> str:
        if self.user is None:
            raise get_adapter().validation_error("incorrect_code")
        code: str = super().clean_code()
        return code
