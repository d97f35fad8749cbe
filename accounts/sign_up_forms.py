"""allauth's forms for signing up, a second time too while the first code has not arrived."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import ConfirmEmailVerificationCodeForm, SignupForm
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from accounts.sign_up import never_verified


class SignUpForm(SignupForm):
    """allauth's form, with which one can sign up again while the first code has not arrived.

    The account that waits is replaced and not reused: its password belongs to whoever signed up first, who need not be
    the owner of the address.
    """

    account_already_exists: bool

    def try_save(self, request: HttpRequest) -> Any:
        """Return the new account, or the answer for an address that has one; nothing is half made."""
        waiting = never_verified().filter(email__iexact=self.cleaned_data["email"])
        if self.account_already_exists and not waiting.exists():
            return super().try_save(request)
        try:
            with transaction.atomic():
                waiting.delete()
                self.account_already_exists = False
                return super().try_save(request)
        except IntegrityError:
            # Somebody signed up with this address at the same moment.
            self.account_already_exists = True
            return super().try_save(request)


class CodeForm(ConfirmEmailVerificationCodeForm):
    """allauth's form, for which a code opens nothing once its account was replaced by a newer sign-up."""

    def clean_code(self) -> str:
        if self.user is None:
            raise get_adapter().validation_error("incorrect_code")
        code: str = super().clean_code()
        return code
