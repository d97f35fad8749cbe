import re
import secrets
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from billing.amounts import BadAmount, parse_amount
from core.numbers import NotANumber, read_decimal

_NONCE = re.compile(r"[0-9a-f]{32}")


def new_nonce() -> str:
    """Return a new name for one movement of money: a form that carries it moves the money once, however often sent."""
    return secrets.token_hex(16)


class MoveMoneyForm(forms.Form):
    """How much, and why. The reason stands on the customer's statement."""

    amount = forms.CharField(
        label=_("Amount"), max_length=40, widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
    )
    reason = forms.CharField(
        label=_("Reason"), max_length=300, strip=True, help_text=_("The customer reads it on the statement.")
    )
    nonce = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].widget.attrs["size"] = 60

    def clean_amount(self) -> Decimal:
        try:
            return parse_amount(f"{read_decimal(self.cleaned_data['amount'], point='.'):f}")
        except (BadAmount, NotANumber) as problem:
            raise ValidationError(str(problem.message)) from problem

    def clean_nonce(self) -> str:
        nonce: str = self.cleaned_data["nonce"]
        if not _NONCE.fullmatch(nonce):
            raise ValidationError(_("This form is not complete. Open it again."))
        return nonce
