"""allauth's forms for signing in, in the shop's words."""

from typing import Any

from allauth.account.forms import LoginForm
from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms
from django.utils.translation import gettext_lazy as _


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
